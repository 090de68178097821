"""The HTTP service of a model."""
