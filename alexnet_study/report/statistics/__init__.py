"""Pure statistics: arrays of values in, estimates, intervals and p values out; nothing here knows of runs."""
