"""Secrets of the environment, in no output; and what a terminal is sent."""

from __future__ import annotations

import json

import pytest
import yaml
from attacks.conftest import SECRETS
from attacks.corpus import Place
from attacks.corpus.attack import REQUEST
from attacks.corpus.names import HOSTILE
from attacks.looking import steering
from automl_agent.cli import main
from automl_agent.cli.shared import emit, emit_json
from automl_agent.tools import tools
from automl_runtime.errors import RequestError, shorten, visible
from automl_runtime.project.specfile import dump_spec, parse_spec

KEY = SECRETS["OPENAI_API_KEY"]


def _ran(capsys, *arguments):
    with pytest.raises(SystemExit):
        main(list(arguments))
    said = capsys.readouterr()
    return said.out + said.err


@pytest.mark.parametrize(
    "address",
    [
        "http://user:zqx-word@127.0.0.1:{port}/v1",
        "http://127.0.0.1:{port}/v1?api_key=zqx-word-in-query",
        "zqx-word-without-a-scheme",
        f"http://{KEY}@127.0.0.1:1/v1",
    ],
)
def test_an_address_with_a_password_is_shown_without_it(space, outside, ear, monkeypatch, capsys, address):
    place = Place(space.root / "data", outside, ear[0])
    place.data.mkdir()
    place.table()
    monkeypatch.setenv("OPENAI_BASE_URL", address.replace("{port}", "1"))
    monkeypatch.setenv("OPENAI_MODEL", "any")
    monkeypatch.chdir(space.root)
    asked = ("which shipments will annoy people?", "--data", "data", "--no-ask", "--llm", "any", "--out", "new")
    said = _ran(capsys, "new", *asked) + _ran(capsys, "doctor")
    assert "zqx-word" not in said
    assert KEY not in said
    kept = [path for path in space.root.rglob("*") if path.is_file()]
    assert not any(b"zqx-word" in path.read_bytes() or KEY.encode() in path.read_bytes() for path in kept)


@pytest.mark.parametrize(
    "arguments",
    [
        ("doctor",),
        ("doctor", "--json"),
        ("tools", "--format", "openai-chat"),
        ("mcp", "install"),
        ("spec", f"{REQUEST} {KEY}x", "--data", "nowhere", "--debug"),
        ("new", "--api-key", "x"),
        ("check", "."),
    ],
    ids=" ".join,
)
def test_no_command_prints_a_secret(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    said = _ran(capsys, *arguments).replace(f"{KEY}x", "")
    assert said
    assert [name for name, value in SECRETS.items() if value in said] == []


def test_no_description_of_a_tool_holds_a_secret():
    told = json.dumps([(tool.description, tool.request.model_json_schema()) for tool in tools()])
    assert [name for name, value in SECRETS.items() if value in told] == []


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_a_terminal_shows_hostile_names_and_json_keeps_them(capsys, name):
    emit(name)
    assert steering(capsys.readouterr().out) == []
    emit_json({name: name})
    out = capsys.readouterr().out
    assert steering(out) == []
    assert json.loads(out) == {name: name}
    assert steering(str(RequestError(name, hint=name))) == []
    assert steering(shorten(name) + visible(name)) == []


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_a_spec_says_hostile_names_in_signs_that_are_seen_and_reads_back(name):
    spec = parse_spec(
        yaml.safe_dump(
            {
                **{"name": "x", "request": name, "task": {"type": "binary", "entity": name}, "metric": {"name": "f1"}},
                "target": {"table": name, "column": name, "positive": name},
                "data": {"source": name, "tables": [{"name": name, "files": [name]}]},
            }
        )
    )
    text = dump_spec(spec)
    assert steering(text) == []
    assert parse_spec(text) == spec
