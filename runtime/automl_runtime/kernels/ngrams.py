"""Hashes the words and character n-grams of texts into buckets.

Texts are arrays of Unicode code points, already lower-cased. Text `i` is `points[starts[i]:starts[i + 1]]`; its buckets
are written behind those of text `i - 1`, repeats included, and `ends[i]` says where they end. The hash is
FNV-1a over code points, 32 bit.

Words are runs of letters and digits; a word and a pair of neighbours give a bucket each. Character n-grams (2 to 5) are
taken inside runs without white space, padded with one blank on each side.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from automl_runtime.kernels.arrays import Ints
from automl_runtime.kernels.compiling import compiled

__all__ = [
    "FNV_MASK",
    "FNV_OFFSET",
    "FNV_PRIME",
    "LONGEST_NGRAM",
    "PAIR_FACTOR",
    "PAIR_SHIFT",
    "character_class",
    "hash_characters",
    "hash_characters_python",
    "hash_words",
    "hash_words_python",
    "most_characters",
    "most_words",
]

FNV_OFFSET = 2166136261
FNV_PRIME = 16777619
FNV_MASK = 0xFFFFFFFF
LONGEST_NGRAM = 5
PAIR_FACTOR, PAIR_SHIFT = 31, 7
"""What the hash of a word goes through before that of the next is mixed in, so that their order matters."""
_SHORTEST = 2
_SPACE, _OTHER, _WORD = 0, 1, 2
_LAST = 0xFFFF


@lru_cache(maxsize=1)
def character_class() -> NDArray[np.uint8]:
    """By code point: 0 for white space, 2 for letters and digits, else 1. The last entry is for all points above."""
    table = np.full(_LAST + 1, _OTHER, dtype=np.uint8)
    for point in range(_LAST):
        char = chr(point)
        table[point] = _WORD if char.isalnum() else _SPACE if char.isspace() or point < 32 else _OTHER
    table[_LAST] = _WORD
    return table


def most_words(points: int, texts: int) -> int:
    """An upper bound for what `hash_words` writes for `texts` texts with `points` code points in all."""
    return points + 2 * texts


def most_characters(points: int, texts: int) -> int:
    """An upper bound for what `hash_characters` writes."""
    return 2 * (points + texts) * (LONGEST_NGRAM - _SHORTEST + 1)


@compiled
def hash_words(points: Ints, starts: Ints, classes: Ints, size: int, buckets: Ints, ends: Ints) -> None:
    """Buckets (below `size`) of words and pairs. `points` uint32, `starts` and `ends` int64, `buckets` int32."""
    written = 0
    for text in range(starts.shape[0] - 1):
        word, before, inside = np.int64(FNV_OFFSET), np.int64(-1), False
        for i in range(starts[text], starts[text + 1] + 1):
            point = np.int64(points[i]) if i < starts[text + 1] else np.int64(32)
            if classes[min(int(point), _LAST)] == _WORD:
                word, inside = ((word ^ point) * FNV_PRIME) & FNV_MASK, True
            elif inside:
                buckets[written] = word % size
                written += 1
                if before >= 0:
                    buckets[written] = (((before ^ word) * FNV_PRIME) & FNV_MASK) % size
                    written += 1
                before = ((word * PAIR_FACTOR) + PAIR_SHIFT) & FNV_MASK
                word, inside = np.int64(FNV_OFFSET), False
        ends[text] = written


@compiled
def hash_characters(points: Ints, starts: Ints, classes: Ints, size: int, buckets: Ints, ends: Ints) -> None:
    """Buckets (below `size`) of character n-grams; types as in `hash_words`."""
    written = 0
    for text in range(starts.shape[0] - 1):
        first = starts[text]
        for i in range(starts[text], starts[text + 1] + 1):
            if i < starts[text + 1] and classes[min(int(points[i]), _LAST)] != _SPACE:
                continue
            # The run first..i-1, with a blank before and behind, when it is not empty.
            for left in range(first - 1, i if i > first else first - 1):
                value = np.int64(FNV_OFFSET)
                for right in range(left, min(left + LONGEST_NGRAM, i + 1)):
                    point = np.int64(points[right]) if first <= right < i else np.int64(32)
                    value = ((value ^ point) * FNV_PRIME) & FNV_MASK
                    if right > left:
                        buckets[written] = value % size
                        written += 1
            first = i + 1
        ends[text] = written


def hash_words_python(text: str, size: int) -> list[int]:
    """The twin of `hash_words` for one text; the order of the buckets differs."""
    classes = character_class()
    words = "".join(char if classes[min(ord(char), _LAST)] == _WORD else " " for char in text).split(" ")
    hashes = [_fnv(word) for word in words if word]
    pairs = [((((a * PAIR_FACTOR + PAIR_SHIFT) & FNV_MASK) ^ b) * FNV_PRIME) & FNV_MASK for a, b in pairwise(hashes)]
    return [value % size for value in hashes + pairs]


def hash_characters_python(text: str, size: int) -> list[int]:
    """The twin of `hash_characters` for one text; the order of the buckets differs."""
    classes = character_class()
    runs = "".join(" " if classes[min(ord(char), _LAST)] == _SPACE else char for char in text).split(" ")
    return [
        _fnv(f" {run} "[i : i + length]) % size
        for run in runs
        if run
        for length in range(_SHORTEST, LONGEST_NGRAM + 1)
        for i in range(len(run) + 2 - length + 1)
    ]


def _fnv(text: str) -> int:
    value = FNV_OFFSET
    for char in text:
        value = ((value ^ ord(char)) * FNV_PRIME) & FNV_MASK
    return value
