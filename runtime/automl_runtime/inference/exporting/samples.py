"""Rows on which an exported model is compared with the model itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from automl_runtime.features.text import TEXT_STATISTICS, text_statistics
from automl_runtime.inference.encoding import UNSEEN, Encoded, Encoder, to_texts
from automl_runtime.inference.exporting.columns import input_names, missing_word
from automl_runtime.inference.texts import count_ngrams

__all__ = ["Sample", "feeds", "made_texts", "sample_of"]

_WORDS: Final = (
    "Win",
    "100",
    "the",
    "of",
    "a",
    "I",
    "NOW!",
    "https://x.de",
    "WWW.y.org",
    "£5",
    "3,50",
    "why?",
    "don't",
)
_SIGNS: Final = list("abcdeghinorstuABEST0127-_.éßÄİΣςжЯ数語ſ😀")
_BLANKS: Final = (" ", "  ", "\t", "\n", "\u00a0", "\x1f")
_MOST_WORDS: Final = 40
_MOST_CHARACTERS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Encoded rows and, for each column of texts, the texts themselves, None where missing."""

    data: Encoded
    texts: tuple[list[str | None], ...]


def sample_of(encoder: Encoder, frame: pd.DataFrame) -> Sample:
    """The rows of `frame`."""
    frame = frame.set_axis(frame.columns.map(str), axis=1)
    # Lone surrogates are no text that could be handed to a runtime.
    texts = {
        name: [None if text is None else text.encode("utf-8", "replace").decode() for text in to_texts(frame[name])]
        for name in encoder.text_owners
        if name in frame
    }
    spelled = {name: pd.Series(cells, index=frame.index, dtype=object) for name, cells in texts.items()}
    return Sample(encoder.encode(frame.assign(**spelled)), tuple(texts.values()))


def made_texts(encoder: Encoder, data: Encoded) -> Sample:
    """The rows with made texts in place of those of which only counts were kept; every eighth is missing."""
    random = np.random.default_rng(0)
    texts = tuple([_made(random) for _ in range(len(data))] for _ in encoder.text_owners)
    numbers = data.numbers.copy()
    for name, cells in zip(encoder.text_owners, texts, strict=True):
        numbers[:, [owner == name for owner in encoder.number_owners]] = text_statistics(cells)
    counts = tuple(
        count_ngrams([text or "" for text in cells], characters=column.characters)
        for column, cells in zip((each for each in encoder.columns if each.kind == "text"), texts, strict=True)
    )
    return Sample(replace(data, numbers=numbers, texts=counts), texts)


def _made(random: np.random.Generator) -> str | None:
    if random.random() < 0.125:
        return None
    words = [
        str(random.choice(_WORDS)) if random.random() < 0.5 else "".join(random.choice(_SIGNS, random.integers(1, 9)))
        for _ in range(random.integers(1, _MOST_WORDS))
    ]
    return "".join(word + str(random.choice(_BLANKS)) for word in words)


def feeds(encoder: Encoder, sample: Sample) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    """The rows as the inputs of the exported model, in batches: it pads the texts of each to the longest."""
    cells = _cells(encoder, sample)
    longest = max((len(text or "") for texts in sample.texts for text in texts), default=0)
    size = max(1, _MOST_CHARACTERS // (longest + 1))
    for first in range(0, max(1, len(sample.data)), size):
        yield {name: values[first : first + size] for name, values in cells.items()}


def _cells(encoder: Encoder, sample: Sample) -> dict[str, np.ndarray[Any, Any]]:
    data, texts = sample.data, iter(sample.texts)
    found: dict[str, np.ndarray[Any, Any]] = {}
    number = code = 0
    for column in encoder.columns:
        if column.kind == "category":
            # Codes from -2: unseen, missing, then the vocabulary.
            unseen = "".join(map(str, column.vocabulary)) + missing_word(column) + "?"
            words = np.array([unseen, missing_word(column), *column.vocabulary], dtype=object)
            found[column.name] = words[data.codes[:, code] - UNSEEN].reshape(-1, 1)
            code += 1
        elif column.kind == "text":
            found[column.name] = np.array([text or "" for text in next(texts)], dtype=object).reshape(-1, 1)
            number += len(TEXT_STATISTICS)
        else:
            for name in input_names(column):
                found[name] = data.numbers[:, number : number + 1]
                number += 1
    return found
