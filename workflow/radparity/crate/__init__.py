"""The run as a Provenance Run Crate: JSON-LD that other programs know, made of the ledger, benchmarks and logs."""

from typing import Literal

Level = Literal["headline", "all"]
"""What a crate describes: every file, or all but those of the cases, for which the lists of their batches stand."""
