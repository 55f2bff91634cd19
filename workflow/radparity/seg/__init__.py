"""Results back to the hospital: masks as DICOM SEG on the exam's own images.

`source` reads the images that a mask belongs to, `native` brings a mask from a breast's grid onto their voxels, `write`
writes the object. It is read again by radparity.outline.segmentation, as any other.
"""
