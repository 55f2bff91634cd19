"""Intake: what an exam's folder holds, which series are the dynamic one, and its phases with their times."""
