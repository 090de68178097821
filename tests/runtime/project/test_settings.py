from __future__ import annotations

import os
from pathlib import Path

import pytest
from automl_runtime.errors import RequestError
from automl_runtime.project.settings import Settings, load_settings


def write(root: Path, name: str, text: str) -> None:
    (root / "config").mkdir(exist_ok=True)
    (root / "config" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_defaults_hold_where_nothing_is_said(tmp_path):
    assert load_settings(tmp_path, variables={}) == Settings()


def test_argument_goes_before_variable_before_file_before_default(tmp_path):
    write(tmp_path, "base", "host: base\nport: 1\nlog_level: error\n")
    write(tmp_path, "production", "host: production\nport: 2\n")
    variables = {"AUTOML_ENVIRONMENT": "production", "AUTOML_PORT": "3", "AUTOML_HOST": ""}
    settings = load_settings(tmp_path, variables=variables)
    assert settings == Settings(host="production", port=3, log_level="error", model="production")
    assert load_settings(tmp_path, variables=variables, port=4, host=None).port == 4
    assert load_settings(tmp_path, variables=variables, environment="development").host == "base"


def test_folders_are_a_list_in_a_file_and_divided_as_a_path_in_a_variable(tmp_path):
    write(tmp_path, "base", "job_folders: [/data, /more]\n")
    assert load_settings(tmp_path, variables={}).job_folders == ("/data", "/more")
    variables = {"AUTOML_JOB_FOLDERS": os.pathsep.join(["/mine", "/yours"])}
    assert load_settings(tmp_path, variables=variables).job_folders == ("/mine", "/yours")


def test_an_empty_file_counts_as_no_file(tmp_path):
    write(tmp_path, "base", "# nothing yet\n")
    assert load_settings(tmp_path, variables={}) == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot: 1\n", "config/base.yaml: there is no setting 'prot'.*port"),
        ("colour: red\n", "there is no setting 'colour'.*Settings: host"),
        ("port: many\n", "config/base.yaml: port is 'many'"),
        ("port: 70000\n", "port is 70000"),
        ("log_level: loud\n", "log_level is 'loud'.*'debug'"),
        ("- a\n- b\n", "holds no settings"),
        ("a: [\n", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, said):
    write(tmp_path, "base", text)
    with pytest.raises(RequestError, match=f"(?s){said}"):
        load_settings(tmp_path, variables={})


@pytest.mark.parametrize(
    ("variables", "arguments", "said"),
    [
        ({"AUTOML_PORT": "x"}, {}, "AUTOML_PORT is 'x'"),
        ({"AUTOML_ENVIRONMENT": "test"}, {}, "no environment 'test'; environments: development, production"),
        ({}, {"port": -1}, "argument: port is -1"),
    ],
)
def test_a_wrong_variable_or_argument_is_named(tmp_path, variables, arguments, said):
    with pytest.raises(RequestError, match=said):
        load_settings(tmp_path, variables=variables, **arguments)
