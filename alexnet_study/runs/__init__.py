"""The meeting place: the run folder, its records, who may write into it, and how a run is interrupted; no torch."""
