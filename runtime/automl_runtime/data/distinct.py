"""The distinct cells of a column with their counts: everything about a column is decided on these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["ENOUGH", "Cells", "Distinct", "distinct_texts", "fold", "is_text", "one_array", "trimmed", "word_set"]

ENOUGH = 0.97
"""Share of the cells that must be of a type for the column to be of that type; the others are rejected."""

_MOST_DISTINCT = 0.5
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"
_SPACES = r"[\x{00A0}\x{1680}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}]"


@dataclass(frozen=True, slots=True)
class Distinct:
    """Distinct raw cells of a text column.

    `raw` holds them as they stand, `text` without surrounding white space (two of `raw` can share one `text`),
    `counts` how often each occurs, `codes` the place in `raw` of every row, -1 for null.
    """

    raw: pa.Array
    text: pa.Array
    counts: np.ndarray
    codes: np.ndarray

    def spread(self, values: pa.Array) -> pa.Array:
        """`values`, one per distinct cell, as one per row; null for null."""
        if len(self.raw) == 0:
            return pa.nulls(len(self.codes), values.type)
        return values.take(pa.array(self.codes, mask=self.codes < 0))

    def spread_mask(self, mask: np.ndarray) -> np.ndarray:
        """`mask`, one per distinct cell, as one per row; False for null."""
        rows = np.zeros(len(self.codes), dtype=bool)
        known = self.codes >= 0
        rows[known] = mask[self.codes[known]]
        return rows


@dataclass(frozen=True, slots=True)
class Cells:
    """Trimmed distinct cells that are not blank, and how often each occurs."""

    text: pa.Array
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.text)

    @property
    def rows(self) -> int:
        """Number of cells."""
        return int(self.counts.sum())

    def keep(self, mask: np.ndarray) -> Cells:
        """The cells where `mask` is true."""
        return Cells(self.text.filter(pa.array(mask)), self.counts[mask])

    def share(self, mask: np.ndarray) -> float:
        """Share of the cells where `mask` is true; 0 when there are none."""
        return float(self.counts[mask].sum() / self.counts.sum()) if len(self) else 0.0

    def enough(self, mask: np.ndarray) -> bool:
        """Whether `mask` is true for nearly all cells and for most distinct ones."""
        return len(self) > 0 and self.share(mask) >= ENOUGH and float(mask.mean()) >= _MOST_DISTINCT

    def matches(self, pattern: str) -> np.ndarray:
        """Which cells the RE2 `pattern` is found in."""
        return np.asarray(pc.match_substring_regex(self.text, pattern), dtype=bool)


def is_text(type_: pa.DataType) -> bool:
    """Whether cells of this Arrow type are text."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def one_array(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """`values` as one array without dictionary encoding."""
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return values


def trimmed(text: pa.Array) -> pa.Array:
    """`text` without surrounding white space and invisible marks; unusual spaces become plain ones."""
    text = pc.utf8_trim_whitespace(text)
    if pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        return text
    text = pc.utf8_trim(text, characters=_INVISIBLE)
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, _SPACES, " "))


def distinct_texts(values: pa.Array) -> Distinct:
    """The distinct cells of a text array."""
    encoded = pc.dictionary_encode(values.cast(pa.large_string()))
    raw = encoded.dictionary
    codes = np.asarray(encoded.indices.fill_null(-1))
    counts = np.bincount(codes[codes >= 0], minlength=len(raw)).astype(np.int64)
    return Distinct(raw, trimmed(raw), counts, codes)


def fold(text: str) -> str:
    """`text` as spellings are compared: case-folded, white space collapsed.

    >>> fold("  North  WEST ")
    'north west'
    """
    return " ".join(text.split()).casefold()


def word_set(words: str) -> frozenset[str]:
    """The words of a text, as a set.

    >>> sorted(word_set("no yes"))
    ['no', 'yes']
    """
    return frozenset(words.split())
