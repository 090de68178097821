from __future__ import annotations

import json
from typing import Any

import pytest
from automl_schemas.base import Contract
from automl_schemas.bundle import BundleManifest, HashedFile, InputColumn, InputSchema, Signature
from automl_schemas.catalog import (
    ColumnEntry,
    ColumnStats,
    DataCatalog,
    Dialect,
    DuplicateFile,
    FileEntry,
    IgnoredFile,
    ImageFolder,
    JoinEdge,
    KeyCandidate,
    Shard,
    TableEntry,
    ValueCount,
)
from automl_schemas.cleaning import CleaningExample, ColumnPlan, Reject
from automl_schemas.export import json_schemas
from automl_schemas.lineage import ColumnLineage, DataManifest, Lineage, RowBalance, SourceFile
from automl_schemas.metrics import GoalResult, LeaderboardRow, Metrics, RunRecord
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Goal, Requirement, Threshold
from automl_schemas.spec import (
    DataSpec,
    DeploymentSpec,
    DroppedColumn,
    JoinSpec,
    MetricSpec,
    ProjectSpec,
    TableSpec,
    TargetSpec,
    TaskSpec,
    TrainingSpec,
)
from automl_schemas.vocabulary import COST_METRICS, MetricName, TaskType, default_metric, higher_is_better
from pydantic import BaseModel, ValidationError

PLAN = ColumnPlan(column="left", type="boolean", true_values=["yes"], false_values=["no"], missing=["?"])
COLUMN = ColumnEntry(
    name="left", position=1, type="boolean", role="category", plan=PLAN, rows=9, missing=1, rejected=0, changed=3, distinct=2,
    stats=ColumnStats(top=[ValueCount(value="true", count=5)]), examples=[CleaningExample(before=" YES", after="true")],
)  # fmt: skip
OPTION = Option(value="a.b", label="b of a")
QUESTION = Question(id="target", text="Which?", options=[OPTION], default="a.b", impact="All of it.")
TABLE = TableEntry(
    name="members", files=["members.csv"], header_row=1, rows_read=10, rows=9, duplicate_rows=1, columns=[COLUMN],
    keys=[KeyCandidate(columns=["id"], unique=1.0)],
)  # fmt: skip
JOIN = JoinSpec(child="visits", parent="members", child_columns=["m"], parent_columns=["id"], cardinality="1:n")
GOAL = Goal(op=">", value=0.85)
REQUIREMENT = Requirement(
    request="predict churn", target="churn", goal=GOAL, threshold=Threshold(op=">", value=15, unit="minute")
)
SPEC = ProjectSpec(
    name="predict-churn", request="predict churn", task=TaskSpec(type="binary", entity="member"),
    target=TargetSpec(table="members", column="left", positive=True), metric=MetricSpec(name="roc_auc", goal=GOAL),
    data=DataSpec(source="../x", tables=[TableSpec(name="members", files=["members.csv"], key=["id"])], joins=[JOIN],
                  drop=[DroppedColumn(table="members", column="age", reason="asked")]),
    training=TrainingSpec(budget_seconds=60), deployment=DeploymentSpec(p99_ms=50), answers={"target": "a.b"},
)  # fmt: skip
METRICS = Metrics(
    metric="roc_auc", higher_is_better=True, holdout=0.9, holdout_ci=(0.85, 0.95), cv=0.91, goal=GoalResult(op=">", value=0.8, met=True),
    rows_train=80, rows_holdout=20, best_model="lightgbm", seconds=1.5, seed=0, data_sha256="0" * 64,
    leaderboard=[LeaderboardRow(model="lightgbm", cv=0.91, fit_seconds=1.0, predict_us_per_row=2.0)],
)  # fmt: skip
EXAMPLES: list[BaseModel] = [
    PLAN, COLUMN, QUESTION, TABLE, REQUIREMENT, SPEC, METRICS,
    DataCatalog(
        files=[FileEntry(path="members.csv", sha256="0" * 64, bytes=9, kind="delimited", dialect=Dialect(delimiter=","))], tables=[TABLE],
        joins=[JoinEdge(child="visits", parent="members", child_columns=["m"], parent_columns=["id"], containment=1.0, coverage=0.5,
                        cardinality="n:1", fan_out=2.0)],
        duplicates=[DuplicateFile(path="b.csv", of="a.csv", reason="identical")], shards=[Shard(table="s", files=["s1.csv", "s2.csv"])],
        ignored=[IgnoredFile(path="notes.txt", reason="prose")], images=[ImageFolder(path=".", classes={"a": 3})], questions=[QUESTION],
    ),
    BundleManifest(
        model_version="v001", created="2026-01-01T00:00:00Z", task="binary", metric="roc_auc", target="left", classes=[False, True],
        positive=True, features=["age"], runtime_version="0.1.0", files=[HashedFile(path="model.txt", sha256="0" * 64, bytes=3)],
        signature=Signature(public_key="00" * 32, value="00" * 64),
    ),
    InputSchema(columns=[InputColumn(name="left", type="boolean", plan=PLAN, example=True)]),
    Lineage(tables={"members": [ColumnLineage(column="left", sources=["members.csv:left"], steps=["stripped"])]},
            rows=[RowBalance(table="members", rows_in=10, rows_out=9, dropped={"repeated": 1})]),
    DataManifest(source="../x", files=[SourceFile(path="members.csv", sha256="0" * 64, bytes=9)]),
    RunRecord(run_id="run_001_20260101_0000", started="2026-01-01T00:00:00Z", seconds=1.0, status="completed", metric="roc_auc"),
    Reject(table="members", column="age", file="members.csv", row=3, value="old", reason="no number"),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda model: type(model).__name__)
