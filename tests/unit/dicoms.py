"""Small DICOM exams for tests: sagittal multi-phase series with every tag under the test's control."""

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

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


def write_exam(
    folder, phases=4, layout="trigger", sections=SHAPE[0], origin=(-10.0, -20.0, 30.0), step=3.0, number=0, **tags
):
    """A sagittal exam; layout names what tells the phases apart. Returns the files as [phase][section].

    number: added to all series numbers, for a second set of series in one exam.
    """
    files = []
    for phase in range(phases):
        files.append([])
        for section in range(sections):
            path = folder / f"s{phase:02d}" / f"{section:03d}.dcm"
            clock = f"10{2 * phase:02d}30.5"
            own = {
                "trigger": {"TriggerTime": 90_000.0 * phase, "TemporalPositionIdentifier": phase + 1},
                "trigger only": {"TriggerTime": 90_000.0 * phase + 100 * ((5 * section) % sections)},
                "content": {"ContentTime": f"10{2 * phase:02d}00", "AcquisitionNumber": min(phase, 1) + 1},
                "acquisition": {"AcquisitionNumber": phase + 1, "AcquisitionTime": clock},
                "moment": {"AcquisitionDateTime": f"2005010110{2 * phase:02d}30.5+0100"},
                "instance": {"AcquisitionTime": None},
                # 9 before contrast, 10, 11, 12 after: as text 10 would come first
                "series": {"series": 9 + phase, "AcquisitionTime": clock},
                "described": {"series": 9 + phase, "SeriesDescription": f"dyn_TRA_TT={20.3 * phase:.1f}s"},
                # GE: one phase before contrast, and a series of all others whose trigger times start anew
                "pre and posts": {
                    "series": 9 + min(phase, 1),
                    "SeriesDescription": "Sag dynamic post" if phase else "Sag dynamic pre",
                    "AcquisitionTime": "100400" if phase else "100000",
                    "TriggerTime": 90_000.0 * (phase - 1) if phase else None,
                },
            }[layout]
            own["series"] = number + own.get("series", 1)
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


def write_multiframe(path, phases=4, sections=SHAPE[0], time="moment", laterality=None, **tags):
    """All sections and phases as one enhanced MR file, the phases of a section together; time names what times them.

    Returns the frames' numbers as [phase][section].
    """
    shared = Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [Dataset()], [Dataset()]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    shared.PixelMeasuresSequence[0].PixelSpacing = [0.7, 0.8]
    shared.MRTimingAndRelatedParametersSequence = [Dataset()]
    shared.MRTimingAndRelatedParametersSequence[0].RepetitionTime = 6.0
    if laterality:
        shared.FrameAnatomySequence = [Dataset()]
        shared.FrameAnatomySequence[0].FrameLaterality = laterality
    frames = []
    for section in range(sections):
        for phase in range(phases):
            frame, content = Dataset(), Dataset()
            frame.PlanePositionSequence = [Dataset()]
            frame.PlanePositionSequence[0].ImagePositionPatient = [-10.0 - 3 * section, -20, 30]
            content.StackID, content.InStackPositionNumber = "1", section + 1
            content.DimensionIndexValues = [1, section + 1, phase + 1]
            if time == "moment":
                content.TemporalPositionIndex = phase + 1
                content.FrameAcquisitionDateTime = f"2005010110{2 * phase:02d}30.5"
            if time == "offset":
                frame.TemporalPositionSequence = [Dataset()]
                frame.TemporalPositionSequence[0].TemporalPositionTimeOffset = 75.5 * phase
            frame.FrameContentSequence = [content]
            frames.append(frame)
    pointers = []
    for tag in (0x00209056, 0x00209057, 0x00209128):
        pointers.append(Dataset())
        pointers[-1].DimensionIndexPointer = tag
    stack = np.stack([pixels(phase, section) for section in range(sections) for phase in range(phases)])
    write_image(
        path, pixels(0, 0), position=(0, 0, 0), ImagePositionPatient=None, ImageOrientationPatient=None,
        PixelSpacing=None, RepetitionTime=None, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=len(frames),
        SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=frames,
        DimensionIndexSequence=pointers, PixelData=stack.astype("<u2").tobytes(), **tags,
    )  # fmt: skip
    return [[section * phases + phase for section in range(sections)] for phase in range(phases)]
