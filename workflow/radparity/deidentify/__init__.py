"""De-identification: what identifies the patients of the source, and whether anything under results/ carries it."""
