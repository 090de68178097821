"""What follows from a project's spec."""

from __future__ import annotations

import pytest
from automl_schemas.spec import DataSpec, DeploymentSpec, MetricSpec, ProjectSpec, TargetSpec, TaskSpec, TrainingSpec
from pydantic import ValidationError


def _spec(task="binary", asked=None, p99=None):
    return ProjectSpec(
        name="x",
        request="x",
        task=TaskSpec(type=task),
        target=TargetSpec(table="t", column="y"),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source="."),
        training=TrainingSpec(max_predict_us=asked),
        deployment=DeploymentSpec(p99_ms=p99),
    )


@pytest.mark.parametrize(
    ("spec", "limit"),
    [
        (_spec(), None),
        (_spec(p99=10), 500),
        (_spec("regression", p99=2), 100),
        (_spec(p99=10, asked=30), 30),
        (_spec("clustering", p99=10), None),
        (_spec("clustering", p99=10, asked=30), 30),
    ],
)
def test_the_time_of_an_answer_limits_the_model(spec, limit):
    assert spec.predict_us == limit


@pytest.mark.parametrize("wishes", [{"p99_ms": 0}, {"p99_ms": -1}, {"requests_per_day": 0}])
def test_a_service_without_requests_or_time_is_refused(wishes):
    with pytest.raises(ValidationError):
        DeploymentSpec(**wishes)


def test_that_inexact_backends_are_allowed_stands_in_the_file_only_where_it_was_said():
    assert "inexact_backends" not in _spec().model_dump()["deployment"]
    told = DeploymentSpec(inexact_backends=True)
    assert DeploymentSpec(**told.model_dump()) == told


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"separator": ";", "columns": ["a", "b"]}, "give one"),
        ({"separator": ";", "sql": "x"}, "for several"),
        ({"columns": ["a"], "positive": 1}, "for several"),
        ({"labels": ["a"]}, "needs a `separator`"),
        ({"separator": ";", "labels": ["a", "b|c"]}, "cannot be a label"),
        ({"columns": [" "]}, "cannot be a label"),
        ({"separator": ""}, "at least 1 character"),
    ],
)
def test_a_target_of_several_labels_is_said_in_one_way(said, why):
    with pytest.raises(ValidationError, match=why):
        TargetSpec(table="t", column="y", **said)


def test_the_labels_are_cells_or_columns():
    plain = TargetSpec(table="t", column="y")
    listed = TargetSpec(table="t", column="y", separator=";", labels=["b", "a"])
    flags = TargetSpec(table="t", column="y", columns=["u", "v"])
    assert [target.label_names for target in (plain, listed, flags)] == [[], ["b", "a"], ["u", "v"]]
    assert [target.is_made for target in (plain, listed, flags)] == [False, True, True]
    assert "separator" not in plain.model_dump() and "columns" not in plain.model_dump()
