from __future__ import annotations

from pathlib import Path

import pytest
from automl_agent.loop.sentences import read_sentence
from hypothesis import given
from hypothesis import strategies as st

THERE = {"data", "./data", "new.csv", "./more rows", "runs"}
PROJECTS = ["projects/ann/late-parcels", "projects/bob/late-parcels", "projects/ann/prices", "solo"]


def read(text):
    return read_sentence(text, lambda word: Path(word) if word in THERE else None, PROJECTS)


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("what is in ./data", "look", "./data"),
        ("What's in folder data?", "look", "data"),
        ("please look at 'more rows'", "look", None),
        ('show me "./more rows"', "look", "./more rows"),
        ("predict whether a parcel is late from ./data", "make", "./data"),
        ("Could you predict the score of students in data", "make", "data"),
        ("forecast sales for the next 7 days with ./data", "make", "./data"),
        ("make a project from ./data that predicts churn", "make", "./data"),
        ("find strange rows in ./data", "make", "./data"),
        ("predict whether it is late", "make", None),
        ("how good is it?", "report", None),
        ("how accurate is solo", "report", None),
        ("show me the leaderboard", "report", None),
        ("why do customers leave?", "report", None),
        ("what drives the price?", "report", None),
        ("please explain solo", "report", None),
        ("retrain", "retrain", None),
        ("please re-train it on ./data", "retrain", "./data"),
        ("train it again", "retrain", None),
        ("has new.csv drifted?", "drift", "new.csv"),
        ("is there drift in ./data", "drift", "./data"),
        ("predict new.csv", "predict_file", "new.csv"),
        ("score the rows in new.csv", "predict_file", "new.csv"),
        ("predict new.csv with solo", "predict_file", "new.csv"),
        ("list projects", "projects", None),
        ("which runs are there", "runs", None),
        ("status", "status", None),
        ("cancel", "cancel", None),
        ("update solo", "update", None),
        ("help", "help", None),
        ("?", "help", None),
        ("quit", "leave", None),
        ("the weather is nice", "unknown", None),
        ("data", "unknown", None),
        ("", "unknown", None),
    ],
)
def test_sentences_are_read(text, kind, path):
    intent = read(text)
    assert (intent.kind, intent.path) == (kind, path)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("predict age=40, city=Rome", {"age": "40", "city": "Rome"}),
        ("predict for age = 40, name = , plan=null", {"age": "40", "name": None, "plan": None}),
        ('predict "home town"="Rome, Italy", code=007', {"home town": "Rome, Italy", "code": "007"}),
        ('predict {"age": 40, "city": null}', {"age": 40, "city": None}),
        ("predict age=40 with solo", {"age": "40"}),
    ],
)
def test_rows_are_read_as_they_stand(text, cells):
    intent = read(text)
    assert (intent.kind, intent.cells) == ("predict_rows", cells)


@pytest.mark.parametrize("text", ["predict x where a=1 from ./data", 'predict {"age": {"x": 1}}', "predict {age"])
def test_what_is_no_row_is_none(text):
    assert read(text).kind == "make"


@pytest.mark.parametrize(
    ("text", "project"),
    [
        ("how good is solo", "solo"),
        ("how good is prices?", "projects/ann/prices"),
        ("how good is projects/bob/late-parcels", "projects/bob/late-parcels"),
        ("how good is late-parcels", None),
        ("how good is solo-2", None),
        ("how good is it", None),
    ],
)
def test_projects_are_named_whole_or_by_a_last_part_that_only_one_has(text, project):
    assert read(text).project == project


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("promote v002", "promote", ("v002",)),
        ("put v003 into production", "promote", ("v003",)),
        ("roll back", "rollback", ()),
        ("go back to v001", "rollback", ("v001",)),
        ("compare runs 1 and 2", "compare", ("1", "2")),
        ("compare run_001_20250101_1200 with 3", "compare", ("run_001_20250101_1200", "3")),
        ("add a feature: weight divided by size", "feature", ("weight divided by size",)),
        ("add feature ratio of debt to income", "feature", ("ratio of debt to income",)),
        ("propose features", "feature", ("",)),
        ("cancel run-0123456789abcdef", "cancel", ("run-0123456789abcdef",)),
    ],
)
def test_versions_trainings_and_features_are_read(text, kind, names):
    intent = read(text)
    assert (intent.kind, intent.names) == (kind, names)


@given(st.text())
def test_any_text_is_read(text):
    read(text)
