"""From a number down to the DICOM that it was made from, and from an exam up to all that it has touched."""
