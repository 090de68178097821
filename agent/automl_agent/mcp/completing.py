"""Completion of the names in resources and prompts."""

from __future__ import annotations

from typing import Final

import mcp_types as types

from automl_agent.mcp.resources import schema_names
from automl_agent.tools.run_folder import find_runs
from automl_agent.tools.workspace import Workspace

__all__ = ["completions"]

_MOST: Final = 100
"""As the protocol has it."""


def completions(
    workspace: Workspace,
    reference: types.PromptReference | types.ResourceTemplateReference,
    asked: types.CompletionArgument,
) -> types.CompleteResult:
    """Names of projects, runs or schemas that begin with what was typed; none where anything may stand."""
    pattern = reference.uri if isinstance(reference, types.ResourceTemplateReference) else ""
    known: list[str] = []
    if asked.name == "project" or pattern.startswith("project:"):
        known = [workspace.name_of(place) for place in workspace.projects()]
    elif pattern.startswith("run:"):
        known = [run.run_id for run in find_runs(workspace.runs)]
    elif pattern.startswith("schema:"):
        known = schema_names()
    fitting = [name for name in known if name.startswith(asked.value)]
    found = types.Completion(values=fitting[:_MOST], total=len(fitting), has_more=len(fitting) > _MOST)
    return types.CompleteResult(completion=found)
