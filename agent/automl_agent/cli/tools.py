"""Commands for other programs: tools (the list of what can be called), call (any of them)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from automl_agent.cli.shared import Debug, Json, emit_json, print_table

__all__ = ["Workspaces", "register"]

Format = Literal["text", "json", "openai-chat", "openai-responses"]
Workspaces = Annotated[
    Path, typer.Option("--workspace", help="Folder with the projects; all is written there.", metavar="DIR")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command(epilog="Example: automl tools --format openai-chat > tools.json")(tools)
    app.command(epilog='Example: automl call discover_data \'{"path": "./messy"}\'')(call)


def tools(
    form: Annotated[
        Format,
        typer.Option("--format", help="A table, all of each tool, or the strict functions of an OpenAI API."),
    ] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    debug: Debug = False,
) -> None:
    """List the tools that other programs and language models can call."""
    from automl_agent.openai_functions import definitions
    from automl_agent.tools.registry import tools as listed

    if as_json or form == "json":
        emit_json([_described(tool) for tool in listed()])
    elif form == "openai-chat":
        emit_json(definitions("chat"))
    elif form == "openai-responses":
        emit_json(definitions("responses"))
    else:
        rows = [(tool.name, tool.title, _arguments(tool), _manner(tool)) for tool in listed()]
        print_table(["tool", "does", "arguments (? may be left out)", ""], rows)


def call(
    name: Annotated[str, typer.Argument(help="A tool of `automl tools`.", metavar="NAME")],
    arguments: Annotated[
        str, typer.Argument(help="Its arguments as a JSON object; - reads them from standard input.", metavar="JSON")
    ] = "{}",
    workspace: Workspaces = Path(),
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Call a tool; its answer is JSON on standard output. With --json an error is, too."""
    from automl_agent.console import narrate
    from automl_agent.openai_functions import parse_arguments
    from automl_agent.tools.contract import ToolError
    from automl_agent.tools.registry import find_tool
    from automl_agent.tools.workspace import Workspace

    try:
        tool = find_tool(name)
        given = parse_arguments(sys.stdin.read() if arguments == "-" else arguments)
        with narrate(quiet=as_json) as narrator:
            answer = tool.call(Workspace.open(workspace), given, narrator)
    except ToolError as error:
        if debug and error.blame == "failed" and error.__cause__ is not None:
            raise error.__cause__ from None
        if as_json:
            emit_json(error.to_json())
        sys.stderr.write(f"automl: {error}\n")
        return error.exit_code
    emit_json(answer.model_dump(mode="json"))
    return 0


def _described(tool: Any) -> dict[str, Any]:
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "input_schema": tool.request.model_json_schema(),
        "output_schema": tool.answer.model_json_schema(mode="serialization"),
        "reads_only": tool.reads_only,
        "destructive": tool.destructive,
        "idempotent": tool.idempotent,
        "long": tool.long,
    }


def _arguments(tool: Any) -> str:
    fields = tool.request.model_fields.items()
    return ", ".join(name if field.is_required() else f"{name}?" for name, field in fields)


def _manner(tool: Any) -> str:
    said = ["reads only"] if tool.reads_only else []
    said += ["may undo what was there"] if tool.destructive else []
    said += ["starts a run"] if tool.long else []
    return ", ".join(said)
