"""Compiled loops over contiguous arrays, each with a NumPy twin."""
