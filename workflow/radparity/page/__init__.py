"""The page of a case: images of its section, outlines, kinetic curve, numbers, quality, and a volume to scroll."""
