"""The tools as LangChain's: `create_agent(model, toolkit("./work"))` drives all of automl."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from automl_runtime.errors import MissingExtraError
from pydantic import ValidationError

from automl_agent.tools.contract import Answer, ToolError
from automl_agent.tools.registry import Tool, find_tool, tools
from automl_agent.tools.workspace import Workspace

try:
    from langchain_core.tools import StructuredTool, ToolException
except ImportError as error:
    raise MissingExtraError(package="langchain", extra="llm", distribution="automl-cli") from error

__all__ = ["toolkit"]


def toolkit(workspace: Workspace | Path | str, *, names: Collection[str] | None = None) -> list[StructuredTool]:
    """The tools (all, or those called `names`) for an agent of LangChain, working in `workspace`.

    The content of a message is the answer's JSON text, its artifact the answer itself. A call that cannot be done does
    not end the agent: its message has the status `error` and holds `{"error", "message", "hint", "exit_code"}`.

    Args:
        workspace: a folder, made if it is missing, or what `Workspace.open` gave.
        names: tools to take; they come in the order of the list.

    Raises:
        ToolError: if a name is none, or the workspace cannot be made.
    """
    place = workspace if isinstance(workspace, Workspace) else Workspace.open(workspace)
    for name in names or ():
        find_tool(name)
    return [_structured(tool, place) for tool in tools() if names is None or tool.name in names]


def _structured(tool: Tool, workspace: Workspace) -> StructuredTool:
    def run(**arguments: Any) -> tuple[str, Answer]:
        try:
            answer: Answer = tool.call(workspace, arguments)
        except ToolError as error:
            raise ToolException(_text(error)) from error
        return answer.model_dump_json(), answer

    return StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.request,
        func=run,
        response_format="content_and_artifact",
        handle_tool_error=str,
        handle_validation_error=lambda error: _refused(tool, error),
    )


def _refused(tool: Tool, error: Any) -> str:
    return _text(tool.refusal(error)) if isinstance(error, ValidationError) else str(error)


def _text(error: ToolError) -> str:
    return json.dumps(error.to_json(), ensure_ascii=False)
