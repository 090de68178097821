"""Texts as ONNX nodes: characters, their statistics, and the hashes of words and n-grams as `kernels.ngrams` has them.

The characters come from the operator `Tokenizer` of ONNX Runtime, since the standard has none that takes a text apart;
all that follows is integer arithmetic of the standard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from automl_runtime.features.text import LONGEST as _COUNTED
from automl_runtime.inference.encoding import Column
from automl_runtime.inference.exporting.characters import LINKS, SPACE, WORD, Characters, characters
from automl_runtime.inference.exporting.graph import RUNTIME, TREES, Graph
from automl_runtime.inference.texts import LONGEST, WORD_BUCKETS
from automl_runtime.kernels.ngrams import FNV_MASK, FNV_OFFSET, FNV_PRIME, LONGEST_NGRAM, PAIR_FACTOR, PAIR_SHIFT

__all__ = ["Entries", "Grams", "read_texts", "weighed"]

_GUARD: Final = "."
"""A text of a row more than there are: without any character the tokenizer gives a tensor of fewer dimensions."""


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of a column of texts, one after the other: the row and the bucket of each; `rows` is their number."""

    places: str
    buckets: str
    rows: str


@dataclass(frozen=True, slots=True)
class Entries:
    """The cells of a matrix that are not 0: the row, the column and the value of each; `rows` is the number of rows."""

    places: str
    columns: str
    values: str
    rows: str
    width: int

    def dense(self, graph: Graph) -> str:
        """The matrix."""
        width = graph.places([self.width])
        flat = graph.op("Add", graph.op("Mul", self.places, width), self.columns)
        nothing = _zeros(graph, graph.op("Mul", self.rows, width))
        filled = graph.op("ScatterElements", nothing, flat, self.values, axis=0)
        return graph.op("Reshape", filled, graph.op("Concat", self.rows, width, axis=0))

    def times(self, graph: Graph, weights: Any) -> str:
        """The matrix times `weights` (columns x outputs)."""
        each = graph.op("Gather", graph.constant(weights), self.columns, axis=0)
        each = graph.op("Mul", each, graph.op("Unsqueeze", self.values, graph.places([1])))
        nothing = _zeros(graph, graph.op("Concat", self.rows, graph.places([weights.shape[1]]), axis=0))
        places = graph.op("Expand", graph.op("Unsqueeze", self.places, graph.places([1])), graph.op("Shape", each))
        # Not `ScatterND`: ONNX Runtime 1.32 adds to the same row from several threads at once, and loses sums.
        return graph.op("ScatterElements", nothing, places, each, axis=0, reduction="add")


def read_texts(graph: Graph, columns: list[Column]) -> tuple[list[str], list[Grams]]:
    """For each column of texts its statistics (rows x `TEXT_STATISTICS`) and its n-grams."""
    if not columns:
        return [], []
    table = characters()
    texts = graph.concat([graph.input(column.name, "string") for column in columns])
    guard = graph.constant([[_GUARD] * len(columns)], object)
    guarded = graph.op("Concat", texts, guard, axis=0)
    cells = graph.op("Tokenizer", guarded, domain=RUNTIME, mark=0, mincharnum=1, pad_value="", separators=[""])
    other = len(table.known)
    coded = graph.op(
        "LabelEncoder",
        cells,
        domain=TREES,
        keys_strings=[*table.known, ""],
        values_int64s=[*range(other), other + 1],
        default_int64=other,
    )
    coded = graph.slice(coded, 0, -1)
    read = [graph.op("Gather", coded, graph.places(place), axis=1) for place in range(len(columns))]
    return (
        [_statistics(graph, table, each) for each in read],
        [_grams(graph, table, each, column) for each, column in zip(read, columns, strict=True)],
    )


