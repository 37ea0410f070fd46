"""Where each run is, and why it failed."""
