"""The rules by which claims are judged, each pure: arrays of runs in, a frozen result out, a topic a file."""
