"""Decisions on the way from words to a spec: by rules, by a language model where rules are in doubt, by a person."""

from __future__ import annotations

from automl_agent.decisions.deciding import Deciding
from automl_agent.decisions.recording import write_decisions

__all__ = ["Deciding", "write_decisions"]
