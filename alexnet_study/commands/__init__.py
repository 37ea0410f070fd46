"""The commands: what each takes, does and says. None loads PyTorch before its request has been read."""
