"""Rehearsing: a stretch of the calendar lived through in seconds, with nothing real touched."""
