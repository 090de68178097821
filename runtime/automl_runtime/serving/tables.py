"""Answers as tables: CSV and Arrow for what JSON tells, npy for the numbers of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from automl_schemas.spec import LABEL_JOINT
from pyarrow import csv as arrow_csv

from automl_runtime.serving.answers import Answer
from automl_runtime.serving.requests import BadRequest, Problem, plain, text_of

if TYPE_CHECKING:
    from automl_schemas.bundle import BundleManifest

__all__ = ["ARROW", "NPY", "answer_table", "write_arrow", "write_csv", "write_npy"]

ARROW: Final = "application/vnd.apache.arrow.stream"
NPY: Final = "application/x-npy"
_REASONS = 3
_OF_TASK: dict[str, dict[str, pa.DataType]] = {
    "clustering": {"cluster": pa.int64()},
    "anomaly": {"score": pa.float64(), "anomaly": pa.bool_()},
}


def answer_table(answers: Sequence[dict[str, Any]], manifest: BundleManifest) -> pa.Table:
    """One row for each answer.

    The columns are `label` (of several `labels`, with "|" between them) and `probability_<class>`, or `prediction`, or
    `cluster`, or `score` and `anomaly` (of rows of series with `past_known`); with reasons also `reason_1` to
    `reason_3`, in words.
    """
    columns: dict[str, pa.Array] = {}
    if manifest.task in _OF_TASK:
        for name, kind in _OF_TASK[manifest.task].items():
            columns[name] = pa.array([answer[name] for answer in answers], kind)
        if any("past_known" in answer for answer in answers):
            columns["past_known"] = pa.array([answer["past_known"] for answer in answers], pa.float64())
    elif manifest.task == "multilabel":
        columns["labels"] = pa.array([LABEL_JOINT.join(answer["labels"]) for answer in answers], pa.string())
        columns |= _shares(answers, manifest.classes)
    elif manifest.classes:
        classes = [plain(label) for label in np.array(manifest.classes)]
        columns["label"] = pa.array([answer["label"] for answer in answers], pa.array(classes).type)
        columns |= _shares(answers, classes)
    else:
        columns["prediction"] = pa.array([answer["prediction"] for answer in answers], pa.float64())
    if any("reasons" in answer for answer in answers):
        words = [[reason["words"] for reason in answer.get("reasons", ())] for answer in answers]
        for place in range(_REASONS):
            told = [row[place] if place < len(row) else None for row in words]
            columns[f"reason_{place + 1}"] = pa.array(told, pa.string())
    return pa.table(columns)


def _shares(answers: Sequence[dict[str, Any]], classes: Sequence[Any]) -> dict[str, pa.Array]:
    return {
        f"probability_{name}": pa.array([answer["probabilities"][name] for answer in answers], pa.float64())
        for name in map(text_of, classes)
    }


def write_csv(answers: Sequence[dict[str, Any]], manifest: BundleManifest, many: bool) -> Answer:
    """CSV with a header; numbers to the last digit."""
    del many
    sink = io.BytesIO()
    arrow_csv.write_csv(answer_table(answers, manifest), sink, arrow_csv.WriteOptions(quoting_style="needed"))
    return Answer(sink.getvalue(), len(answers), "text/csv; charset=utf-8", _version(manifest))


def write_arrow(answers: Sequence[dict[str, Any]], manifest: BundleManifest, many: bool) -> Answer:
    """A stream of Arrow IPC."""
    del many
    table = answer_table(answers, manifest)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return Answer(sink.getvalue(), len(answers), ARROW, _version(manifest))


def write_npy(answers: Sequence[dict[str, Any]], manifest: BundleManifest, many: bool) -> Answer:
    """An array of NumPy: probabilities (rows x classes, in the order of the classes), or one number for each row.

    Raises:
        BadRequest: 406 if there are reasons to tell, for which it has no place.
    """
    del many
    table = answer_table(answers, manifest)
    if "reason_1" in table.column_names and manifest.task != "anomaly":
        raise BadRequest([Problem("Reasons are words, for which application/x-npy has no place.")], status=406)
    shares = [name for name in table.column_names if name.startswith("probability_")]
    if shares:
        values = np.column_stack([np.asarray(table[name].to_numpy(), dtype=float) for name in shares])
    else:
        values = table.column(0).to_numpy()
    sink = io.BytesIO()
    np.save(sink, values, allow_pickle=False)
    return Answer(sink.getvalue(), len(answers), NPY, _version(manifest))


def _version(manifest: BundleManifest) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"x-model-version", manifest.model_version.encode()),)
