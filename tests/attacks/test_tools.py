"""Arguments of tools that lead out of the workspace, for every argument that is a text."""

from __future__ import annotations

import json
import shutil
from typing import get_args

import pytest
from attacks.corpus import Place
from attacks.corpus.attack import REQUEST
from attacks.surroundings import CANARY, snapshot
from automl_agent.tools import ToolError, find_tool, long_tools, tools

VALUES = (
    *("../outside/canary.csv", "{outside}/canary.csv", "data/../../outside/canary.csv", "way/canary.csv", "way"),
    *("/etc/passwd", "/proc/self/environ", "/dev/zero", "~", "~root/.ssh/id_rsa", "..", "/", ".", "", " "),
    *("file:///etc/passwd", "http://127.0.0.1:{port}/x.csv", "s3://zqx/x", "postgresql://u:p@127.0.0.1:{port}/x"),
    *("\\\\127.0.0.1\\share", "C:\\zqx", "CON", "data/parcels.csv:stream", "a\0b", "\ud800", "\u202egk\x1b[2J"),
    *("-rf", "--output=/tmp/zqx", "$(touch {outside}/owned)", "`touch {outside}/owned`", "x; touch {outside}/owned"),
    *("{{ 7 * 7 }}", "%s%n", "x" * 5_000, "../" * 2_000, "data/" * 2_000, "*", "**/*", "?", "[a-z]"),
    *(".automl/runs", ".automl/transcript.jsonl", ".git/hooks/pre-commit", "mine/.git/config", "mine/../../outside"),
    *("project://../../outside/spec", "run-0000000000000000/../../..", "v001/../../..", "production/../..", "1 = 1 --"),
)
"""Put into every argument that names a place, in turn."""
WORDS = ("../outside/canary.csv", "$(touch {outside}/owned) {{ 7 * 7 }}", "a\0b\ud800\u202egk\x1b[2J", "x" * 5_000, "")
"""Put into every other argument."""
PLACES = ("path", "project", "run_id", "output", "name", "version", "alias", "before", "after", "part")
BASE = {
    **{"path": "data", "request": REQUEST, "project": "mine", "run_id": "run-0123456789abcdef", "output": "out.csv"},
    **{
        "spec_yaml": "version: 1",
        "version": "v001",
        "description": "weight per distance",
        "before": "run_001_a",
        "after": "run_001_b",
    },
}


@pytest.fixture
def besieged(space, outside, ear, monkeypatch):
    """A workspace with data, a way out by a link, and a project whose data lie elsewhere; no worker is started."""
    monkeypatch.setattr(long_tools, "_spawn", lambda *_: None)
    (space.root / "data").mkdir()
    Place(space.root / "data", outside, ear[0]).table()
    (space.root / "way").symlink_to(outside)
    (space.root / "mine" / "data").mkdir(parents=True)
    (space.root / "mine" / "project.yaml").write_text(poisoned_spec(f"{outside}"))
    (space.root / "mine" / "data" / "manifest.json").write_text(json.dumps({"source": f"{outside}", "files": []}))
    return space


def poisoned_spec(source):
    """The spec of a project whose data lie at `source`."""
    return (
        f"version: 1\nname: mine\nrequest: x\ntask: {{type: binary}}\ntarget: {{table: canary, column: word}}\n"
        f"metric: {{name: roc_auc}}\ndata: {{source: {source!r}, tables: [{{name: canary, files: [canary.csv]}}]}}\n"
    )


def fields_of(tool):
    """The arguments that take a text, each with a function that makes a value of it."""
    for name, field in tool.request.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        if str in kinds and field.annotation is not list[str]:
            yield name, str
        elif list[str] in kinds:
            yield name, lambda text: [text, text]


CASES = [
    pytest.param(tool.name, name, made, id=f"{tool.name}-{name}") for tool in tools() for name, made in fields_of(tool)
]


@pytest.mark.parametrize(("name", "field", "made"), CASES)
def test_no_argument_leads_out_of_the_workspace(besieged, outside, ear, name, field, made):
    tool, before = find_tool(name), snapshot(outside.parent, without=besieged.root)
    needed = {key: BASE.get(key, "x") for key, each in tool.request.model_fields.items() if each.is_required()}
    heard = len(ear[1])
    for value in VALUES if field in PLACES else WORDS:
        text = value.replace("{outside}", str(outside)).replace("{port}", str(ear[0]))
        said = _said(tool, besieged, {**needed, field: made(text)})
        assert CANARY not in said
        assert "root:x:" not in said
        assert "bug of automl" not in said, (value, said)
        assert len(said) < 60_000
        shutil.rmtree(besieged.runs, ignore_errors=True)
    assert snapshot(outside.parent, without=besieged.root) == before
    assert len(ear[1]) == heard


def _said(tool, space, arguments):
    try:
        return tool.call(space, arguments).model_dump_json()
    except ToolError as error:
        return str(error)


@pytest.mark.parametrize("name", ["../../outside/owned", "/tmp/zqx", "a/b", "..", "\0", "C:\\zqx"])
def test_a_project_is_made_nowhere_else(besieged, outside, name):
    before = snapshot(outside.parent)
    request = find_tool("create_project").parse({"request": REQUEST, "path": "data", "name": name, "trials": 1})
    with pytest.raises(Exception, match="project name") as caught:
        long_tools.work_of("create_project")(besieged, request, lambda event: None)
    assert caught.value.exit_code == 2
    assert snapshot(outside.parent) == before


@pytest.mark.parametrize("tool", ["update_project", "start_run"])
def test_a_project_whose_data_lie_elsewhere_is_not_worked_on(besieged, tool):
    said = _said(find_tool(tool), besieged, {"project": "mine"})
    assert "outside the folders" in said
