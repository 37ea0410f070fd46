"""One run, or a pack of them, from its start or its checkpoint to its summary."""
