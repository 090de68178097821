from __future__ import annotations

import pytest
from automl_runtime.errors import RequestError
from automl_runtime.project.specfile import dump_spec, load_spec, parse_spec

TEXT = """
version: 1
name: predict-leaving
request: "who will leave?"
task: {type: binary, entity: member}
target: {table: members, column: "left?", positive: "yes"}
metric: {name: roc_auc, goal: {op: ">", value: 0.8}}
data: {source: ../data, tables: [{name: members, files: [members.csv], key: [id]}]}
training: {budget_seconds: 60, folds: 5}
seed: 3
"""


def test_a_spec_survives_the_round_trip():
    spec = parse_spec(TEXT)
    assert parse_spec(dump_spec(spec)) == spec
    assert spec.target.column == "left?"
    asked = parse_spec(TEXT.replace("folds: 5", "preprocessing: {scaling: log, encoding: auto}"))
    assert parse_spec(dump_spec(asked)).training.preprocessing.chosen == {"scaling": "log"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("budget_seconds", "budget_second", "`training.budget_second`; did you mean `budget_seconds`"),
        ("seed: 3", "sead: 3", "`sead`; did you mean `seed`"),
        ("key: [id]", "keys: [id]", "`data.tables.0.keys`; did you mean `key`"),
        ("roc_auc", "aucc", "`metric.name`"),
        ("folds: 5", "folds: many", "`training.folds`"),
        ("folds: 5", "preprocessing: {scaling: minmx}", "did you mean `minmax`"),
        ("folds: 5", "preprocessing: {scale: minmax}", "`training.preprocessing.scale`; did you mean `scaling`"),
        ("folds: 5", "preprocessing: {indicator: true}", "`training.preprocessing`: `indicator` does nothing without"),
        ("seed: 3", "seed: [", "not valid YAML"),
        (TEXT, "just words", "a mapping of keys"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(old, new, words):
    with pytest.raises(RequestError) as caught:
        parse_spec(TEXT.replace(old, new))
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"project\.yaml cannot be read"):
        load_spec(tmp_path / "project.yaml")
