"""Understanding a request: plain English, YAML or JSON in, `Requirement` or `ProjectSpec` out; rules alone."""

from __future__ import annotations

from automl_agent.requirements.documents import load_request
from automl_agent.requirements.parsing import NothingAsked, parse_request, without_target

__all__ = ["NothingAsked", "load_request", "parse_request", "without_target"]
