"""A fitted model as an ONNX file, compared with the model itself before it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np

from automl_runtime.errors import TrainingError
from automl_runtime.files import replace_file
from automl_runtime.inference.backends import onnx_session
from automl_runtime.inference.exporting.columns import missing_word, read_columns
from automl_runtime.inference.exporting.designs import Rows, design_matrix
from automl_runtime.inference.exporting.graph import Graph
from automl_runtime.inference.exporting.predictors import predicted, width_of
from automl_runtime.inference.exporting.samples import Sample, feeds
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.parts import Member, Reading, encoded_rows

__all__ = ["TOLERANCE", "export_onnx"]

TOLERANCE: Final = 1e-5
"""Largest difference, relative to the size of the outputs."""
_LARGEST_LOG = 80.0
_LEAST_CHANCE = 1e-15
_LEAST_POOLED = 1e-6


def export_onnx(model: FittedModel, path: Path, sample: Sample) -> Path:
    """Writes `model` to `path` after ONNX Runtime has given the same outputs for `sample` as the model.

    The inputs are the columns (see `exporting.columns`); the outputs `probabilities` (rows x classes) and `label`, of
    a regression `value` (rows x 1).

    Raises:
        RequestError: naming what cannot be expressed.
        MissingExtraError: if `onnx` or `onnxruntime` is not installed.
        TrainingError: if the outputs differ by more than `TOLERANCE`; nothing is written.
    """
    graph = Graph()
    encoder = model.encoder
    columns = read_columns(graph, encoder)
    blank = encoded_rows(*map(len, (encoder.number_owners, encoder.code_owners, encoder.text_owners)))
    matrices = {
        place: design_matrix(graph, model.designs[place], columns, blank)
        for place in sorted({part.design for member in model.members for part in member.parts})
    }
    outputs = _blended(graph, model, matrices)
    names = _outputs(graph, model, outputs)
    missing = {c.name: missing_word(c) for c in encoder.columns if c.kind == "category" and missing_word(c)}
    about = {"target": model.target, "task": model.task, "missing_categories": json.dumps(missing)}
    content = graph.model(about).SerializeToString()
    _compare(model, content, names[0], sample)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda temporary: temporary.write_bytes(content))
    return path


def _blended(graph: Graph, model: FittedModel, matrices: dict[int, Rows]) -> str:
    members = [_member(graph, model, member, matrices) for member in model.members]
    weights = [member.weight for member in model.members]
    if model.info.shifts:
        members = [_centered_logs(graph, member) for member in members]
    total = graph.op("Mul", members[0], graph.constant(weights[0]))
    for member, weight in zip(members[1:], weights[1:], strict=True):
        total = graph.op("Add", total, graph.op("Mul", member, graph.constant(weight)))
    if model.info.shifts:
        return graph.op("Softmax", graph.op("Add", total, graph.constant(model.info.shifts)), axis=-1)
    return total


def _centered_logs(graph: Graph, chances: str) -> str:
    logs = graph.op("Log", graph.op("Max", chances, graph.constant(_LEAST_POOLED)))
    return graph.op("Sub", logs, graph.op("ReduceMean", logs, graph.places([1]), keepdims=1))


def _member(graph: Graph, model: FittedModel, member: Member, matrices: dict[int, Rows]) -> str:
    parts, levels = [], max(model.encoder.levels, default=0)
    for part in member.parts:
        raw = predicted(graph, part.predictor, matrices[part.design], levels, member.name)
        parts.append(_read(graph, part.reading, raw, width_of(part.predictor), len(model.classes)))
    total = parts[0]
    for outputs in parts[1:]:
        total = graph.op("Add", total, outputs)
    return graph.op("Div", total, graph.constant(float(len(parts))))


def _read(graph: Graph, reading: Reading, raw: str, width: int, classes: int) -> str:
    """See `Reading.outputs`."""
    if classes == 0:
        values = graph.op("Add", graph.op("Mul", raw, graph.constant(reading.scale)), graph.constant(reading.shift))
        if reading.link == "log1p":
            grown = graph.op("Exp", graph.clip(values, -_LARGEST_LOG, _LARGEST_LOG))
            values = graph.op("Sub", grown, graph.constant(1.0))
        return graph.clip(values, reading.low, reading.high)
    if reading.link == "softmax":
        return graph.op("Softmax", raw, axis=-1)
    if reading.link == "one_vs_rest":
        chances = graph.op("Max", graph.op("Sigmoid", raw), graph.constant(_LEAST_CHANCE))
        return graph.op("Div", chances, graph.sum(chances, 1, keep=True))
    positive = graph.op("Sigmoid", raw) if reading.link == "logistic" else raw
    if classes == 2 and width == 1:
        return graph.concat([graph.op("Sub", graph.constant(1.0), positive), positive])
    return positive


def _outputs(graph: Graph, model: FittedModel, outputs: str) -> list[str]:
    if not model.classes:
        return [graph.output("value", outputs, np.float64, ["rows", 1])]
    info = model.info
    if info.threshold is not None and info.positive is not None:
        place = info.classes.index(info.positive)
        chance = graph.op("Gather", outputs, graph.places(place), axis=1)
        reached = graph.op("GreaterOrEqual", chance, graph.constant(info.threshold))
        code = graph.where(reached, graph.places(place), graph.places(1 - place))
    else:
        weighed = graph.op("Mul", outputs, graph.constant(info.multipliers)) if info.multipliers else outputs
        code = graph.op("ArgMax", weighed, axis=1, keepdims=0)
    words = np.array(info.classes)
    labels = words.astype(object) if words.dtype.kind == "U" else words
    kind = np.dtype(object) if words.dtype.kind == "U" else words.dtype
    label = graph.op("Gather", graph.constant(labels, kind), code, axis=0)
    return [
        graph.output("probabilities", outputs, np.float64, ["rows", len(info.classes)]),
        graph.output("label", label, kind, ["rows"]),
    ]


def _compare(model: FittedModel, content: bytes, name: str, sample: Sample) -> None:
    session = onnx_session(content)
    found = np.vstack([session.run([name], cells)[0] for cells in feeds(model.encoder, sample)])
    wanted = model.outputs(sample.data)
    scale = np.maximum(np.abs(wanted), np.abs(wanted).mean())
    off = float((np.abs(found - wanted) / np.maximum(scale, 1e-300)).max(initial=0.0))
    if not off <= TOLERANCE:
        raise TrainingError(
            f"The exported model differs from the model by {off:.2g} of the size of the outputs on {len(wanted)} rows; "
            f"allowed is {TOLERANCE:g}. Nothing was written.",
            hint="Please report it with the names of the models: model.weights.",
        )
