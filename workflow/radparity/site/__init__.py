"""Site: from one DICOM exam to the network's lesions, without Snakemake, for a hospital that only wants the network."""
