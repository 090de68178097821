"""Trained functions of a matrix as ONNX nodes; see the module of each for what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from automl_runtime.errors import shorten
from automl_runtime.inference.boosted import Boosted
from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.exporting import trees
from automl_runtime.inference.exporting.catboost import catboost
from automl_runtime.inference.exporting.designs import Rows
from automl_runtime.inference.exporting.graph import Graph, cannot
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.kernel_machine import KernelMachine
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.naive_bayes import NaiveBayes
from automl_runtime.inference.neighbors import LEAST_DISTANCE, LEAST_MASS, Neighbors
from automl_runtime.inference.network import Network
from automl_runtime.inference.quantising import restored

__all__ = ["predicted", "predictor_graph", "width_of"]


def predictor_graph(predictor: Any, width: int, levels: int, name: str) -> bytes:
    """The model `name` by itself as an ONNX model: `rows` (rows x `width`) in, `outputs` (rows x outputs), both double.

    Raises:
        RequestError: naming the model, if it is of a kind that ONNX cannot express.
        MissingExtraError: if `onnx` is not installed.
    """
    graph = Graph()
    rows = Rows((graph.input("rows", "double", width),), (0, width))
    raw = predicted(graph, predictor, rows, levels, name)
    graph.output("outputs", raw, np.float64, ["rows", width_of(restored(predictor))])
    return bytes(graph.model({}).SerializeToString())


def predicted(graph: Graph, predictor: Any, rows: Rows, levels: int, name: str) -> str:
    """The raw outputs (rows x outputs) of the model `name`; no category has more than so many `levels`.

    Raises:
        RequestError: naming the model, if it is of a kind that ONNX cannot express.
    """
    predictor = restored(predictor)
    if isinstance(predictor, Linear):
        return _linear(graph, predictor, rows)
    if isinstance(predictor, CatBoost):
        return catboost(graph, predictor, rows.dense(graph), levels)
    if type(predictor) not in PREDICTORS:
        raise cannot(
            f"the model {shorten(name)}, an estimator that was added, whose inside is not known",
            "Fit without it: name the others in `models`; or serve the model itself.",
        )
    return PREDICTORS[type(predictor)](graph, predictor, rows.dense(graph))


def _linear(graph: Graph, model: Linear, rows: Rows) -> str:
    raw = graph.op("Add", rows.times(graph, model.weights), graph.constant(model.intercept))
    return graph.clip(raw, model.low, model.high)


def _network(graph: Graph, model: Network, rows: str) -> str:
    layer, layers = rows, model.layers()
    for place, (weights, biases) in enumerate(layers):
        layer = graph.op("Add", graph.op("MatMul", layer, graph.constant(weights)), graph.constant(biases))
        if place < len(layers) - 1:
            layer = graph.op("Mul", layer, graph.op("Sigmoid", layer))
    return layer


def _kernel(graph: Graph, model: KernelMachine, rows: str) -> str:
    cells = graph.op("Mul", rows, graph.constant(model.scales))
    stored = model.stored.astype(np.float64)
    lengths = graph.sum(graph.op("Mul", cells, cells), 1, keep=True)
    cross = graph.op("MatMul", cells, graph.constant(-2.0 * stored.T))
    squares = graph.op("Add", graph.op("Add", lengths, graph.constant((stored**2).sum(axis=1))), cross)
    near = graph.op("Exp", graph.op("Mul", graph.op("Max", squares, graph.constant(0.0)), graph.constant(-0.5)))
    return graph.op("Add", graph.op("MatMul", near, graph.constant(model.weights)), graph.constant(model.intercept))


def _naive_bayes(graph: Graph, model: NaiveBayes, rows: str) -> str:
    numbers, total = len(model.means), graph.constant(model.prior)
    if numbers:
        cells = graph.op("Unsqueeze", graph.slice(rows, 0, numbers, axis=1), graph.places([2]))
        off = graph.op("Sub", cells, graph.constant(model.means))
        spread = graph.constant(-0.5 * np.log(2 * np.pi * model.variances))
        half = graph.op("Mul", graph.op("Mul", off, off), graph.constant(0.5))
        logs = graph.op("Sub", spread, graph.op("Div", half, graph.constant(model.variances)))
        logs = graph.op("Sub", logs, graph.op("ReduceMax", logs, graph.places([2])))
        total = graph.op("Add", total, graph.sum(graph.where(graph.op("IsNaN", logs), graph.constant(0.0), logs), 1))
    sizes = np.diff(model.offsets)
    if not len(sizes):
        return total
    codes = graph.slice(rows, numbers, None, axis=1)
    known = graph.op("GreaterOrEqual", codes, graph.constant(0.0))
    known = graph.op("And", known, graph.op("Less", codes, graph.constant(sizes)))
    codes = graph.cast(graph.where(known, codes, graph.constant(0.0)), np.int64)
    place = graph.op("Add", codes, graph.places(model.offsets[:-1]))
    # A last row of zeros is that of cells that say nothing.
    place = graph.where(known, place, graph.places(len(model.table)))
    table = np.vstack([model.table, np.zeros((1, len(model.prior)))])
    return graph.op("Add", total, graph.sum(graph.op("Gather", graph.constant(table), place, axis=0), 1))


def _neighbors(graph: Graph, model: Neighbors, rows: str) -> str:
    """Distances are summed column by column, as equal rows have to be equally far to the last bit."""
    cells = graph.cast(graph.cast(rows, np.float32), np.float64)
    squares = graph.constant(np.zeros(len(model.stored)))
    for column, stored in enumerate(model.stored.T.astype(np.float64)):
        off = graph.op("Sub", graph.columns(cells, [column]), graph.constant(stored))
        squares = graph.op("Add", squares, graph.op("Mul", off, off))
    nearest, places = graph.ops("TopK", squares, graph.places([model.count]), outputs=2, largest=0, axis=1)
    distances = graph.op("Max", graph.op("Sqrt", nearest), graph.constant(LEAST_DISTANCE))
    weights = graph.op("Div", graph.op("Gather", graph.constant(model.mass), places), distances)
    total = graph.op("Max", graph.sum(weights, 1, keep=True), graph.constant(LEAST_MASS))
    if not len(model.prior):
        said = graph.op("Gather", graph.constant(model.targets), places)
        return graph.op("Div", graph.sum(graph.op("Mul", weights, said), 1, keep=True), total)
    classes = np.eye(len(model.prior))[model.targets.astype(np.int64)]
    votes = graph.op("Gather", graph.constant(classes), places, axis=0)
    votes = graph.sum(graph.op("Mul", votes, graph.op("Unsqueeze", weights, graph.places([2]))), 1)
    votes = graph.op("Mul", graph.op("Div", votes, total), graph.constant(float(model.count)))
    return graph.op("Div", graph.op("Add", votes, graph.constant(model.prior)), graph.constant(model.count + 1.0))


PREDICTORS: Final[dict[type[Any], Callable[..., str]]] = {
    Network: _network,
    KernelMachine: _kernel,
    NaiveBayes: _naive_bayes,
    Neighbors: _neighbors,
    Forest: trees.forest,
    Boosted: trees.boosted,
    LightGbm: trees.lightgbm,
}


def width_of(predictor: Any) -> int:
    """The number of raw outputs."""
    match predictor:
        case LightGbm() | CatBoost():
            return predictor.outputs
        case Boosted():
            return len(predictor.base)
        case Forest():
            return int(predictor.values.shape[1])
        case NaiveBayes():
            return len(predictor.prior)
        case Neighbors():
            return max(1, len(predictor.prior))
        case Network():
            return int(predictor.widths[-1])
        case _:
            return int(predictor.weights.shape[1])
