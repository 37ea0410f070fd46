"""Runs beside what is said of them: the claims of a study judged, published figures checked."""
