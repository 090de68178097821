"""The steps and blocks of a design as ONNX nodes; see `inference.steps` and `inference.blocks` for what each does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from automl_runtime.inference import blocks, steps
from automl_runtime.inference.encoding import MISSING, UNSEEN
from automl_runtime.inference.exporting.columns import Columns
from automl_runtime.inference.exporting.graph import Graph, cannot
from automl_runtime.inference.parts import Design

__all__ = ["design_matrix"]

_LARGEST = 1e30
_LARGEST_SCORE = 10.0


def design_matrix(graph: Graph, design: Design, columns: Columns) -> str:
    """The matrix of `design`: rows x columns of double.

    Raises:
        RequestError: naming a step or block that ONNX cannot express.
    """
    for step in design.steps:
        columns = _written(_STEPS, step, "step")(graph, step, columns)
    parts = [_written(_BLOCKS, block, "block")(graph, block, columns) for block in design.blocks]
    return graph.concat(parts)


def _written(known: dict[type[Any], Callable[..., Any]], part: Any, what: str) -> Callable[..., Any]:
    if type(part) not in known:
        raise cannot(f"the preprocessing {what} {_NAMES.get(type(part).__name__, type(part).__name__)}")
    return known[type(part)]


_NAMES: Final = {
    "Quantiles": "`scaling: quantile`",
    "ForeignStep": "of a transformer that was added",
    "Words": "over words of a text",
    "Topics": "over topics of a text",
}


def _numbers(graph: Graph, columns: Columns, places: Any) -> str:
    assert columns.numbers is not None
    return graph.columns(columns.numbers, places)


def _with_flags(graph: Graph, values: str, missing: str, flagged: Any) -> str:
    if not len(flagged):
        return values
    return graph.concat([values, graph.cast(graph.columns(missing, flagged), np.float64)])


def _log1p_abs(graph: Graph, values: str) -> str:
    """sign(x) log(1 + |x|)."""
    grown = graph.op("Log", graph.op("Add", graph.op("Abs", values), graph.constant(1.0)))
    return graph.op("Mul", graph.op("Sign", values), grown)


def _plain(graph: Graph, block: blocks.Numbers, columns: Columns) -> str:
    return _numbers(graph, columns, block.columns)


def _filled(graph: Graph, block: blocks.Filled, columns: Columns) -> str:
    values = _numbers(graph, columns, block.columns)
    missing = graph.op("IsNaN", values)
    return _with_flags(graph, graph.where(missing, graph.constant(block.fill), values), missing, block.flagged)


def _scaled(graph: Graph, block: blocks.Scaled, columns: Columns) -> str:
    values = _numbers(graph, columns, block.columns)
    missing = graph.op("IsNaN", values)
    values = graph.where(missing, graph.constant(block.fill), values)
    if block.logged.any():
        values = graph.where(graph.constant(block.logged, np.bool_), _log1p_abs(graph, values), values)
    centered = graph.op("Sub", values, graph.constant(block.center))
    scores = graph.clip(graph.op("Div", centered, graph.constant(block.scale)), -_LARGEST_SCORE, _LARGEST_SCORE)
    return _with_flags(graph, scores, missing, block.flagged)


def _pieces(graph: Graph, block: blocks.Pieces, columns: Columns) -> str:
    values = _numbers(graph, columns, block.columns)
    missing = graph.op("IsNaN", values)
    values = graph.where(missing, graph.constant(block.fill), values)
    owners, low, high = [], [], []
    for column, (first, last) in enumerate(zip(block.offsets, block.offsets[1:], strict=False)):
        owners += [column] * (last - 1 - first)
        low += block.edges[first : last - 1].tolist()
        high += block.edges[first + 1 : last].tolist()
    off = graph.op("Sub", graph.columns(values, owners), graph.constant(low))
    shares = graph.op("Div", off, graph.constant(np.array(high) - np.array(low)))
    return _with_flags(graph, graph.clip(shares, 0.0, 1.0), missing, block.flagged)


def _pairs(graph: Graph, block: blocks.Pairs, columns: Columns) -> str:
    left, right = _numbers(graph, columns, block.left), _numbers(graph, columns, block.right)
    nothing = graph.constant(np.nan)
    sums = graph.op(
        "Add",
        graph.op("Mul", left, graph.constant(block.first)),
        graph.op("Mul", right, graph.constant(block.second)),
    )
    divisor = graph.where(graph.op("Equal", right, graph.constant(0.0)), nothing, right)
    found = graph.where(graph.constant(block.ratio, np.bool_), graph.op("Div", left, divisor), sums)
    return graph.where(graph.op("IsInf", found), nothing, found)


def _cycles(graph: Graph, block: blocks.Cycles, columns: Columns) -> str:
    """Waves; of angles within one turn, for ONNX Runtime takes sines of single precision."""
    waves = []
    for first in block.dates:
        for part, period in blocks.PERIODS:
            turns = graph.op("Div", _numbers(graph, columns, [int(first) + part]), graph.constant(period))
            missing = graph.op("IsNaN", turns)
            turns = graph.op("Sub", turns, graph.op("Floor", turns))
            angles = graph.cast(graph.op("Mul", turns, graph.constant(2.0 * np.pi)), np.float32)
            for wave in ("Sin", "Cos"):
                values = graph.cast(graph.op(wave, angles), np.float64)
                waves.append(graph.where(missing, graph.constant(0.0), values))
    return graph.columns(graph.concat(waves), block.kept)


def _places(graph: Graph, block: Any, columns: Columns) -> str:
    assert columns.codes is not None
    codes = graph.columns(columns.codes, block.columns)
    return graph.op("Add", codes, graph.places(np.asarray(block.offsets[:-1], dtype=np.int64) - UNSEEN))


def _coded(graph: Graph, block: blocks.Codes, columns: Columns) -> str:
    return graph.op("Gather", graph.constant(block.table), _places(graph, block, columns), axis=0)


def _one_hot(graph: Graph, block: blocks.OneHot, columns: Columns) -> str:
    # One more column takes what has none: -1 would count from the end.
    table = np.where(block.table < 0, block.width, block.table)
    hot = graph.op("Gather", graph.places(table), _places(graph, block, columns), axis=0)
    ends = graph.constant([0.0, 1.0], np.float32)
    every = graph.op("OneHot", hot, graph.places(block.width + 1), ends, axis=-1)
    marked = graph.op("ReduceMax", every, axes=[1], keepdims=0)
    return graph.cast(graph.columns(marked, np.arange(block.width)), np.float64)


def _target_means(graph: Graph, block: blocks.TargetMeans, columns: Columns) -> str:
    cells = graph.op("Gather", graph.constant(block.table), _places(graph, block, columns), axis=0)
    width = len(block.columns) * block.table.shape[1]
    return graph.op("Reshape", cells, graph.places([-1, width]))


_BLOCKS: Final[dict[type[Any], Callable[..., str]]] = {
    blocks.Cycles: _cycles,
    blocks.Numbers: _plain,
    blocks.Filled: _filled,
    blocks.Scaled: _scaled,
    blocks.Pieces: _pieces,
    blocks.Pairs: _pairs,
    blocks.Codes: _coded,
    blocks.OneHot: _one_hot,
    blocks.TargetMeans: _target_means,
}


def _finite(graph: Graph, step: steps.Finite, columns: Columns) -> Columns:
    assert columns.numbers is not None
    upper = graph.op("IsInf", columns.numbers, detect_negative=0)
    values = graph.where(upper, graph.constant(step.high), columns.numbers)
    lower = graph.op("IsInf", values, detect_positive=0)
    return replace(columns, numbers=graph.where(lower, graph.constant(step.low), values))


def _bounded(graph: Graph, step: steps.Bounded, columns: Columns) -> Columns:
    values = columns.numbers
    assert values is not None
    values = graph.where(graph.op("Less", values, graph.constant(step.low)), graph.constant(step.below), values)
    above = graph.op("Greater", values, graph.constant(step.high))
    return replace(columns, numbers=graph.where(above, graph.constant(step.above), values))


def _imputed(graph: Graph, step: steps.Imputed, columns: Columns) -> Columns:
    numbers, codes = columns.numbers, columns.codes
    if numbers is not None:
        missing = graph.op("IsNaN", numbers)
        numbers = _with_flags(graph, graph.where(missing, graph.constant(step.fill), numbers), missing, step.flagged)
    if codes is not None:
        absent = graph.op("Equal", codes, graph.places(MISSING))
        codes = graph.where(absent, graph.places(step.codes), codes)
    return Columns(numbers, codes)


def _rescaled(graph: Graph, step: steps.Rescaled, columns: Columns) -> Columns:
    assert columns.numbers is not None
    centered = graph.op("Sub", columns.numbers, graph.constant(step.center))
    return replace(columns, numbers=graph.op("Div", centered, graph.constant(step.scale)))


def _logged(graph: Graph, step: steps.Logged, columns: Columns) -> Columns:
    del step
    assert columns.numbers is not None
    return replace(columns, numbers=_log1p_abs(graph, columns.numbers))


def _powers(graph: Graph, step: steps.Powers, columns: Columns) -> Columns:
    numbers = columns.numbers
    assert numbers is not None
    one, zero = graph.constant(1.0), graph.constant(0.0)

    def side(values: str, powers: Any, linear: Any) -> str:
        logs = graph.op("Log", graph.op("Add", graph.op("Max", values, zero), one))
        safe = graph.constant(np.where(linear, 1.0, powers))
        grown = graph.op("Div", graph.op("Sub", graph.op("Exp", graph.op("Mul", safe, logs)), one), safe)
        return graph.where(graph.constant(linear, np.bool_), logs, grown)

    right = side(numbers, step.exponents, step.exponents == 0)
    left = graph.op("Neg", side(graph.op("Neg", numbers), 2.0 - step.exponents, step.exponents == 2))
    raised = graph.where(graph.op("GreaterOrEqual", numbers, zero), right, left)
    raised = graph.where(graph.op("IsNaN", numbers), numbers, graph.clip(raised, -_LARGEST, _LARGEST))
    centered = graph.op("Sub", raised, graph.constant(step.center))
    return replace(columns, numbers=graph.op("Div", centered, graph.constant(step.scale)))


def _selected(graph: Graph, step: steps.Selected, columns: Columns) -> Columns:
    numbers = graph.columns(columns.numbers, step.numbers) if columns.numbers is not None else None
    codes = graph.columns(columns.codes, step.codes) if columns.codes is not None else None
    return Columns(numbers, codes)


_STEPS: Final[dict[type[Any], Callable[..., Columns]]] = {
    steps.Finite: _finite,
    steps.Bounded: _bounded,
    steps.Imputed: _imputed,
    steps.Rescaled: _rescaled,
    steps.Logged: _logged,
    steps.Powers: _powers,
    steps.Selected: _selected,
}
