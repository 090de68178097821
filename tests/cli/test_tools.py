from __future__ import annotations

import io
import json

import pytest
from automl_agent.openai_functions import definitions
from automl_agent.tools import tools


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "fruit.csv").write_text(
        "weight,ripe\n" + "".join(f"{n},{'yes' if n > 9 else 'no'}\n" for n in range(20))
    )
    return tmp_path


def test_tools_lists_each_with_its_arguments(automl):
    code, out, _ = automl("tools")
    lines = {line.split()[0]: line for line in out.splitlines()[2:]}
    assert (code, set(lines)) == (0, {tool.name for tool in tools()})
    assert "run_id, since?, wait_seconds?" in lines["get_run"]
    assert "may undo what was there" in lines["rollback"]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_tools_prints_what_openai_takes(automl, api):
    code, out, _ = automl("tools", "--format", f"openai-{api}")
    assert (code, json.loads(out)) == (0, definitions(api))


@pytest.mark.parametrize("options", [["--format", "json"], ["--json"]])
def test_tools_prints_all_of_each(automl, options):
    _, out, _ = automl("tools", *options)
    [look] = [tool for tool in json.loads(out) if tool["name"] == "discover_data"]
    assert look["reads_only"] is True
    assert look["input_schema"]["required"] == ["path"]
    assert "tables" in look["output_schema"]["properties"]


def test_tools_refuses_a_format_that_there_is_not(automl):
    code, _, said = automl("tools", "--format", "xml")
    assert code == 2
    assert "openai-chat" in said


def test_call_prints_the_answer_alone(automl, folder):
    code, out, said = automl("call", "discover_data", '{"path": "."}', "--workspace", str(folder))
    assert (code, json.loads(out)["tables"][0]["name"]) == (0, "fruit")
    assert "discovered" in said


def test_call_with_json_says_nothing_else(automl, folder):
    _, _, said = automl("call", "discover_data", '{"path": "."}', "--workspace", str(folder), "--json")
    assert said == ""


def test_call_reads_arguments_from_standard_input(automl, folder, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO('{"path": "fruit.csv"}'))
    code, out, _ = automl("call", "discover_data", "-", "--workspace", str(folder))
    assert (code, json.loads(out)["tables"][0]["rows"]) == (0, 20)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no_such_tool"], 2),
        (["discover_data"], 2),
        (["discover_data", "{"], 2),
        (["discover_data", "[]"], 2),
        (["discover_data", '{"path": "."}', "--workspace", "/dev/null"], 1),
        (["discover_data", '{"path": "nowhere"}'], 3),
        (["get_report", '{"project": "../x"}'], 2),
    ],
)
def test_call_says_what_is_wrong_and_whose_it_is(automl, folder, monkeypatch, arguments, code):
    monkeypatch.chdir(folder)
    ended, out, said = automl("call", *arguments, "--json")
    told = json.loads(out)
    assert (ended, told["exit_code"]) == (code, code)
    assert told["error"] in ("fix", "ask_user")
    assert said.startswith("automl: ")


def test_without_json_an_error_leaves_standard_output_empty(automl, folder):
    code, out, said = automl("call", "discover_data", '{"path": "nowhere"}', "--workspace", str(folder))
    assert (code, out) == (3, "")
    assert "nowhere" in said
