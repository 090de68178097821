from __future__ import annotations

from typing import Any

import pytest
from automl_runtime.data.records import parse_records
from automl_runtime.serving.contract import describe, openapi_request, row_model
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from pydantic import ValidationError

HOSTILE = ["class", "__init__", "model_config", "a b", "", "Größe", "x\ny", "rows", "copy", "🙂", "json"]


def schema_of(names: list[str], **more: Any) -> InputSchema:
    return InputSchema(
        columns=[
            InputColumn(name=name, type="category", plan=ColumnPlan(column=name, type="category"), **more)
            for name in names
        ]
    )


def test_a_column_may_be_called_anything() -> None:
    model = row_model(schema_of(HOSTILE))
    row = model.model_validate(dict.fromkeys(HOSTILE, "x"))
    assert row.model_dump(by_alias=True) == dict.fromkeys(HOSTILE, "x")


@pytest.mark.parametrize(
    ("row", "accepted"),
    [
        ({}, True),
        ({"a": 1}, True),
        ({"a": " $1 "}, True),
        ({"a": None, "b": True}, True),
        ({"a": 1.5}, True),
        ({"c": 1}, False),
        ({"a": []}, False),
        ({"a": {}}, False),
    ],
)
def test_the_documented_model_and_the_service_accept_the_same(row: dict[str, Any], accepted: bool) -> None:
    schema = schema_of(["a", "b"])

    def documented() -> bool:
        try:
            row_model(schema).model_validate(row)
        except ValidationError:
            return False
        return True

    def served() -> bool:
        return parse_records([row], schema)[1] == []

    assert documented() == served() == accepted


def test_a_required_column_is_required_in_the_document() -> None:
    _, row = openapi_request(schema_of(["a"], required=True))
    assert row["required"] == ["a"]


@pytest.mark.parametrize(
    ("kind", "plan", "words"),
    [
        ("time", {"hhmm": True}, "time of day; written hhmm"),
        ("number", {"percent": True}, "number; in percent"),
        ("empty", {}, "anything; it was empty in training"),
    ],
)
def test_columns_are_described_in_words(kind: Any, plan: dict[str, Any], words: str) -> None:
    column = InputColumn(name="c", type=kind, plan=ColumnPlan(column="c", type=kind, **plan))
    assert describe(column) == words
