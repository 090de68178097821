"""Statistics of texts, one row at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from automl_runtime.kernels.arrays import Floats

__all__ = [
    "CAPITAL",
    "CURRENCY",
    "DIGIT",
    "LETTER",
    "LONGEST",
    "TEXT_STATISTICS",
    "add_text_statistics",
    "text_statistics",
]

TEXT_STATISTICS = ("length", "words", "digits", "capitals", "exclamation", "question", "currency", "links")
"""Counts, but for `capitals`, which is their share of the letters."""

DIGIT = re.compile(r"\d")
CAPITAL = re.compile(r"[^\W\d_a-zß-öø-ÿ]")
LETTER = re.compile(r"[^\W\d_]")
CURRENCY = re.compile("[$£€¥₹]")
LONGEST = 20_000
"""Characters of a text that are looked at, but for its length."""
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


def text_statistics(texts: Sequence[str | None]) -> Floats:
    """An array (texts x `TEXT_STATISTICS`), NaN for a missing text; only the first 20,000 characters are read.

    >>> text_statistics(["WIN 100!"])[0].tolist()
    [8.0, 2.0, 3.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    """
    result = np.full((len(texts), len(TEXT_STATISTICS)), np.nan)
    for row, text in enumerate(texts):
        if text is None:
            continue
        head = text[:LONGEST]
        letters = len(LETTER.findall(head))
        result[row] = (
            len(text),
            len(head.split()),
            len(DIGIT.findall(head)),
            len(CAPITAL.findall(head)) / letters if letters else 0.0,
            head.count("!"),
            head.count("?"),
            len(CURRENCY.findall(head)),
            len(_LINK.findall(head)),
        )
    return result


def add_text_statistics(features: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """`features` with `<column>.length` and so on for each text column of `rows`; neither frame is changed.

    Every row is looked at alone, so that the result does not depend on the others.
    """
    parts = [features]
    for column in columns:
        values = rows[column]
        texts = [None if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)]
        names = [f"{column}.{name}" for name in TEXT_STATISTICS]
        parts.append(pd.DataFrame(text_statistics(texts), columns=names, index=rows.index))
    return pd.concat(parts, axis=1)
