"""The command `automl`."""

from __future__ import annotations

from automl_agent.cli.main import main

__all__ = ["main"]