def test_a_contract_comes_back_from_json_as_it_went(example):
    assert type(example).model_validate_json(example.model_dump_json()) == example
    assert type(example).model_validate(json.loads(json.dumps(example.model_dump(mode="json")))) == example


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda model: type(model).__name__)
def test_a_contract_refuses_unknown_keys(example):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(example).model_validate({**example.model_dump(mode="json"), "extra_key": 1})


@pytest.mark.parametrize(
    "example", [model for model in EXAMPLES if isinstance(model, Contract)], ids=lambda model: type(model).__name__
)
def test_a_contract_cannot_be_changed(example):
    with pytest.raises(ValidationError, match="frozen"):
        setattr(example, next(iter(type(example).model_fields)), None)


def test_nested_keys_are_refused_too():
    wrong = SPEC.model_dump(mode="json")
    wrong["training"]["budget_second"] = 3
    with pytest.raises(ValidationError) as raised:
        ProjectSpec.model_validate(wrong)
    assert raised.value.errors()[0]["loc"] == ("training", "budget_second")


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (Requirement, {"request": "x", "horizon_days": 0}),
        (Requirement, {"request": "x", "clusters": 1}),
        (Requirement, {"request": "x", "metric": "auc"}),
        (Goal, {"op": "=", "value": 1}),
        (Goal, {"op": ">", "value": float("nan")}),
        (TrainingSpec, {"folds": 1}),
        (TrainingSpec, {"budget_seconds": 0}),
        (Question, {"id": "Target", "text": "", "options": [OPTION], "default": "", "impact": ""}),
        (Question, {"id": "target", "text": "", "options": [], "default": "", "impact": ""}),
    ],
)
def test_values_out_of_range_are_refused(model: type[BaseModel], change: dict[str, Any]):
    with pytest.raises(ValidationError):
        model.model_validate(change)


def test_json_schemas_are_closed_and_complete():
    schemas = json_schemas()
    assert {"ProjectSpec", "DataCatalog", "Requirement", "Metrics", "BundleManifest", "Lineage"} <= schemas.keys()
    for name, schema in schemas.items():
        assert schema["$schema"].endswith("2020-12/schema")
        assert schema["additionalProperties"] is False, name
        for definition in schema.get("$defs", {}).values():
            assert definition.get("additionalProperties", False) is False or definition["type"] != "object"
        json.dumps(schema)


def test_every_task_has_a_metric_and_costs_are_known():
    assert {default_metric(task) for task in TaskType.__args__} <= set(MetricName.__args__)
    assert {metric for metric in MetricName.__args__ if not higher_is_better(metric)} == COST_METRICS


def test_a_catalog_finds_its_tables():
    catalog = DataCatalog(files=[], tables=[TABLE])
    assert catalog.table("members") is TABLE
    with pytest.raises(KeyError):
        catalog.table("nobody")
