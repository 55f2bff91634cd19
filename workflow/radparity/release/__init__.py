"""Growth: what was given to a patient for good, and releases, which fix what train, tune and test may see."""
