"""Forecasts: series on a regular grid of time, what is known of them at a moment, and the models over that."""
