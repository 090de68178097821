"""Rows that are unlike the others."""
