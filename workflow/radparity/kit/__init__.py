"""The audit kit: what an outsider needs to recompute the study's headline numbers, free of identity."""
