"""The corpus: it only grows. One module for each family; each attack is a function that writes hostile data."""

from __future__ import annotations

from importlib import import_module

from attacks.corpus.attack import ATTACKS, Attack, Place

__all__ = ["ATTACKS", "Attack", "Place"]

for _family in ("names", "texts", "archives", "markup", "databases", "links", "formulas"):
    import_module(f"attacks.corpus.{_family}")
