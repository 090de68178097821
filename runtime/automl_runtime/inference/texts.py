"""Texts as counts of hashed words and character n-grams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl_runtime.kernels.arrays import Sparse
from automl_runtime.kernels.ngrams import (
    character_class,
    hash_characters,
    hash_words,
    most_characters,
    most_words,
)

__all__ = ["BUCKETS", "LONGEST", "WORD_BUCKETS", "count_ngrams", "count_one", "lower"]

WORD_BUCKETS = 1 << 18
BUCKETS = 2 * WORD_BUCKETS
"""Words take the lower half of the buckets, character n-grams the upper half."""

LONGEST = 20_000
"""Characters of a text that are read."""
_CHUNK = 500_000


def count_ngrams(texts: Sequence[str], *, characters: bool = True) -> Sparse:
    """A CSR matrix (texts x `BUCKETS`, float32) of counts; only the first 20,000 characters of a text are read.

    Without `characters` the upper half of the buckets stays empty.
    """
    from scipy import sparse

    chunks, chunk, size = [], [], 0
    for text in texts:
        head = lower(text[:LONGEST])
        chunk.append(head)
        size += len(head)
        if size > _CHUNK:
            chunks.append(_count(chunk, characters))
            chunk, size = [], 0
    if chunk or not chunks:
        chunks.append(_count(chunk, characters))
    return sparse.vstack(chunks, format="csr")


def count_one(text: str, *, characters: bool = True) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The columns and the counts of the only row of `count_ngrams([text])`, columns ascending."""
    points = _points(lower(text[:LONGEST]))
    starts = np.array([0, len(points)], dtype=np.int64)
    parts = [_hashed(hash_words, points, starts, most_words(len(points), 1))[0]]
    if characters:
        parts.append(_hashed(hash_characters, points, starts, most_characters(len(points), 1))[0] + WORD_BUCKETS)
    buckets, counts = np.unique(np.concatenate(parts), return_counts=True)
    return buckets, counts.astype(np.float32)


def _points(text: str) -> NDArray[np.uint32]:
    # "surrogatepass": lone surrogates occur in broken text and must not break a fit.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def lower(text: str) -> str:
    """`text` in lower case, each character by itself: Python's `lower` makes two of one letter, and reads context.

    >>> lower("ΟΔΟΣ İ")
    'οδοσ i'
    """
    return text.replace("İ", "i").lower().replace("ς", "σ")


def _count(texts: list[str], with_characters: bool) -> Sparse:
    from scipy import sparse

    points = _points("".join(texts))
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in texts], out=starts[1:])
    words = _run(hash_words, points, starts, most_words(len(points), len(texts)))
    if not with_characters:
        words.resize(len(texts), BUCKETS)
        return words
    characters = _run(hash_characters, points, starts, most_characters(len(points), len(texts)))
    return sparse.hstack([words, characters], format="csr", dtype=np.float32)


def _run(kernel: Callable[..., None], points: NDArray[np.uint32], starts: NDArray[np.int64], room: int) -> Any:
    from scipy import sparse

    buckets, ends = _hashed(kernel, points, starts, room)
    indptr = np.concatenate([np.zeros(1, np.int64), ends])
    counts = sparse.csr_matrix((np.ones(len(buckets), np.float32), buckets, indptr), shape=(len(ends), WORD_BUCKETS))
    counts.sum_duplicates()
    return counts


def _hashed(
    kernel: Callable[..., None], points: NDArray[np.uint32], starts: NDArray[np.int64], room: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """What the kernel writes, and where the buckets of each text end."""
    buckets = np.empty(room, dtype=np.int32)
    ends = np.zeros(len(starts) - 1, dtype=np.int64)
    kernel(points, starts, character_class(), WORD_BUCKETS, buckets, ends)
    return buckets[: ends.max(initial=0)], ends
