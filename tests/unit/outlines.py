"""Exams in several planes and one outline written in every format by other people's writers, for tests."""

import csv
import plistlib

import highdicom
import nibabel
import nrrd
import numpy as np
import pydicom
import SimpleITK as sitk
from dicoms import write_image
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from radparity.outline import Source, read_images
from radparity.outline.exam import AXES, Target
from radparity.outline.formats import read_outline


def turned(degrees_z, degrees_x, orientation):
    """An orientation turned about two of the patient's axes."""
    z, x = np.radians([degrees_z, degrees_x])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    return tuple((about_z @ about_x @ np.reshape(orientation, (2, 3)).T).T.ravel())


SAGITTAL, AXIAL = (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 1, 0)
PLANES = {
    "sagittal": SAGITTAL,
    "sagittal, flipped": (0, -1, 0, 0, 0, 1),
    "sagittal, oblique": turned(11, -8, SAGITTAL),
    "axial": AXIAL,
    "axial, feet first": (-1, 0, 0, 0, 1, 0),
    "axial, oblique": turned(-7, 13, AXIAL),
    "coronal": (1, 0, 0, 0, 0, -1),
}
SECTIONS, ROWS, COLUMNS = 6, 18, 22
SPACING = (0.9, 0.7)  # between rows, between columns
STEP = 3.0


