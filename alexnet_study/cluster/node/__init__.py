"""What runs on a node, in a job: its runs as child processes, and their data."""
