from __future__ import annotations

import keyword
import re
import sys

import pytest
from automl_generators.names import LONGEST, clean_name, package_name, project_name
from automl_runtime.errors import RequestError
from automl_schemas.requirement import Requirement
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("predict-churn", "predict_churn"),
        ("class", "class_project"),
        ("match", "match_project"),
        ("json", "json_project"),
        ("numpy", "numpy_project"),
        ("tests", "tests_project"),
        ("true", "true_project"),
        ("CON", "con_project"),
        ("2024 sales", "project_2024_sales"),
        ('it\'s "quoted"', "it_s_quoted"),
        ("naïve café", "naive_cafe"),
        ("прогноз", "prognoz"),
        ("a" * 200, "a" * LONGEST),
        ("word " * 60, "word_" * 7 + "word"),
        ("1" * 200, "project_" + "1" * (LONGEST - 8)),
        ("_x_", "x"),
    ],
)
def test_package_name_is_legal(name, package):
    assert package_name(name) == package


@pytest.mark.parametrize("name", ["", "  ", "🙂", "---", "'\"", "\u202e"])
def test_name_without_letters_is_refused(name):
    with pytest.raises(RequestError, match="no letter or digit"):
        package_name(name)


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".", "c:\\temp", "/etc/passwd", "a\x00b"])
def test_a_path_is_no_name(name):
    with pytest.raises(RequestError, match="is a path") as caught:
        clean_name(name)
    assert "--out" in str(caught.value)


@given(st.text(max_size=250))
def test_any_text_gives_a_legal_package_or_a_refusal(text):
    try:
        name = package_name(text)
    except RequestError:
        return
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert len(name) <= LONGEST + len("_project")
    assert not keyword.iskeyword(name)
    assert name not in sys.stdlib_module_names
    assert package_name(name) == name
    assert clean_name(name) == name.replace("_", "-")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"target": "churn"}, "predict-churn"),
        ({"target": "the median value of a house"}, "predict-median-value-house"),
        ({"task": "forecast", "target": "sales"}, "forecast-sales"),
        ({"task": "clustering", "entity": "customer"}, "cluster-customer"),
        ({}, "predict-it-rain"),
        ({"task": "anomaly"}, "detect-it-rain"),
        ({"target": "???"}, "predict-target"),
        ({"target": "clicks/views"}, "predict-clicks-views"),
        ({"target": "churn", "project_name": "My Project"}, "my-project"),
    ],
)
def test_project_is_named_after_what_is_predicted(fields, name):
    assert project_name(Requirement(request="will it rain", **fields)) == name


def test_given_name_that_is_a_path_is_refused():
    with pytest.raises(RequestError, match="is a path"):
        project_name(Requirement(request="predict churn", project_name="../x"))