class Exam:
    """One phase of an exam as DICOM, its native grid made by SimpleITK and nibabel, and writers of its outlines.

    Arrays of the DICOM are (section, row, column).
    """

    def __init__(self, folder, plane="sagittal", seed="1"):
        self.folder, self.plane = folder, plane
        folder.mkdir(parents=True, exist_ok=True)
        self.orientation = np.array(PLANES[plane], float)
        self.normal = np.cross(self.orientation[:3], self.orientation[3:])
        self.origin = np.array([40.0, -30.0, 25.0])
        self.names = [f"dicom/IM{k:03d}.dcm" for k in range(SECTIONS)]
        frame = generate_uid(entropy_srcs=["f", seed])
        for k, name in enumerate(self.names):
            write_image(
                folder / name, np.full((ROWS, COLUMNS), 100 + k), position=self.position(k), instance=k + 1,
                orientation=self.orientation, spacing=SPACING, FrameOfReferenceUID=frame,
                SOPInstanceUID=generate_uid(entropy_srcs=["image", seed, str(k)]), StudyID="", AccessionNumber="",
                PatientBirthDate="", PatientSex="F", ReferringPhysicianName="", PatientName="P1^",
            )  # fmt: skip
        self.datasets = [pydicom.dcmread(folder / name) for name in self.names]
        blank = self.volume(np.zeros((SECTIONS, ROWS, COLUMNS), np.uint8))
        sitk.WriteImage(blank, str(folder / "native.nii"))
        native = nibabel.as_closest_canonical(nibabel.load(folder / "native.nii"))
        self.shape, self.affine = native.shape, native.affine
        images = read_images({name: folder / name for name in self.names}, folder)
        self.target = Target(self.shape, self.affine, AXES[plane.split(",")[0]], images)

    def position(self, k):
        return self.origin + k * STEP * self.normal

    def volume(self, array):
        image = sitk.GetImageFromArray(array)
        image.SetOrigin(self.origin.tolist())
        image.SetSpacing((SPACING[1], SPACING[0], STEP))
        image.SetDirection(np.stack([self.orientation[:3], self.orientation[3:], self.normal], axis=1).ravel().tolist())
        return image

    def expected(self, mask):
        """The mask on the native grid, by SimpleITK's and nibabel's geometry."""
        path = self.folder / "expected.nii"
        sitk.WriteImage(self.volume(mask.astype(np.uint8)), str(path))
        return np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj) > 0

    def read(self, path, image=None, segment=None):
        return read_outline(Source(path, image, segment), self.target)

    def nifti(self, mask, orientation=None, name="o.nii.gz"):
        """orientation: three letters of SimpleITK's, as RAI, to write the axes in."""
        image = self.volume(mask.astype(np.uint8))
        sitk.WriteImage(sitk.DICOMOrient(image, orientation) if orientation else image, str(self.folder / name))
        return self.folder / name

    def nrrd(self, mask, orientation=None):
        return self.nifti(mask, orientation, "o.nrrd")

    def seg_nrrd(self, masks, names, layers=False):
        """As 3D Slicer: cropped to what is drawn, one layer with values, or a layer a segment."""
        union = np.any(masks, axis=0)
        low = np.argwhere(union).min(axis=0)
        high = np.argwhere(union).max(axis=0) + 1
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        parts = [mask[box].transpose(2, 1, 0) for mask in masks]
        steps = np.stack(
            [self.orientation[:3] * SPACING[1], self.orientation[3:] * SPACING[0], self.normal * STEP], axis=0
        )
        header = {
            "space": "left-posterior-superior",
            "space origin": self.origin + steps.T @ low[::-1],
            "space directions": np.vstack([[np.nan] * 3, steps]) if layers else steps,
            "kinds": [*(["list"] if layers else []), *["domain"] * 3],
        }
        for place, name in enumerate(names):
            header[f"Segment{place}_Name"] = name
            header[f"Segment{place}_LabelValue"] = "1" if layers else str(place + 1)
            header[f"Segment{place}_Layer"] = str(place if layers else 0)
        data = np.stack(parts) if layers else sum((k + 1) * p.astype(np.uint8) for k, p in enumerate(parts))
        nrrd.write(str(self.folder / "o.seg.nrrd"), data.astype(np.uint8), header, index_order="F")
        return self.folder / "o.seg.nrrd"

    def seg(self, masks, labels=("cancer",), kind="BINARY", values=None, sections=None, shuffle=None, name="o.dcm"):
        """As highdicom writes it; sections: of which frames are kept. shuffle: seed of another order of frames."""
        sections = list(range(SECTIONS)) if sections is None else sections
        described = [
            highdicom.seg.SegmentDescription(n, label, codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm,
                                             "MANUAL")
            for n, label in enumerate(labels, start=1)
        ]  # fmt: skip
        array = np.stack(masks, axis=-1)[sections].astype(np.uint8) if values is None else values[sections]
        made = highdicom.seg.Segmentation(
            [self.datasets[k] for k in sections], array, kind, described, generate_uid(), 90, generate_uid(), 1,
            "maker", "model", "1", "1", omit_empty_frames=shuffle is None, max_fractional_value=100,
        )  # fmt: skip
        if shuffle is not None:
            order = np.random.default_rng(shuffle).permutation(len(made.PerFrameFunctionalGroupsSequence))
            pixels = made.pixel_array.reshape(-1, ROWS, COLUMNS)[order]
            made.PerFrameFunctionalGroupsSequence = [made.PerFrameFunctionalGroupsSequence[k] for k in order]
            packed = np.packbits(pixels.ravel() > 0, bitorder="little").tobytes()
            made.PixelData = packed + b"\0" * (len(packed) % 2)
        made.save_as(self.folder / name)
        return self.folder / name

    def point(self, k, row, column):
        """A place on a section in patient coordinates (LPS), by SimpleITK."""
        image = self.volume(np.zeros((SECTIONS, ROWS, COLUMNS), np.uint8))
        return image.TransformContinuousIndexToPhysicalPoint((float(column), float(row), float(k)))

    def points(self, k, polygon):
        return np.array([self.point(k, row, column) for row, column in polygon])

    def rtstruct(self, rois, kind="CLOSED_PLANAR", frame=None, images=True, name="rs.dcm"):
        """rois: name to [(section, polygon of (row, column))]."""
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = RTStructureSetStorage, ExplicitVRLittleEndian
        data = FileDataset(str(name), {}, file_meta=meta, preamble=b"\0" * 128)
        data.SOPClassUID, data.SOPInstanceUID = RTStructureSetStorage, generate_uid()
        meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.StructureSetROISequence, data.ROIContourSequence = [], []
        for number, (label, contours) in enumerate(rois.items(), start=1):
            roi, drawn = Dataset(), Dataset()
            roi.ROINumber, roi.ROIName = number, label
            roi.ReferencedFrameOfReferenceUID = frame or self.datasets[0].FrameOfReferenceUID
            drawn.ReferencedROINumber, drawn.ContourSequence = number, []
            for k, polygon in contours:
                contour = Dataset()
                contour.ContourGeometricType = kind
                contour.NumberOfContourPoints = len(polygon)
                contour.ContourData = [f"{v:.4f}" for v in self.points(k, polygon).ravel()]
                if images:
                    contour.ContourImageSequence = [Dataset()]
                    contour.ContourImageSequence[0].ReferencedSOPInstanceUID = self.datasets[k].SOPInstanceUID
                drawn.ContourSequence.append(contour)
            data.StructureSetROISequence.append(roi)
            data.ROIContourSequence.append(drawn)
        data.save_as(self.folder / name, enforce_file_format=True)
        return self.folder / name

    def osirix_xml(self, contours, kind=11, millimetres=True, uid=True, name="rois.xml"):
        """contours: [(ROI's name, section, polygon)]; OsiriX counts pixels from the first one's corner."""
        images = []
        for label, k, polygon in contours:
            roi = {"Name": label, "Type": kind, "NumberOfPoints": len(polygon), "IndexInImage": 0, "Area": 1.0}
            roi["Point_px"] = [f"({column + 0.5:f}, {row + 0.5:f})" for row, column in polygon]
            if millimetres:
                roi["Point_mm"] = ["({:f}, {:f}, {:f})".format(*point) for point in self.points(k, polygon)]
            if uid:
                roi["SOPInstanceUID"] = str(self.datasets[k].SOPInstanceUID)
            images.append({"ImageIndex": 3, "NumberOfROIs": 1, "ROIs": [roi]})
        (self.folder / name).write_bytes(plistlib.dumps({"Images": images}))
        return self.folder / name

    def osirix_csv(self, contours, kind=11):
        columns = "ImageNo RoiNo RoiMean RoiName LengthCm RoiType SOPInstanceUID NumOfPoints mmX mmY mmZ pxX pxY ..."
        path = self.folder / "rois.csv"
        with path.open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(columns.split())
            for label, k, polygon in contours:
                places = zip(self.points(k, polygon), polygon, strict=True)
                flat = [v for mm, (row, column) in places for v in (*mm, column + 0.5, row + 0.5)]
                uid = self.datasets[k].SOPInstanceUID
                rows.writerow([3, 0, 1.5, label, 2.0, kind, uid, len(polygon), *(f"{v:.5f}" for v in flat)])
        return path

    def png(self, mask, k, name="o.png", value=255):
        Image.fromarray((mask[k] * np.uint8(value)).astype(np.uint8)).save(self.folder / name)
        return self.folder / name


def rectangle(low, high):
    """The corners of whole pixels from `low` to `high` (row, column), both included."""
    (r, c), (s, d) = low, high
    return [(r - 0.5, c - 0.5), (r - 0.5, d + 0.5), (s + 0.5, d + 0.5), (s + 0.5, c - 0.5)]


def keyhole(outer, inner):
    """One closed line around `outer` that goes in to `inner`, around it the other way, and back by the same way."""
    return [*outer, outer[0], inner[0], *inner[:0:-1], inner[0]]
