"""nnU-Net: the study's development cases as its raw dataset, and an arm that it trains (Isensee et al. 2021)."""
