"""What is asked: study files, claims, the configuration of a run and its identity; no torch."""
