"""Finished runs for other tools: one file for each of them, and one line in `table.py`."""
