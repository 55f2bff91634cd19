"""Mask: the breast in an exam's first post-contrast volume, from the chest wall to the skin, skin included.

`classical.breast_mask` needs nothing but the image; `network.breast_mask` needs a trained network.
"""
