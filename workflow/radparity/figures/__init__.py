"""Figures: the paper's figures drawn from a study's own tables and masks, for print. One module a figure."""
