"""Virtual breast MRI exams whose truth is known: a measuring instrument for the whole chain.

Each exam is a DICOM series like a sagittal fat-suppressed breast examination on a GE scanner, with the outlines of
simulated readers and, beside it, phase times, displacements, enhancement slopes, breast and lesions as they truly are.
Nothing measured on these exams is a clinical result.
"""
