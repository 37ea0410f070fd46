"""The topics of a report, a file each: its numbers, table, figure and words; contents.py gives their order."""
