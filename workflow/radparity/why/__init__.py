"""What would run and why: Snakemake's plan and the ledger, in the words of whoever keeps the data."""
