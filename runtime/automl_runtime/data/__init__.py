"""Finding, reading, cleaning and joining messy data."""
