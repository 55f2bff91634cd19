"""Writing an exam as DICOM series like those of fat-suppressed breast examinations.

Mostly sagittal on a GE scanner; also axial with one series a phase, and one enhanced multi-frame file.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from radparity.phantom.design import SCANNERS, ExamDesign, generator
from radparity.phantom.grid import Grid
from radparity.phantom.multiframe import as_multiframe

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
T2_SERIES, FIRST_DYNAMIC_SERIES = 2, 8
DAYS_BETWEEN_EXAMS = 26
Volume = NDArray[Any]


class ExamWriter:
    """Writes the images of one exam below a folder. All identifiers and times follow from seed and exam."""

    def __init__(self, design: ExamDesign, folder: Path, seed: int) -> None:
        self.design, self.folder, self.seed = design, folder, seed
        rng = generator(seed, design.exam, "dicom")
        number = int("".join(c for c in design.exam if c.isdigit()) or 0)
        self.day = (date(2003, 1, 6) + timedelta(days=DAYS_BETWEEN_EXAMS * number)).strftime("%Y%m%d")
        self.injection = 36_000 + 60 * int(rng.integers(0, 300))
        self.descending = bool(rng.random() < 0.5)
        self.window = 1.0

    def _uid(self, *key: object) -> UID:
        return generate_uid(entropy_srcs=[str(self.seed), self.design.exam, *map(str, key)])

    def _clock(self, time_s: float) -> str:
        s = int(round(self.injection + time_s))
        return f"{s // 3600:02d}{s // 60 % 60:02d}{s % 60:02d}"

    def _dataset(
        self, series: int, description: str, start_s: float, repetition_ms: float, echo_ms: float, flip: int
    ) -> Dataset:
        design, scanner = self.design, SCANNERS[self.design.scanner]
        d = Dataset()
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.file_meta.MediaStorageSOPClassUID = d.SOPClassUID = MRImageStorage
        d.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
        d.StudyDate = d.SeriesDate = d.ContentDate = self.day
        d.StudyTime, d.SeriesTime = self._clock(-900), self._clock(start_s)
        d.AccessionNumber = d.ReferringPhysicianName = d.StudyID = d.PatientBirthDate = d.PositionReferenceIndicator = (
            ""
        )
        d.Modality, d.Manufacturer, d.ManufacturerModelName = "MR", scanner.manufacturer, scanner.model
        d.StudyDescription, d.SeriesDescription = "MR BREAST VIRTUAL", description
        d.PatientName = d.PatientID = design.patient
        d.PatientSex, d.BodyPartExamined, d.PatientPosition = "F", "BREAST", "FFP"
        d.ScanningSequence, d.SequenceVariant, d.ScanOptions = "GR", ["SP", "OSP"], ["FAST_GEMS", "FAT_GEMS", "FS"]
        d.MRAcquisitionType, d.SequenceName, d.EchoTrainLength = "3D", "3dfgre", 1
        d.RepetitionTime, d.EchoTime, d.FlipAngle = f"{repetition_ms:g}", f"{echo_ms:g}", str(flip)
        d.MagneticFieldStrength, d.NumberOfAverages, d.ImagedNucleus = scanner.field_strength, "1", "1H"
        d.StudyInstanceUID, d.SeriesInstanceUID = self._uid("study"), self._uid("series", series)
        d.FrameOfReferenceUID, d.SeriesNumber, d.AcquisitionNumber = self._uid("frame"), series, 1
        if design.sides != "both":
            d.Laterality = design.sides[0].upper()
        d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 0
        d.WindowCenter, d.WindowWidth = str(round(self.window / 2)), str(round(self.window))
        return d

    def _write(
        self, d: Dataset, instance: int, pixels: Volume, position: Sequence[float], orientation: Sequence[float]
    ) -> None:
        d.InstanceNumber = instance
        d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = self._uid(d.SeriesNumber, instance)
        d.ImagePositionPatient = [f"{v:.9g}" for v in position]
        d.ImageOrientationPatient = [f"{v:g}" for v in orientation]
        d.SliceLocation = f"{np.dot(np.cross(orientation[:3], orientation[3:]), position):.9g}"
        d.Rows, d.Columns = pixels.shape
        d.PixelData = np.ascontiguousarray(np.clip(np.rint(pixels), 0, 65535).astype("<u2")).tobytes()
        path = self._path(d.SeriesNumber, instance)
        path.parent.mkdir(parents=True, exist_ok=True)
        d.save_as(path, enforce_file_format=True)

    def _path(self, series: int, instance: int) -> Path:
        """Archives hand out both flat folders and one folder a series."""
        if self.design.layout in ("per_phase", "axial"):
            return self.folder / f"S{series:03d}/IM{instance:04d}.dcm"
        return self.folder / f"i{series}.{instance:05d}.dcm"

    def _sagittal(self, d: Dataset, volume: Volume, grid: Grid, first: int) -> None:
        """The sections of a volume (section, anterior, superior), rows from superior, columns from anterior."""
        d.SliceThickness = d.SpacingBetweenSlices = f"{grid.spacing[0]:g}"
        d.PixelSpacing = [f"{grid.spacing[2]:g}", f"{grid.spacing[1]:g}"]
        x, a, s = grid.axes
        order = np.argsort(x)[:: -1 if self.descending else 1]
        for instance, k in enumerate(order, start=first):
            self._write(d, instance, volume[k, ::-1, ::-1].T, (-x[k], -a[-1], s[-1]), SAGITTAL)

    def _axial(self, d: Dataset, volume: Volume, grid: Grid) -> None:
        """The axial sections of a volume, feet first; rows from anterior, columns from the patient's right."""
        d.SliceThickness = d.SpacingBetweenSlices = f"{grid.spacing[2]:g}"
        d.PixelSpacing = [f"{grid.spacing[1]:g}", f"{grid.spacing[0]:g}"]
        x, a, s = grid.axes
        for k in range(len(s)):
            self._write(d, k + 1, volume[::-1, ::-1, k].T, (-x[-1], -a[-1], s[k]), AXIAL)

    def _per_phase(self, volumes: list[Volume], times_s: list[float], grid: Grid) -> None:
        """A series for each phase."""
        axial = self.design.layout == "axial"
        for phase, (volume, time) in enumerate(zip(volumes, times_s, strict=True)):
            text = f"{'t1_fl3d_tra_fs_dyn' if axial else 'Sag T1 FS'} {f'post {phase}' if phase else 'pre'}"
            d = self._dataset(FIRST_DYNAMIC_SERIES + phase, text, time, 6.2, 2.2, 10)
            d.AcquisitionDate, d.AcquisitionTime = self.day, self._clock(time)
            d.ContentTime = self._clock(time + 55)
            if axial:
                self._axial(d, volume, grid)
            else:
                self._sagittal(d, volume, grid, 1)

    def _enhanced(self, volumes: list[Volume], times_s: list[float], grid: Grid) -> None:
        """All phases in one multi-frame file."""
        d = self._dataset(FIRST_DYNAMIC_SERIES, "Sag dyn eTHRIVE", times_s[0], 6.2, 2.2, 10)
        d.ContentTime = d.AcquisitionTime = self._clock(times_s[0])
        d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = self._uid(d.SeriesNumber, 1)
        moments = [f"{self.day}{self._clock(time)}" for time in times_s]
        path = self.folder / "IM0001.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        as_multiframe(d, volumes, moments, grid, SAGITTAL).save_as(path, enforce_file_format=True)

    def dynamic(self, volumes: list[Volume], times_s: list[float], grid: Grid) -> None:
        """All phases (section, anterior, superior), in the layout of the design."""
        if self.design.layout in ("per_phase", "axial"):
            self._per_phase(volumes, times_s, grid)
        elif self.design.layout == "enhanced":
            self._enhanced(volumes, times_s, grid)
        else:
            self._one_series(volumes, times_s, grid)

    def _one_series(self, volumes: list[Volume], times_s: list[float], grid: Grid) -> None:
        """All phases in one series of single images."""
        n = grid.shape[0]
        for phase, (volume, time) in enumerate(zip(volumes, times_s, strict=True)):
            d = self._dataset(FIRST_DYNAMIC_SERIES, "Sag VIBRANT dynamic", times_s[0], 6.2, 2.2, 10)
            if self.design.layout == "multiphase":
                d.AcquisitionDate, d.AcquisitionTime = self.day, self._clock(times_s[0])
                d.ContentTime = self._clock(times_s[0])
                d.TriggerTime = f"{1000 * (time - times_s[0]):.0f}"
                d.TemporalPositionIdentifier, d.NumberOfTemporalPositions = phase + 1, len(volumes)
            else:
                d.SeriesDescription = "Sagittal-IR_3DFGRE"
                d.ContentTime, d.AcquisitionNumber = self._clock(time), 1 if phase == 0 else 2
            self._sagittal(d, volume, grid, 1 + phase * n)

    def t2(self, volume: Volume, grid: Grid, plane: str, cut: bool) -> None:
        """A fat-suppressed T2-weighted series read before the dynamic one: sagittal, axial or in its plane (`same`).

        cut: one of its files ends before its pixels do, as after a broken transfer.
        """
        axial = plane == "axial" or plane == "same" and self.design.layout == "axial"
        d = self._dataset(T2_SERIES, f"{'Ax' if axial else 'Sag'} T2 FSE FS", -600, 4000, 90, 90)
        d.ScanningSequence, d.SequenceVariant, d.MRAcquisitionType, d.SequenceName, d.EchoTrainLength = (
            "SE",
            "SK",
            "2D",
            "fse",
            16,
        )
        d.AcquisitionDate, d.AcquisitionTime, d.ContentTime = self.day, self._clock(-600), self._clock(-600)
        if axial:
            self._axial(d, volume, grid)
        else:
            self._sagittal(d, volume, grid, 1)
        if cut:
            path = self._path(T2_SERIES, 5)
            path.write_bytes(path.read_bytes()[:-1000])

    def localizer(self, planes: list[tuple[Volume, Sequence[float], Sequence[float]]], pixel_mm: float) -> None:
        """A three-plane localizer: images (row, column) with position and orientation in patient coordinates (LPS)."""
        d = self._dataset(1, "3 Plane Loc", -840, 5.4, 1.6, 30)
        d.MRAcquisitionType, d.SliceThickness, d.SpacingBetweenSlices = "2D", "8", "20"
        d.AcquisitionDate, d.AcquisitionTime, d.ContentTime = self.day, self._clock(-840), self._clock(-840)
        d.PixelSpacing = [f"{pixel_mm:g}", f"{pixel_mm:g}"]
        for instance, (pixels, position, orientation) in enumerate(planes, start=1):
            self._write(d, instance, pixels, position, orientation)
