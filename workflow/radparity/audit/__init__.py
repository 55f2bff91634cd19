"""The audit: every file under results/ against its ledger entry, every entry against the others, the raw data, this
checkout and the study, and all text against the identifiers of the source."""
