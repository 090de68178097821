"""What a row to predict must hold: the input schema of a model."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from automl_schemas.bundle import InputColumn, InputSchema

from automl_runtime.data.personal import mask
from automl_runtime.data.pictures import EXAMPLE_PICTURE
from automl_runtime.data.training_columns import IDENTITY, TrainingColumn

__all__ = ["input_schema"]

_MOST_CATEGORIES = 50


def input_schema(columns: Sequence[TrainingColumn], frame: pd.DataFrame, target: str) -> InputSchema:
    """The columns of the training table, without the target, as a service asks for them.

    A column is required when it was never empty in `frame`; a value may always be null. Examples and categories of
    personal data are masked.

    Args:
        columns: those that features are made from.
        frame: training rows.
        target: name of the target column.
    """
    return InputSchema(
        columns=[
            _input(column, frame[column.name])
            for column in columns
            if column.name not in (target, IDENTITY) and column.name in frame.columns
        ]
    )


def _input(column: TrainingColumn, values: pd.Series) -> InputColumn:
    filled = values.dropna()
    numeric = column.type in ("integer", "number", "time") and len(filled) > 0
    return InputColumn(
        name=column.name,
        type=column.type,
        plan=column.plan,
        required=len(filled) == len(values) and len(values) > 0,
        categories=_categories(column, filled),
        min=float(filled.min()) if numeric else None,
        max=float(filled.max()) if numeric else None,
        example=_example(column, filled),
        personal=column.personal,
    )


def _categories(column: TrainingColumn, filled: pd.Series) -> list[str]:
    if column.type != "category" or column.personal is not None:
        return []
    counts = filled.astype("str").value_counts()
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [str(value) for value, _ in ranked[:_MOST_CATEGORIES]]


def _example(column: TrainingColumn, filled: pd.Series) -> str | float | int | bool | None:
    """The most frequent value of categories, the middle one of everything that has an order."""
    if filled.empty:
        return None
    if column.type == "image":
        return EXAMPLE_PICTURE
    if column.type in ("category", "text", "boolean", "empty"):
        counts = filled.value_counts()
        value = min(counts[counts == counts.iloc[0]].index, key=str)
        if column.type == "boolean":
            return bool(value)
        text = str(value)[:200]
        return text if column.personal is None else mask(text, column.personal)
    value = filled.sort_values(kind="stable").iloc[len(filled) // 2]
    if column.type == "date":
        return str(value.date().isoformat())
    if column.type == "datetime":
        return str(value.isoformat())
    return int(value) if column.type == "integer" else float(value)
