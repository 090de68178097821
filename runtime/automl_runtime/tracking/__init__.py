"""Runs: what was tried, when, with which result."""
