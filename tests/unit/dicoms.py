"""Small DICOM exams for tests: sagittal multi-phase series with every tag under the test's control."""

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

SHAPE = (12, 20, 24)  # sections, rows, columns


def write_image(
    path, pixels, *, position, series=1, instance=1, orientation=(0, 1, 0, 0, 0, -1), spacing=(1.0, 1.0), **tags
):
    """One MR image. pixels: (rows, columns); position: mm, LPS. Tags by keyword; None leaves a tag out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    values = {
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": generate_uid(entropy_srcs=["study"]),
        "SeriesInstanceUID": generate_uid(entropy_srcs=[f"series {series}"]),
        "FrameOfReferenceUID": generate_uid(entropy_srcs=["frame"]),
        "Modality": "MR",
        "Manufacturer": "GE MEDICAL SYSTEMS",
        "PatientID": "P1",
        "PatientName": "P1",
        "StudyDate": "20050101",
        "StudyTime": "100000",
        "SeriesNumber": series,
        "SeriesDescription": "Sag 3D dynamic",
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        "MRAcquisitionType": "3D",
        "InstanceNumber": instance,
        "ImagePositionPatient": list(position),
        "ImageOrientationPatient": list(orientation),
        "PixelSpacing": list(spacing),
        "SliceThickness": 3.0,
        "SpacingBetweenSlices": 3.0,
        "RepetitionTime": 6.0,
        "EchoTime": 2.0,
        "FlipAngle": 10,
        "MagneticFieldStrength": 1.5,
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "PixelData": pixels.astype("<u2").tobytes(),
    }
    for name, value in (values | tags).items():
        if value is not None:
            setattr(data, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def pixels(phase, section):
    """A pattern that no flip, transposition or mix-up of sections and phases leaves alike."""
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    return 1000 * (phase + 1) + 40 * section + rows + 0.5 * columns


def write_exam(folder, phases=4, layout="trigger", sections=SHAPE[0], origin=(-10.0, -20.0, 30.0), step=3.0, **tags):
    """A sagittal exam; layout names what tells the phases apart. Returns the files as [phase][section]."""
    files = []
    for phase in range(phases):
        files.append([])
        for section in range(sections):
            path = folder / f"s{phase:02d}" / f"{section:03d}.dcm"
            own = {
                "trigger": {"TriggerTime": 90_000.0 * phase, "TemporalPositionIdentifier": phase + 1},
                "content": {"ContentTime": f"10{2 * phase:02d}00", "AcquisitionNumber": min(phase, 1) + 1},
                "instance": {"AcquisitionTime": None},
                "series": {"series": 10 - phase if phase else 9, "AcquisitionTime": f"10{2 * phase:02d}30.5"},
            }[layout]
            if layout == "series":
                own["series"] = {0: 9}.get(phase, phase + 9)
            x = origin[0] + step * section
            write_image(
                path,
                pixels(phase, section),
                position=(x, *origin[1:]),
                instance=phase * sections + section + 1,
                **(own | tags),
            )
            files[-1].append(path)
    return files