def _statistics(graph: Graph, table: Characters, coded: str) -> str:
    """See `features.text.text_statistics`."""
    length = graph.sum(graph.cast(_is_there(graph, table, coded), np.float64), 1, keep=True)
    head = graph.slice(coded, 0, _COUNTED, axis=1)
    counted = graph.sum(graph.cast(graph.op("Gather", graph.constant(table.counted, np.uint8), head), np.float32), 1)
    digits, capitals, letters, currency, exclamation, question = (
        graph.columns(graph.cast(counted, np.float64), [place]) for place in range(table.counted.shape[1])
    )
    share = graph.op("Div", capitals, graph.op("Max", letters, graph.constant(1.0)))
    blank = _framed(graph, graph.op("Gather", graph.constant(table.blank, np.bool_), head), True, 1, 0)
    starts = graph.op("And", graph.slice(blank, 0, -1, axis=1), graph.op("Not", graph.slice(blank, 1, None, axis=1)))
    words = graph.sum(graph.cast(starts, np.float64), 1, keep=True)
    linked = _looked_up(graph, table.linked, head)
    found = graph.concat([length, words, digits, share, exclamation, question, currency, _links(graph, linked)])
    return graph.where(graph.op("Greater", length, graph.constant(0.0)), found, graph.constant(np.nan))


def _links(graph: Graph, linked: str) -> str:
    """How often one of `LINKS` begins."""
    longest = max(map(len, LINKS))
    framed = _framed(graph, linked, 0, 0, longest)
    total = graph.constant(0.0)
    for link in LINKS:
        found = graph.constant(True, np.bool_)
        for place, char in enumerate(link):
            here = graph.slice(framed, place, place - longest, axis=1)
            found = graph.op("And", found, graph.op("Equal", here, graph.places(ord(char))))
        total = graph.op("Add", total, graph.sum(graph.cast(found, np.float64), 1, keep=True))
    return total


def _grams(graph: Graph, table: Characters, coded: str, column: Column) -> Grams:
    head = graph.slice(coded, 0, LONGEST, axis=1)
    points = _framed(graph, _looked_up(graph, table.points, head), ord(" "), 1, LONGEST_NGRAM)
    classes = _framed(graph, _looked_up(graph, table.classes, head), SPACE, 1, LONGEST_NGRAM)
    found = _words(graph, points, classes)
    if column.characters:
        found += _ngrams(graph, points, classes)
    places, buckets = (graph.op("Concat", *parts, axis=0) for parts in zip(*found, strict=True))
    return Grams(places, buckets, graph.count(coded))


def _words(graph: Graph, points: str, classes: str) -> list[tuple[str, str]]:
    """Rows and buckets of words, and of pairs of neighbours."""
    inside = graph.op("Equal", classes, graph.places(WORD))
    now, before = graph.slice(inside, 1, None, axis=1), graph.slice(inside, 0, -1, axis=1)
    starts = graph.op("NonZero", graph.op("And", now, graph.op("Not", before)))
    ends = graph.op("NonZero", graph.op("And", before, graph.op("Not", now)))
    rows, first = (graph.op("Gather", starts, graph.places(place), axis=0) for place in range(2))
    lengths = graph.op("Sub", graph.op("Gather", ends, graph.places(1), axis=0), first)
    width = graph.count(points, 1)
    # One more for the cell before the text, which `now` does not have.
    cells = graph.op("Add", graph.op("Mul", rows, width), graph.op("Add", first, graph.places([1])))
    flat = graph.op("Reshape", points, graph.places([-1]))
    words = _hashed_words(graph, flat, cells, lengths)
    return [(rows, _bucket(graph, words)), _word_pairs(graph, rows, words)]


def _hashed_words(graph: Graph, flat: str, cells: str, lengths: str) -> str:
    longest = graph.op("ReduceMax", graph.op("Concat", lengths, graph.places([0]), axis=0), keepdims=0)

    def step(number: str, state: str) -> str:
        goes_on = graph.op("Less", number, lengths)
        # Those that have ended read their first character again.
        place = graph.op("Add", cells, graph.where(goes_on, number, graph.places(0)))
        return graph.where(goes_on, _hashed(graph, state, graph.op("Gather", flat, place)), state)

    begun = graph.op("Expand", graph.places([FNV_OFFSET]), graph.count(cells))
    return graph.repeat(longest, begun, step)


def _word_pairs(graph: Graph, rows: str, words: str) -> tuple[str, str]:
    here, there = graph.slice(rows, 0, -1), graph.slice(rows, 1, None)
    same = graph.op("Equal", here, there)
    left = graph.op("Mul", graph.slice(words, 0, -1), graph.places(PAIR_FACTOR))
    left = graph.op("BitwiseAnd", graph.op("Add", left, graph.places(PAIR_SHIFT)), graph.places(FNV_MASK))
    pairs = _bucket(graph, _hashed(graph, left, graph.slice(words, 1, None)))
    return graph.op("Compress", here, same, axis=0), graph.op("Compress", pairs, same, axis=0)


