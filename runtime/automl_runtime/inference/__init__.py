"""Fitted models in a form that is safe to load and fast to run."""
