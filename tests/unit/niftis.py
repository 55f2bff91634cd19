"""Small NIfTI exams for tests: phases as files, as one file, and tables of their times."""

import nibabel
import numpy as np

SHAPE = (9, 14, 17)  # sagittal sections, anterior, superior
AFFINE = np.array([[3.0, 0, 0, 40], [0, 0.8, 0, -20], [0, 0, 0.8, 12], [0, 0, 0, 1]])
SECONDS = (0.0, 95.0, 190.0, 285.0)


def volume(phase=0, shape=SHAPE):
    """Voxels of which no two of a phase, nor a voxel in two phases, have one value."""
    return (np.arange(np.prod(shape)).reshape(shape) + 4000 * phase).astype(np.int16)


def write(path, array, affine=AFFINE, **header):
    """One NIfTI file; header: fields of the header by name."""
    image = nibabel.Nifti1Image(array, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    image.header.set_xyzt_units("mm")
    for name, value in header.items():
        image.header[name] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def write_times(path, seconds=SECONDS, exam="E1", first=0, **columns):
    """A table of times of one exam. columns: further ones, a value for each phase."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(["exam", "phase", "seconds", *columns])]
    for n, second in enumerate(seconds):
        lines.append("\t".join([exam, str(first + n), str(second), *(values[n] for values in columns.values())]))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_exam(raw, exam="E1", phases=4, **header):
    """An exam of one file a phase in raw/exam, numbered from 0, and its table raw/times.tsv."""
    for phase in range(phases):
        write(raw / exam / f"{exam}_{phase:04d}.nii.gz", volume(phase), **header)
    return write_times(raw / "times.tsv", SECONDS[:phases], exam)
