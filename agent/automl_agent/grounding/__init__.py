"""Binding what was asked to what is there: `ground`."""

from __future__ import annotations

from automl_agent.grounding.binding import Grounded, ground

__all__ = ["Grounded", "ground"]
