"""The n-gram kernels agree with their Python twins on any text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from automl_runtime.kernels.ngrams import (
    character_class,
    hash_characters,
    hash_characters_python,
    hash_words,
    hash_words_python,
    most_characters,
    most_words,
)
from hypothesis import given, settings
from hypothesis import strategies as st

KERNELS = [
    pytest.param(hash_words, hash_words_python, most_words, id="words"),
    pytest.param(hash_characters, hash_characters_python, most_characters, id="characters"),
]
SIZE = 1 << 18


def _run(kernel, most, texts):
    points = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32)
    starts = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    buckets = np.full(most(len(points), len(texts)), -1, dtype=np.int32)
    ends = np.zeros(len(texts), dtype=np.int64)
    kernel(points, starts, character_class(), SIZE, buckets, ends)
    return [Counter(buckets[first:last].tolist()) for first, last in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(("kernel", "twin", "most"), KERNELS)
@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_kernel_and_twin_give_the_same_buckets(kernel, twin, most, texts):
    texts = [text.lower() for text in texts]
    expected = [Counter(twin(text, SIZE)) for text in texts]
    assert _run(kernel, most, texts) == expected
    assert _run(kernel.__wrapped__, most, texts) == expected


@pytest.mark.parametrize(("kernel", "twin", "most"), KERNELS)
def test_the_bound_holds_for_the_worst_texts(kernel, twin, most):
    for texts in (["a b c d e"] * 3, ["aaaaaaaaaa"], ["", "a", ""], ["a!b!c"]):
        found = _run(kernel, most, texts)
        assert sum(map(Counter.total, found)) <= most(sum(map(len, texts)), len(texts))


def test_words_and_pairs_are_counted():
    assert len(hash_words_python("free free entry", SIZE)) == 5
    assert len(set(hash_words_python("free free entry", SIZE))) == 4
