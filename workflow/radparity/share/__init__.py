"""Share: a copy of the report to send away, without small counts and without whatever says whose data it is."""
