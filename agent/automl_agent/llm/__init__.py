"""A language model behind any OpenAI-compatible endpoint: asked through schemas, within a budget, and written down."""

from __future__ import annotations

from automl_agent.llm.budget import Limits, Usage
from automl_agent.llm.levels import Level
from automl_agent.llm.model import LanguageModel

__all__ = ["LanguageModel", "Level", "Limits", "Usage"]
