"""One row is blended as many are; what fills a row is compared with its blocks in `inference/test_program.py`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.parts import LINKS, Design, Member, Part, Reading, blend
from automl_runtime.kernels.rows import pool_classes, pool_heads, read_classes


@dataclass
class _Says:
    raw: np.ndarray

    def predict(self, rows):
        return self.raw[None]


def _members(rng, classes):
    """Members of one to three parts, of every link that classes have."""
    links = [link for link in LINKS[:4] for _ in range(2)]
    links = links if classes == 2 else [link for link in links if link != "logistic"]
    parts = []
    for place, link in enumerate(links):
        raw = rng.normal(scale=5, size=classes)
        if link == "none":
            raw = rng.dirichlet(np.ones(classes))
        if classes == 2 and place % 2 and link in ("none", "logistic"):
            raw = raw[:1]
        parts.append(Part(0, _Says(raw), Reading(link)))
    return [Member("a", 0.5, tuple(parts[:1])), Member("b", 0.2, tuple(parts[1:4])), Member("c", 0.7, tuple(parts[4:]))]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("classes", [2, 3, 40])
@pytest.mark.parametrize("pooled", [True, False])
def test_one_row_is_blended_as_many_are(classes, pooled, compiled):
    rng = np.random.default_rng(classes)
    members = _members(rng, classes)
    shifts = rng.normal(size=classes) if pooled else np.empty(0)
    wanted = blend(members, [Design(())], Encoded(np.empty((1, 0)), np.empty((1, 0), np.int32), ()), classes, shifts)[0]
    parts, counts = [part for member in members for part in member.parts], [len(member.parts) for member in members]
    raw = [part.predictor.raw for part in parts]
    found, out = np.zeros((3, classes)), np.empty(classes)
    read, pool = (call if compiled else call.__wrapped__ for call in (read_classes, pool_classes))
    links = np.array([LINKS.index(part.reading.link) for part in parts])
    owners, shares = np.repeat(np.arange(3), counts), np.repeat(1.0 / np.array(counts), counts)
    read(np.concatenate(raw), np.array([len(each) for each in raw]), links, owners, shares, found)
    pool(found, np.array([member.weight for member in members]), shifts, out)
    np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("compiled", [True, False])
def test_the_models_of_several_labels_are_pooled_each_for_itself(compiled):
    rng = np.random.default_rng(1)
    counts, pooled = [2, 1, 4], np.array([False, True, True])
    found = rng.dirichlet((1.0, 1.0), sum(counts))
    weights, shifts, ends = rng.random(sum(counts)), rng.normal(size=(3, 2)), np.cumsum(counts)
    wanted, each = [], np.empty(2)
    for stop, count, shift, is_pooled in zip(ends, counts, shifts, pooled, strict=True):
        own = slice(stop - count, stop)
        pool_classes(found[own].copy(), weights[own], shift if is_pooled else np.empty(0), each)
        wanted.append(each[1])
    out = np.empty(3)
    (pool_heads if compiled else pool_heads.__wrapped__)(found.copy(), weights, ends, pooled, shifts, out)
    np.testing.assert_allclose(out, wanted, rtol=1e-12)
