"""radparity: a reader-equivalence study of deep learning in radiology, from DICOM to verdict.

The library knows nothing of Snakemake. Scripts under `workflow/scripts` call it; one module or package per stage.
Volumes have the axes (sagittal section, anterior, superior) in RAS+, channels first; spacing in mm, times in s.
"""
