"""The inputs of an exported model: one for each column, or part of a date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.errors import shorten
from automl_runtime.features.dates import DATE_PARTS
from automl_runtime.inference.encoding import MISSING, UNSEEN, Column, Encoder
from automl_runtime.inference.exporting.graph import TREES, Graph, cannot
from automl_runtime.inference.exporting.texts import Grams, read_texts

__all__ = ["Columns", "input_names", "missing_word", "read_columns"]

_HUGE = 1e30
_NO_WORDS = ("", "<missing>", "<missing value>")


@dataclass(frozen=True, slots=True)
class Columns:
    """Encoded rows as tensors: `numbers` (rows x columns) double, `codes` (rows x columns) int64; n-grams of texts."""

    numbers: str | None
    codes: str | None
    texts: tuple[Grams, ...]


def missing_word(column: Column) -> str:
    """What a missing category is called: the empty text, unless that is a category."""
    return next(word for word in (*_NO_WORDS, "\0" * 8) if word not in column.vocabulary)


def read_columns(graph: Graph, encoder: Encoder) -> Columns:
    """The inputs of `graph`, and what `Encoder.encode` makes of them.

    Numbers and booleans (0, 1) are double, NaN where missing; categories and texts are text; a date is its parts, each
    a number, as `when.year`, `when.month`, ...

    Raises:
        RequestError: if a column holds pictures, or texts whose words are read in their order.
    """
    if encoder.image_owners:
        raise cannot(
            f"pictures ({', '.join(map(shorten, encoder.image_owners[:5]))})",
            "Nothing in ONNX Runtime reads the files of pictures: fit without the column, or serve the model itself.",
        )
    if encoder.raw_owners:
        raise cannot(
            f"networks that read words in their order ({', '.join(map(shorten, encoder.raw_owners[:5]))})",
            "Fit without transformer and lstm: name the others in `models`; or serve the model itself.",
        )
    statistics, grams = read_texts(graph, [column for column in encoder.columns if column.kind == "text"])
    numbers, codes, counted = [], [], iter(statistics)
    for column in encoder.columns:
        if column.kind == "category":
            codes.append(_codes(graph, column))
        elif column.kind == "text":
            numbers.append(next(counted))
        else:
            numbers += [_finite(graph, graph.input(name, "double"), column) for name in input_names(column)]
    return Columns(graph.concat(numbers) if numbers else None, graph.concat(codes) if codes else None, tuple(grams))


def input_names(column: Column) -> list[str]:
    """What the inputs of a column are called."""
    return [f"{column.name}.{part}" for part in DATE_PARTS] if column.kind == "date" else [column.name]


def _codes(graph: Graph, column: Column) -> str:
    words = [*column.vocabulary, missing_word(column)]
    return graph.op(
        "LabelEncoder",
        graph.input(column.name, "string"),
        domain=TREES,
        keys_strings=words,
        values_int64s=[*range(len(column.vocabulary)), MISSING],
        default_int64=UNSEEN,
    )


def _finite(graph: Graph, value: str, column: Column) -> str:
    # Not `Clip`: what it does with NaN differs between runtimes.
    high = graph.where(graph.op("Greater", value, graph.constant(_HUGE)), graph.constant(_HUGE), value)
    held = graph.where(graph.op("Less", high, graph.constant(-_HUGE)), graph.constant(-_HUGE), high)
    return graph.where(graph.op("IsInf", value), value if column.infinite else graph.constant(np.nan), held)
