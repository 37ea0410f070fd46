"""Images: sources, decoded to uint8 tensors and kept on disk."""
