"""The inputs of an exported model: one for each column, or part of a date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl_runtime.errors import shorten
from automl_runtime.features.dates import DATE_PARTS
from automl_runtime.inference.encoding import MISSING, UNSEEN, Column, Encoded, Encoder
from automl_runtime.inference.exporting.graph import TREES, Graph, cannot

__all__ = ["Columns", "feeds", "missing_word", "read_columns"]

_HUGE = 1e30
_NO_WORDS = ("", "<missing>", "<missing value>")


@dataclass(frozen=True, slots=True)
class Columns:
    """Encoded rows as tensors: `numbers` rows x columns of double, `codes` rows x columns of int64."""

    numbers: str | None
    codes: str | None


def missing_word(column: Column) -> str:
    """What a missing category is called: the empty text, unless that is a category."""
    return next(word for word in (*_NO_WORDS, "\0" * 8) if word not in column.vocabulary)


def read_columns(graph: Graph, encoder: Encoder) -> Columns:
    """The inputs of `graph`, and what `Encoder.encode` makes of them.

    Numbers and booleans (0, 1) are double, NaN where missing; categories are text; a date is its parts, each a
    number, as `when.year`, `when.month`, ...

    Raises:
        RequestError: if a column is free text.
    """
    texts = [column.name for column in encoder.columns if column.kind == "text"]
    if texts:
        raise cannot(
            f"free text ({', '.join(shorten(name) for name in texts[:5])})", "Leave the column out, or make categories."
        )
    numbers, codes = [], []
    for column in encoder.columns:
        if column.kind == "category":
            codes.append(_codes(graph, column))
        else:
            numbers += [_finite(graph, graph.input(name, "double"), column) for name in _names(column)]
    return Columns(graph.concat(numbers) if numbers else None, graph.concat(codes) if codes else None)


def _names(column: Column) -> list[str]:
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


def feeds(encoder: Encoder, data: Encoded) -> dict[str, np.ndarray[Any, Any]]:
    """Encoded rows as the inputs of the exported model."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    number = code = 0
    for column in encoder.columns:
        if column.kind == "category":
            # Codes from -2: unseen, missing, then the vocabulary.
            unseen = "".join(map(str, column.vocabulary)) + missing_word(column) + "?"
            words = np.array([unseen, missing_word(column), *column.vocabulary], dtype=object)
            found[column.name] = words[data.codes[:, code] - UNSEEN].reshape(-1, 1)
            code += 1
        else:
            for name in _names(column):
                found[name] = data.numbers[:, number : number + 1]
                number += 1
    return found