def _ngrams(graph: Graph, points: str, classes: str) -> list[tuple[str, str]]:
    """Rows and buckets of n-grams of characters: from a blank or a character on, over characters alone, to either."""
    solid = graph.op("Not", graph.op("Equal", classes, graph.places(SPACE)))

    def shifted(tensor: str, by: int) -> str:
        return graph.slice(tensor, by, by - LONGEST_NGRAM, axis=1)

    value = _hashed(graph, graph.places(FNV_OFFSET), shifted(points, 0))
    inner, found = shifted(solid, 1), []
    for last in range(1, LONGEST_NGRAM):
        value = _hashed(graph, value, shifted(points, last))
        if last == 1:
            valid = graph.op("Or", shifted(solid, 0), shifted(solid, 1))
        else:
            inner = inner if last == 2 else graph.op("And", inner, shifted(solid, last - 1))
            valid = inner
        places = graph.op("NonZero", valid)
        buckets = graph.op("GatherND", value, graph.op("Transpose", places, perm=[1, 0]))
        upper = graph.op("Add", _bucket(graph, buckets), graph.places(WORD_BUCKETS))
        found.append((graph.op("Gather", places, graph.places(0), axis=0), upper))
    return found


def _hashed(graph: Graph, value: str, point: str) -> str:
    mixed = graph.op("Mul", graph.op("BitwiseXor", value, point), graph.places(FNV_PRIME))
    return graph.op("BitwiseAnd", mixed, graph.places(FNV_MASK))


def _bucket(graph: Graph, values: str) -> str:
    return graph.op("Mod", values, graph.places(WORD_BUCKETS))


def _looked_up(graph: Graph, table: Any, coded: str) -> str:
    return graph.cast(graph.op("Gather", graph.constant(table, table.dtype), coded), np.int64)


def _framed(graph: Graph, tensor: str, value: Any, before: int, behind: int) -> str:
    """With columns of `value` on both sides."""
    kind = np.bool_ if isinstance(value, bool) else np.int64
    rows = graph.count(tensor)
    parts = [
        graph.op("Expand", graph.constant([[value]], kind), graph.op("Concat", rows, graph.places([width]), axis=0))
        for width in (before, behind)
    ]
    return graph.concat([parts[0], tensor, parts[1]])


def _is_there(graph: Graph, table: Characters, coded: str) -> str:
    return graph.op("Not", graph.op("Equal", coded, graph.places(len(table.known) + 1)))


def weighed(graph: Graph, grams: Grams, buckets: Any, weights: Any) -> Entries:
    """See `blocks.weigh`."""
    number = len(buckets)
    columns = graph.op(
        "LabelEncoder",
        grams.buckets,
        domain=TREES,
        keys_int64s=buckets.tolist(),
        values_int64s=list(range(number)),
        default_int64=-1,
    )
    known = graph.op("GreaterOrEqual", columns, graph.places(0))
    width = graph.places(number)
    cells = graph.op("Add", graph.op("Mul", grams.places, width), columns)
    found, _, _, counts = graph.ops("Unique", graph.op("Compress", cells, known, axis=0), outputs=4, sorted=1)
    places, columns = graph.op("Div", found, width), graph.op("Mod", found, width)
    logs = graph.op("Add", graph.op("Log", graph.cast(counts, np.float64)), graph.constant(1.0))
    values = graph.op("Mul", logs, graph.op("Gather", graph.constant(weights), columns))
    # Words and n-grams of characters have a length of their own.
    half = graph.op("Gather", graph.places(np.asarray(buckets) >= WORD_BUCKETS), columns)
    group = graph.op("Add", graph.op("Mul", places, graph.places(2)), half)
    nothing = _zeros(graph, graph.op("Mul", grams.rows, graph.places([2])))
    squares = graph.op("ScatterElements", nothing, group, graph.op("Mul", values, values), axis=0, reduction="add")
    length = graph.op("Sqrt", graph.op("Gather", squares, group))
    return Entries(places, columns, graph.op("Div", values, length), grams.rows, number)


def _zeros(graph: Graph, shape: str) -> str:
    return graph.op("ConstantOfShape", shape, value=graph.array(np.zeros(1)))
