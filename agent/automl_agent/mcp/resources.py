"""What a client can read: the documents of projects, the reports of runs, and our schemas.

A project's name is its path below the workspace, as the tools say it: `project://projects/ann/predict-churn/spec`.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import mcp_types as types
from automl_runtime.errors import AutomlError, shorten
from mcp import MCPError
from mcp.shared.path_security import contains_path_traversal, is_absolute_path
from mcp.shared.uri_template import UriTemplate

from automl_agent.tools.contract import ToolError, tool_error
from automl_agent.tools.workspace import Workspace
from automl_agent.untrusted import without_unseen

__all__ = ["Document", "listed", "read", "schema_names", "templates"]

_LARGEST: Final = 1_000_000
"""Bytes of a document."""
_MOST_EVENTS: Final = 2_000
_MOST_LISTED: Final = 50
_CELLS: Final[Any] = {
    "tables": {"__all__": {"columns": {"__all__": {"plan": True, "examples": True, "stats": {"top"}}}}},
    "images": True,
}
"""The parts of a catalog that quote cells of the data."""


@dataclass(frozen=True, slots=True)
class Document:
    """A kind of resource; `read` takes the workspace and the value of the template's only variable."""

    name: str
    template: UriTemplate
    title: str
    description: str
    mime_type: str
    read: Callable[[Workspace, str], str]
    path: str | None = None
    """Of a project's document: the file that it is made of."""

    def uri(self, value: str) -> str:
        """The address of that of the project, run or schema called `value`."""
        return self.template.expand({self.template.variable_names[0]: quote(value, safe="/")})

    def value(self, uri: str) -> str | None:
        """What the document at `uri` is of; None where that is no address of this kind, or leads elsewhere."""
        match = self.template.match(uri)
        if match is None:
            return None
        value = str(match[self.template.variable_names[0]])
        return None if "\0" in value or contains_path_traversal(value) or is_absolute_path(value) else value


def listed(workspace: Workspace) -> list[types.Resource]:
    """The schemas, the documents of the first 50 projects by name, and the last 50 runs; templates reach the rest."""
    from automl_agent.tools.run_folder import find_runs

    found = [_resource(_SCHEMA, name) for name in schema_names()]
    for place in workspace.projects()[:_MOST_LISTED]:
        written = (document for document in _PROJECT if (place / str(document.path)).is_file())
        found += [_resource(document, workspace.name_of(place)) for document in written]
    for run in find_runs(workspace.runs)[:_MOST_LISTED]:
        found += [_resource(document, run.run_id) for document in _RUN]
    return found


def templates() -> list[types.ResourceTemplate]:
    """What resources there are, by the pattern of their addresses."""
    return [
        types.ResourceTemplate(
            name=document.name,
            title=document.title,
            description=document.description,
            uri_template=document.template.template,
            mime_type=document.mime_type,
        )
        for document in (*_PROJECT, *_RUN, _SCHEMA)
    ]


def schema_names() -> list[str]:
    """`project-spec` and the others, sorted."""
    return list(_schemas())


def read(workspace: Workspace, uri: str) -> types.TextResourceContents:
    """The resource `uri`, without characters that nobody sees.

    Raises:
        MCPError: if there is none, it lies outside the workspace, or it is larger than a megabyte.
    """
    for document in (*_PROJECT, *_RUN, _SCHEMA):
        value = document.value(uri)
        if value is not None:
            text = without_unseen(_read(document, workspace, value))
            return types.TextResourceContents(uri=uri, mime_type=document.mime_type, text=text)
    raise MCPError(types.INVALID_PARAMS, f"There is no resource {shorten(uri)}; resources/list names what there is.")


def _read(document: Document, workspace: Workspace, value: str) -> str:
    try:
        return document.read(workspace, value)
    except AutomlError as error:
        raise MCPError(types.INVALID_PARAMS, str(tool_error(error))) from error
    except ToolError as error:
        raise MCPError(types.INVALID_PARAMS, str(error)) from error
    except OSError as error:
        said = f"{shorten(document.uri(value))} cannot be read: {error.strerror}."
        raise MCPError(types.INVALID_PARAMS, said) from error


