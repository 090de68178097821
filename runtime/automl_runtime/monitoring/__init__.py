"""Reference sketches and counters of a running service."""
