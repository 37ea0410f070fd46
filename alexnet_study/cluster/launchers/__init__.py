"""Launchers: the protocol, the table, and what SLURM and this machine need."""