def _resource(document: Document, value: str) -> types.Resource:
    return types.Resource(
        uri=document.uri(value),
        name=f"{document.name}:{value}",
        title=f"{document.title}: {value}",
        description=document.description,
        mime_type=document.mime_type,
    )


def _project_file(path: str, workspace: Workspace, name: str) -> str:
    root = workspace.project(name)
    return _file(root, path)


def _file(root: Path, path: str) -> str:
    place = (root / path).resolve()
    if not place.is_relative_to(root) or not place.is_file():
        raise ToolError(
            "fix", f"This project has no {path}.", hint="`get_report` and `list_projects` tell what it has."
        )
    if place.stat().st_size > _LARGEST:
        raise ToolError("ask_user", f"{path} is larger than {_LARGEST:,} bytes; read the file {place}.")
    return place.read_text(encoding="utf-8", errors="replace")


def _catalog(workspace: Workspace, name: str) -> str:
    from automl_schemas.catalog import DataCatalog

    text = _project_file("data/catalog.json", workspace, name)
    try:
        return DataCatalog.model_validate_json(text).model_dump_json(exclude=_CELLS, indent=2)
    except ValueError as error:
        raise ToolError("ask_user", "data/catalog.json is not what automl writes.", hint="`automl update`") from error


def _run_report(workspace: Workspace, run_id: str) -> str:
    from automl_agent.tools.long_tools import state_of
    from automl_agent.tools.run_folder import find_run

    return state_of(find_run(workspace.runs, run_id)).model_dump_json(indent=2)


def _run_events(workspace: Workspace, run_id: str) -> str:
    from automl_agent.tools.run_folder import find_run

    last = deque(find_run(workspace.runs, run_id).news(0), maxlen=_MOST_EVENTS)
    return "".join(json.dumps(event.to_json(), ensure_ascii=False) + "\n" for _, event in last)


def _schemas() -> dict[str, dict[str, Any]]:
    from automl_schemas.export import json_schemas

    return {_dashed(name): schema for name, schema in sorted(json_schemas().items())}


def _schema(workspace: Workspace, name: str) -> str:
    del workspace
    known = _schemas()
    if name not in known:
        raise ToolError("fix", f"There is no schema {shorten(name)}.", hint=f"Schemas: {', '.join(known)}.")
    return json.dumps(known[name], indent=2, ensure_ascii=False)


def _dashed(name: str) -> str:
    """`project-spec` for `ProjectSpec`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _of_project(part: str, title: str, path: str, mime_type: str, description: str) -> Document:
    reading = _catalog if part == "catalog" else partial(_project_file, path)
    template = UriTemplate.parse(f"project://{{+name}}/{part}")
    return Document(f"project-{part}", template, title, description, mime_type, reading, path)


_PROJECT: Final = (
    _of_project("spec", "Spec", "project.yaml", "application/yaml", "What the project predicts, from which data."),
    _of_project(
        "catalog", "Catalog", "data/catalog.json", "application/json", "Tables, columns, keys and joins; no cells."
    ),
    _of_project("sql", "Training table", "sql/training_table.sql", "application/sql", "How the tables become one."),
    _of_project("metrics", "Metrics", "reports/metrics.json", "application/json", "Scores and leaderboard."),
    _of_project("card", "Model card", "reports/model_card.md", "text/markdown", "How good the model is, and for what."),
)
_RUN: Final = (
    Document(
        "run-report",
        UriTemplate.parse("run://{run_id}/report"),
        "Report of a run",
        "How a run stands or ended: its status, and its result or why there is none.",
        "application/json",
        _run_report,
    ),
    Document(
        "run-events",
        UriTemplate.parse("run://{run_id}/events"),
        "Events of a run",
        f"The last {_MOST_EVENTS:,} events, one JSON object a line.",
        "application/x-ndjson",
        _run_events,
    ),
)
_SCHEMA: Final = Document(
    "schema",
    UriTemplate.parse("schema://{name}"),
    "Schema",
    "The JSON Schema of a document that passes between programs.",
    "application/schema+json",
    _schema,
)
