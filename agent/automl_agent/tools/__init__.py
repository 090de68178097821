"""Tools for other programs: one list of typed functions, from which every door is made."""

from __future__ import annotations

from automl_agent.tools.contract import ToolError
from automl_agent.tools.registry import Tool, find_tool, load, tools
from automl_agent.tools.workspace import Workspace

__all__ = ["Tool", "ToolError", "Workspace", "find_tool", "tools"]

load()
