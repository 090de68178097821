"""The Jinja tree of a generated project; data only."""
