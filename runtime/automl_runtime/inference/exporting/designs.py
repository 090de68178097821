"""The steps and blocks of a design as ONNX nodes; see `inference.steps` and `inference.blocks` for what each does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from automl_runtime.errors import shorten
from automl_runtime.inference import blocks, steps
from automl_runtime.inference.encoding import MISSING, UNSEEN, Encoded
from automl_runtime.inference.exporting.columns import Columns
from automl_runtime.inference.exporting.graph import TREES, Graph, cannot
from automl_runtime.inference.exporting.texts import Entries, weighed
from automl_runtime.inference.foreign import ForeignStep
from automl_runtime.inference.groups import GROUP_STATISTICS, CrossedMeans, Grouped
from automl_runtime.inference.parts import Design

__all__ = ["Rows", "design_matrix"]

_LARGEST = 1e30
_LARGEST_SCORE = 10.0


@dataclass(frozen=True, slots=True)
class Rows:
    """The matrix of a design in parts side by side, each a tensor (rows x columns) or its cells that are not 0.

    `starts` are the first column of each part, and the number of all columns.
    """

    parts: tuple[str | Entries, ...]
    starts: tuple[int, ...]

    def dense(self, graph: Graph) -> str:
        """The matrix: rows x columns of double."""
        return graph.concat([part if isinstance(part, str) else part.dense(graph) for part in self.parts])

    def times(self, graph: Graph, weights: Any) -> str:
        """The matrix times `weights` (columns x outputs); what is sparse stays so."""
        sums = []
        for part, first, last in zip(self.parts, self.starts, self.starts[1:], strict=False):
            if isinstance(part, str):
                sums.append(graph.op("MatMul", part, graph.constant(weights[first:last])))
            else:
                sums.append(part.times(graph, weights[first:last]))
        return sums[0] if len(sums) == 1 else graph.op("Sum", *sums)


def design_matrix(graph: Graph, design: Design, columns: Columns, blank: Encoded) -> Rows:
    """The matrix of `design`; `blank` is a row, by which the parts are measured.

    Raises:
        RequestError: naming a step or block that ONNX cannot express.
    """
    for step in design.steps:
        columns, blank = _written(_STEPS, step)(graph, step, columns), step.apply(blank)
    parts = [_written(_BLOCKS, block)(graph, block, columns) for block in design.blocks]
    widths = [block.transform(blank).shape[1] for block in design.blocks]
    return Rows(tuple(parts), (0, *np.cumsum(widths).tolist()))


def _written(known: dict[type[Any], Callable[..., Any]], part: Any) -> Callable[..., Any]:
    if isinstance(part, ForeignStep):
        raise cannot(
            f"the transformer {shorten(part.name)} that was added, whose inside is not known",
            "Fit without it: leave it out of `preprocessing.custom`; or serve the model itself.",
        )
    return known[type(part)]


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
    marked = graph.op("ReduceMax", every, graph.places([1]), keepdims=0)
    return graph.cast(graph.columns(marked, np.arange(block.width)), np.float64)


def _target_means(graph: Graph, block: blocks.TargetMeans, columns: Columns) -> str:
    cells = graph.op("Gather", graph.constant(block.table), _places(graph, block, columns), axis=0)
    width = len(block.columns) * block.table.shape[1]
    return graph.op("Reshape", cells, graph.places([-1, width]))


def _crossed_means(graph: Graph, block: CrossedMeans, columns: Columns) -> str:
    assert columns.codes is not None
    found = []
    for pair, (first, last) in enumerate(zip(block.starts.tolist(), block.starts[1:].tolist(), strict=False)):
        left, right = (
            graph.op("Sub", graph.columns(columns.codes, [int(side[pair])]), graph.places(UNSEEN))
            for side in (block.left, block.right)
        )
        place = graph.op(
            "LabelEncoder",
            graph.op("Add", graph.op("Mul", left, graph.places(block.widths[pair])), right),
            domain=TREES,
            keys_int64s=block.keys[first:last].tolist(),
            values_int64s=list(range(first, last)),
            default_int64=len(block.keys),
        )
        cells = graph.op("Gather", graph.constant(block.table), place, axis=0)
        found.append(graph.op("Reshape", cells, graph.places([-1, block.table.shape[1]])))
    return graph.concat(found)


def _grouped(graph: Graph, block: Grouped, columns: Columns) -> str:
    assert columns.codes is not None
    pairs, names = np.divmod(block.kept, len(GROUP_STATISTICS))
    found = []
    for pair, name in zip(pairs.tolist(), names.tolist(), strict=True):
        code = graph.columns(columns.codes, [int(block.categories[pair])])
        level = graph.op("Add", code, graph.places(int(block.offsets[pair]) - UNSEEN))
        values = _numbers(graph, columns, [int(block.numbers[pair])])
        found.append(_statistic(graph, block, GROUP_STATISTICS[name], level, values))
    together = graph.concat(found)
    return graph.where(graph.op("IsInf", together), graph.constant(np.nan), together)


def _statistic(graph: Graph, block: Grouped, name: str, level: str, values: str) -> str:
    if name == "spread":
        return graph.op("Gather", graph.constant(block.spreads), level, axis=0)
    if name == "rank":
        edges = graph.op("Gather", graph.constant(block.edges), level, axis=0)
        edges = graph.op("Reshape", edges, graph.places([-1, block.edges.shape[1]]))
        passed = [graph.cast(graph.op(kind, edges, values), np.float64) for kind in ("Less", "LessOrEqual")]
        ranks = graph.op(
            "Div", graph.sum(graph.op("Add", *passed), 1, keep=True), graph.constant(2.0 * block.edges.shape[1])
        )
        return graph.where(graph.op("IsNaN", values), values, ranks)
    means = graph.op("Gather", graph.constant(block.means), level, axis=0)
    if name == "mean":
        return means
    if name == "difference":
        return graph.op("Sub", values, means)
    zero = graph.op("Equal", means, graph.constant(0.0))
    return graph.op("Div", values, graph.where(zero, graph.constant(np.nan), means))


def _words(graph: Graph, block: blocks.Words, columns: Columns) -> Entries:
    return weighed(graph, columns.texts[block.text], block.buckets, block.weights)


def _topics(graph: Graph, block: blocks.Topics, columns: Columns) -> str:
    found = weighed(graph, columns.texts[block.text], block.buckets, block.weights)
    return found.times(graph, block.components.astype(np.float64))


_BLOCKS: Final[dict[type[Any], Callable[..., str | Entries]]] = {
    CrossedMeans: _crossed_means,
    Grouped: _grouped,
    blocks.Words: _words,
    blocks.Topics: _topics,
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
    return replace(columns, numbers=numbers, codes=codes)


def _rescaled(graph: Graph, step: steps.Rescaled, columns: Columns) -> Columns:
    assert columns.numbers is not None
    centered = graph.op("Sub", columns.numbers, graph.constant(step.center))
    return replace(columns, numbers=graph.op("Div", centered, graph.constant(step.scale)))


def _logged(graph: Graph, step: steps.Logged, columns: Columns) -> Columns:
    del step
    assert columns.numbers is not None
    return replace(columns, numbers=_log1p_abs(graph, columns.numbers))


def _quantiles(graph: Graph, step: steps.Quantiles, columns: Columns) -> Columns:
    if columns.numbers is None:
        return columns
    found = [
        _shares(graph, graph.columns(columns.numbers, [place]), known) for place, known in enumerate(step.values.T)
    ]
    return replace(columns, numbers=graph.concat(found))


def _shares(graph: Graph, values: str, known: Any) -> str:
    """A column of rows x 1 between quantiles, from below and from above; see `steps.Quantiles`."""
    last = len(known) - 1
    shares, gaps = np.linspace(0, 1, len(known)), np.diff(known)
    slopes = np.divide(np.diff(shares), gaps, out=np.zeros(last), where=gaps > 0)
    inside = graph.clip(graph.where(graph.op("IsNaN", values), graph.constant(known[0]), values), known[0], known[-1])
    sides = []
    for kind, slope, shift in (("LessOrEqual", np.append(slopes, 0.0), -1), ("Less", np.insert(slopes, 0, 0.0), 0)):
        passed = graph.sum(graph.cast(graph.op(kind, graph.constant(known), inside), np.int64), 1, keep=True)
        place = graph.op("Add", passed, graph.places(shift))
        start, share, steep = (graph.op("Gather", graph.constant(each), place) for each in (known, shares, slope))
        sides.append(graph.op("Add", share, graph.op("Mul", graph.op("Sub", inside, start), steep)))
    found = graph.op("Mul", graph.op("Add", *sides), graph.constant(0.5))
    above = graph.op("Greater", values, graph.constant(known[-1] - steps.TINY))
    below = graph.op("Less", values, graph.constant(known[0] + steps.TINY))
    found = graph.where(below, graph.constant(0.0), graph.where(above, graph.constant(1.0), found))
    return graph.where(graph.op("IsNaN", values), values, found)


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
    return replace(columns, numbers=numbers, codes=codes)


_STEPS: Final[dict[type[Any], Callable[..., Columns]]] = {
    steps.Finite: _finite,
    steps.Bounded: _bounded,
    steps.Imputed: _imputed,
    steps.Rescaled: _rescaled,
    steps.Logged: _logged,
    steps.Powers: _powers,
    steps.Quantiles: _quantiles,
    steps.Selected: _selected,
}
