"""`python -m automl_agent` is the command `automl`."""

from __future__ import annotations

from automl_agent.cli import main

main()
