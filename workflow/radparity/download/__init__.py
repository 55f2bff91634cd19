"""Exams fetched from a public store: what is announced, fetching, and what was verified on arrival."""
