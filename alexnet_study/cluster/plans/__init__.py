"""What is sent, and with what means: the profile, the submission plan, what is frozen with it."""
