"""`tests/golden.jsonl`: rows of the holdout with the answers that the model in production gives to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from automl_runtime.data.personal import mask, mask_text
from automl_runtime.data.pictures import read_picture, small_png
from automl_runtime.files import write_text
from automl_runtime.serving.forecasts import ForecastScorer
from automl_runtime.serving.scorer import Limits, Scorer

if TYPE_CHECKING:
    from automl_schemas.bundle import InputSchema
    from automl_schemas.vocabulary import ColumnType, PersonalData

    from automl_runtime.project.layout import Features, Project
    from automl_runtime.registry.bundle import Bundle

__all__ = ["MOST_ROWS", "golden_inputs", "write_golden"]

MOST_ROWS: Final = 50
_LONGEST_CELL: Final = 2_000
_MOST_CHARACTERS: Final = 2_000_000


def write_golden(project: Project, build_features: Features) -> None:
    """Writes at most 50 rows of the holdout (and 2 MB), and what the model in production answers to each.

    Personal data are masked before the model sees the rows, so that the answers belong to what is written.
    """
    bundle = project.bundle()
    if bundle.manifest.task == "forecast":
        write_text(project.root / "tests" / "golden.jsonl", _golden_forecasts(bundle, build_features))
        return
    personal = {column.name: column.personal for column in project.columns if column.personal is not None}
    rows = project.load_rows("holdout")
    if bundle.windows is not None:
        # Neighbours, and the last: the model keeps what lies before them.
        known = rows.loc[bundle.windows.knows(rows)]
        rows = known.sort_values(bundle.windows.time, kind="stable").tail(MOST_ROWS)
    inputs = golden_inputs(rows, bundle.schema, personal)
    answers = Scorer(bundle, build_features, Limits()).predict(inputs)
    lines = [json.dumps({"inputs": row, "answer": answer}) + "\n" for row, answer in zip(inputs, answers, strict=True)]
    # Very wide tables: the file is committed.
    most = max(1, _MOST_CHARACTERS // max(map(len, lines), default=1))
    write_text(project.root / "tests" / "golden.jsonl", "".join(lines[:most]))


def _golden_forecasts(bundle: Bundle, build_features: Features) -> str:
    """A request for the next steps of one series, and the answer; what must be known ahead is made up of examples."""
    scorer = ForecastScorer(bundle, build_features, Limits())
    request = scorer.example(steps=min(MOST_ROWS, bundle.model.horizon))
    return json.dumps({"inputs": request, "answer": scorer.forecast(request)}) + "\n"


def golden_inputs(
    rows: pd.DataFrame, schema: InputSchema, personal: dict[str, PersonalData]
) -> list[dict[str, object]]:
    """At most 50 of `rows` as requests to the service: only the columns of `schema`, JSON values, personal data masked.

    In free text, mail addresses and long numbers are masked whatever the column is; cells are cut at 2,000 characters.
    Pictures are sent as small as the model looks at them.
    """
    count = min(MOST_ROWS, len(rows))
    chosen = rows.iloc[np.linspace(0, len(rows) - 1, count).round().astype(int)] if count else rows
    columns = {
        column.name: [_cell(value, column.type, personal.get(column.name)) for value in chosen[column.name]]
        for column in schema.columns
    }
    return [{name: values[position] for name, values in columns.items()} for position in range(count)]


def _cell(value: Any, type_: ColumnType, personal: PersonalData | None) -> object:
    if pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if type_ == "image":
        return small_png(read_picture(value))
    if personal is not None:
        return mask(str(value), personal)
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if type_ == "date" else value.isoformat()
    if type_ == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return mask_text(value[:_LONGEST_CELL]) if type_ == "text" and isinstance(value, str) else value
