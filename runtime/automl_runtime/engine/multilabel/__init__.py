"""Rows that may have any number of labels."""
