"""How fast fitted models answer."""
