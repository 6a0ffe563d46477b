"""Recorded voices of the simulated people; see README.md for how they were made."""
