"""Report: the one page that a human reads first."""
