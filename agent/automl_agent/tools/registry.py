"""The tools, each a typed function; every door (command line, MCP, OpenAI, LangChain) is made from this list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, get_type_hints

from automl_runtime.errors import AutomlError, Cancelled, shorten
from automl_runtime.events import EventSink, ignore
from pydantic import ValidationError

from automl_agent.tools.bounding import bounded
from automl_agent.tools.contract import Answer, Request, ToolError, tool_error
from automl_agent.tools.workspace import Workspace

__all__ = ["Check", "Tool", "Work", "add_tool", "find_tool", "load", "tool", "tools"]

Work = Callable[[Workspace, Any, EventSink], Any]
"""What a tool does: workspace, request, sink of events -> answer."""
Check = Callable[[Workspace, Any], None]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function for other programs; the first paragraph of its docstring tells a model when to use it."""

    name: str
    title: str
    description: str
    request: type[Request]
    answer: type[Answer]
    run: Work
    reads_only: bool
    """Changes nothing on disk."""
    destructive: bool
    """May undo or replace what was there."""
    idempotent: bool
    """The same call twice is as good as once."""
    long: bool = False
    """Its work goes on in a run after the call; `get_run` tells of it."""

    def call(self, workspace: Workspace, arguments: Mapping[str, Any] | Request, on_event: EventSink = ignore) -> Any:
        """Checks `arguments`, does the work and gives the answer, cut to a length that a model can read.

        Raises:
            ToolError: whatever went wrong; `blame` says who can mend it.
        """
        request = self.parse(arguments)
        try:
            answer = self.run(workspace, request, on_event)
        except ToolError:
            raise
        except AutomlError as error:
            raise tool_error(error) from error
        except KeyboardInterrupt as error:
            raise tool_error(Cancelled("cancelled; nothing was left half-written.")) from error
        except Exception as error:
            raise ToolError("failed", f"This is a bug of automl: {type(error).__name__} in {self.name}.") from error
        return bounded(answer)

    def parse(self, arguments: Mapping[str, Any] | Request) -> Any:
        """The request that `arguments` write; ToolError (`fix`) that names each wrong argument."""
        if isinstance(arguments, self.request):
            return arguments
        try:
            return self.request.model_validate(arguments)
        except ValidationError as error:
            raise self.refusal(error) from error

    def refusal(self, error: ValidationError) -> ToolError:
        """What to say of wrong arguments: each of them, and what there is."""
        said = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
            + (f", not {shorten(each['input'])}" if each["type"] != "missing" else "")
            for each in error.errors(include_url=False, include_context=False)[:5]
        )
        known = ", ".join(self.request.model_fields) or "none"
        return ToolError("fix", f"{self.name}: {said}.", hint=f"Arguments: {known}.", exit_code=2)


_TOOLS: Final[dict[str, Tool]] = {}
_MODULES: Final = ("about_data", "about_specs", "about_projects", "about_runs", "about_features", "about_models")
"""Each puts its tools on the list when it is imported; in this order they are shown."""


def tool(
    title: str, *, reads_only: bool = False, destructive: bool = False, idempotent: bool = False
) -> Callable[[Work], Work]:
    """Puts a function `(workspace, request, on_event) -> answer` on the list; its types and docstring describe it."""

    def add(function: Work) -> Work:
        hints = get_type_hints(function)
        add_tool(
            Tool(
                name=function.__name__,
                title=title,
                description=described(function),
                request=hints["request"],
                answer=hints["return"],
                run=function,
                reads_only=reads_only,
                destructive=destructive,
                idempotent=idempotent or reads_only,
            )
        )
        return function

    return add


def described(function: Callable[..., Any]) -> str:
    """The docstring of a tool as one paragraph."""
    return " ".join((function.__doc__ or "").split())


def add_tool(added: Tool) -> None:
    """Puts `added` on the list."""
    _TOOLS[added.name] = added


def tools() -> list[Tool]:
    """All tools, in the order in which a job uses them."""
    return list(_TOOLS.values())


def find_tool(name: str) -> Tool:
    """The tool called `name`.

    Raises:
        ToolError: if there is none; the message lists those that there are.
    """
    if name not in _TOOLS:
        listed = ", ".join(_TOOLS)
        raise ToolError("fix", f"There is no tool {shorten(name)}.", hint=f"Tools: {listed}.", exit_code=2)
    return _TOOLS[name]


def load() -> None:
    """Puts all tools on the list; called once, when the package is imported."""
    for name in _MODULES:
        import_module(f"automl_agent.tools.{name}")
