"""Hashes the words and character n-grams of texts into buckets.

A text is an array of Unicode code points, already lower-cased. Words are runs of letters and digits; character n-grams
are taken inside runs without white space, padded with one blank on each side. Buckets of words lie below `2**(bits - 1)`, those of
character n-grams above. The hash is FNV-1a over code points, 32 bit.
"""

from __future__ import annotations

import numpy as np

from automl_runtime.kernels.arrays import Ints
from automl_runtime.kernels.compiling import compiled

__all__ = ["hash_ngrams", "hash_ngrams_python", "most_ngrams"]

_OFFSET = 2166136261
_PRIME = 16777619
_MASK = 0xFFFFFFFF
_SHORTEST, _LONGEST = 2, 5


def most_ngrams(points: int, texts: int) -> int:
    """An upper bound for the n-grams of `texts` texts with `points` code points in all."""
    return 2 * (points + texts) + 3 * (points + texts) * (_LONGEST - _SHORTEST + 1)


@compiled
def hash_ngrams(points: Ints, starts: Ints, bits: int, buckets: Ints, ends: Ints) -> None:
    """Writes the buckets of text `i` (with repeats) behind those of text `i - 1`, and to `ends[i]` where they end.

    Text `i` is `points[starts[i]:starts[i + 1]]` (uint32). `buckets` (int32) has room for `most_ngrams`; `ends` is int64.
    """
    half = np.int64(1) << (bits - 1)
    size = 0
    for text in range(starts.shape[0] - 1):
        begin, end = starts[text], starts[text + 1]
        word = np.int64(_OFFSET)
        before = np.int64(-1)
        inside = False
        for i in range(begin, end + 1):
            point = np.int64(points[i]) if i < end else np.int64(32)
            if (
                point >= 192
                and not (8192 <= point <= 8303)
                and not (12288 <= point <= 12303)
                or 48 <= point <= 57
                or 97 <= point <= 122
            ):
                word = ((word ^ point) * _PRIME) & _MASK
                inside = True
            elif inside:
                buckets[size] = word % half
                size += 1
                if before >= 0:
                    buckets[size] = (((before ^ word) * _PRIME) & _MASK) % half
                    size += 1
                before = ((word * 31) + 7) & _MASK
                word = np.int64(_OFFSET)
                inside = False
        first = begin
        for i in range(begin, end + 1):
            if i < end and points[i] > 32 and points[i] != 160:
                continue
            if i > first:
                for left in range(first - 1, i):
                    value = np.int64(_OFFSET)
                    for right in range(left, min(left + _LONGEST, i + 1)):
                        point = np.int64(points[right]) if first <= right < i else np.int64(32)
                        value = ((value ^ point) * _PRIME) & _MASK
                        if right - left + 1 >= _SHORTEST:
                            buckets[size] = half + value % half
                            size += 1
            first = i + 1
        ends[text] = size


def hash_ngrams_python(text: str, bits: int) -> list[int]:
    """The twin of `hash_ngrams` for one text, in plain Python; the order of the buckets differs."""
    half = 1 << (bits - 1)
    words = "".join(char if _is_word(ord(char)) else " " for char in text).split(" ")
    hashes = [_fnv(word) for word in words if word]
    pairs = [(((left * 31 + 7) & _MASK) ^ right) * _PRIME & _MASK for left, right in zip(hashes, hashes[1:], strict=False)]
    found = [value % half for value in hashes + pairs]
    runs = "".join(" " if ord(char) <= 32 or ord(char) == 160 else char for char in text).split(" ")
    for run in (f" {run} " for run in runs if run):
        for length in range(_SHORTEST, _LONGEST + 1):
            found += [half + _fnv(run[i : i + length]) % half for i in range(len(run) - length + 1)]
    return found


def _is_word(point: int) -> bool:
    if point >= 192:
        return not (8192 <= point <= 8303 or 12288 <= point <= 12303)
    return 48 <= point <= 57 or 97 <= point <= 122


def _fnv(text: str) -> int:
    value = _OFFSET
    for char in text:
        value = ((value ^ ord(char)) * _PRIME) & _MASK
    return value
