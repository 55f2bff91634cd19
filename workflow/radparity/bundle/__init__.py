"""Bundle: the networks of an arm with all that a site needs to use them, in one file that can be verified."""
