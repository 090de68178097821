"""Why any model answers what it answers to a row: the columns that count most, in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from automl_runtime.engine.anomaly.model import AnomalyModel
from automl_runtime.engine.clustering.model import ClusterModel
from automl_runtime.engine.multilabel.model import MultilabelModel
from automl_runtime.events import EventSink, ignore
from automl_runtime.inference.explaining import Reason, one_line, reasons, shown
from automl_runtime.inference.model import FittedModel
from automl_runtime.kernels.arrays import Ints

__all__ = ["anomaly_reasons", "reasons_of"]


def reasons_of(
    model: FittedModel | ClusterModel | AnomalyModel | MultilabelModel,
    frame: pd.DataFrame,
    *,
    most: int = 3,
    places: Ints | None = None,
    on_event: EventSink = ignore,
) -> list[list[Reason]]:
    """For each row (of those at `places`; None: all) at most `most` columns, the most telling first.

    Rows of a series look back at the others, whether these are explained or not.

    What a `contribution` counts depends on the model: of a prediction see `inference.explaining.reasons`; of a cluster
    how much nearer (squared distance) the row is to it than to the nearest other one, by this column; of an anomaly
    the column's share of the strangeness; of labels what it adds to the likeliest one. Columns that speak against the
    answer, or say nothing, are left out.

    Raises:
        RequestError: if a prediction cannot be explained.
        SchemaMismatchError: if a column is missing.
    """
    if isinstance(model, AnomalyModel):
        return anomaly_reasons(model, frame, np.arange(len(frame)) if places is None else places, most=most)
    frame = frame if places is None else frame.iloc[places]
    if isinstance(model, ClusterModel):
        lines = model.explain(frame.reset_index(drop=True), most=most)
        words = [
            f"{_named(column, value)}: nearer to cluster {cluster} than to {other}"
            for column, value, cluster, other in zip(
                lines["column"], lines["value"], lines["cluster"], lines["other"], strict=True
            )
        ]
        return _by_row(lines.rename(columns={"weight": "contribution"}), words, len(frame))
    if isinstance(model, MultilabelModel):
        return _of_likeliest(model, frame, most=most, on_event=on_event)
    return reasons(model, frame, most=most, on_event=on_event)


def _of_likeliest(model: MultilabelModel, frame: pd.DataFrame, *, most: int, on_event: EventSink) -> list[list[Reason]]:
    """What speaks for the likeliest label of each row, which the words name."""
    learned = list(model.heads)
    likeliest = model.predict_proba(frame)[learned].to_numpy().argmax(axis=1)
    found: list[list[Reason]] = [[] for _ in range(len(frame))]
    for place in np.unique(likeliest):
        label, rows = learned[place], np.flatnonzero(likeliest == place)
        told = reasons(model.heads[label], frame.iloc[rows], most=most, label=label, on_event=on_event)
        for row, of_row in zip(rows, told, strict=True):
            found[row] = of_row
    return found


def anomaly_reasons(model: AnomalyModel, frame: pd.DataFrame, places: Ints, *, most: int = 3) -> list[list[Reason]]:
    """As `reasons_of`, of the rows at `places`, which look back at the others where they are a series."""
    lines = model.explain(frame.reset_index(drop=True), most=most, places=places)
    lines["row"] = np.repeat(np.arange(len(places)), len(lines) // max(1, len(places)))
    scaled = () if model.windows is None or len(model.windows.keys) == 1 else tuple(model.windows.habits)
    words = [
        f"{_named(f'{column} (in units of its series)' if column in scaled else column, value)}; usual: {typical}"
        for column, value, typical in zip(lines["column"], lines["value"], lines["typical"], strict=True)
    ]
    return _by_row(lines.rename(columns={"share": "contribution"}), words, len(places))


def _by_row(lines: pd.DataFrame, words: list[str], rows: int) -> list[list[Reason]]:
    found: list[list[Reason]] = [[] for _ in range(rows)]
    parts = zip(lines["row"], lines["column"], lines["value"], lines["contribution"], words, strict=True)
    for row, column, value, contribution, text in parts:
        if contribution > 0:
            found[row].append(Reason(column, _text(value), float(contribution), text))
    return found


def _named(column: str, value: object) -> str:
    return f"{one_line(column)} {'is' if pd.isna(value) else '='} {_text(value)}"


def _text(value: object) -> str:
    return "missing" if pd.isna(value) else shown(value)
