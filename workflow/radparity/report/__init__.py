"""Report: the pages that people read."""
