"""Fits TF-IDF of texts, and its main directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from automl_runtime.inference.blocks import Topics, Words, weigh
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.texts import BUCKETS
from automl_runtime.kernels.arrays import Floats

__all__ = ["fit_topics", "fit_words"]

_MOST_WORDS = 60_000
_MOST_TOPIC_WORDS = 8_000
_TOPICS = 40
_ROWS = 10_000
_RAREST = 2
_LARGEST_SHARE = 0.95


def fit_words(data: Encoded, text: int) -> Words | None:
    """TF-IDF of the n-grams that occur in at least two rows; None when there are none.

    When there are too many, the most frequent are taken.
    """
    buckets, weights = _choose(data, text, _MOST_WORDS)
    return Words(text, buckets, weights) if len(buckets) else None


def fit_topics(data: Encoded, text: int, seed: int) -> Topics | None:
    """The main directions of TF-IDF; None when there are too few n-grams.

    A randomised singular value decomposition of at most 10,000 rows.
    """
    from sklearn.utils.extmath import randomized_svd

    buckets, weights = _choose(data, text, _MOST_TOPIC_WORDS)
    topics = min(_TOPICS, len(buckets) - 1, data.texts[text].shape[0] - 1)
    if topics < 1:
        return None
    counts = data.texts[text]
    rows = np.random.default_rng(seed).permutation(counts.shape[0])[:_ROWS]
    found = weigh(counts[np.sort(rows)], buckets, weights)
    directions = randomized_svd(found, topics, n_iter=3, random_state=seed)[2]
    return Topics(text, buckets, weights, directions.T.astype(np.float32))


def _choose(data: Encoded, text: int, most: int) -> tuple[NDArray[np.int64], Floats]:
    counts = data.texts[text]
    rows = counts.shape[0]
    frequency = np.bincount(counts.indices, minlength=BUCKETS)
    buckets = np.flatnonzero((frequency >= _RAREST) & (frequency <= _LARGEST_SHARE * rows))
    if len(buckets) > most:
        buckets = np.sort(buckets[np.argsort(-frequency[buckets], kind="stable")[:most]])
    return buckets, np.log((1 + rows) / (1 + frequency[buckets])) + 1.0
