"""Public cohorts: from the index of the Imaging Data Commons to the sheets of a study, without a download."""
