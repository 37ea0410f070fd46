"""Where runs are carried out: profiles, submission, status; imports no PyTorch."""
