"""Profiles say in words how a cluster differs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.clustering.profiles import describe
from automl_runtime.inference.encoding import Column

LABELS = np.array([0] * 6 + [1] * 4)


@pytest.mark.parametrize(
    ("kind", "cells", "strength", "text"),
    [
        ("number", [*range(6), 90, 91, 92, np.inf], 1.0, "'x' low: median 2.5 (others 91)"),
        ("number", [1.0] * 10, 0.0, "'x' low: median 1 (others 1)"),
        ("number", ["7", None] * 3 + [None] * 4, 0.5, "'x' is missing: 50% (others 100%)"),
        ("category", ["a"] * 5 + ["b"] * 5, 5 / 6, "'x' is 'a': 83% (others 0%)"),
        ("category", ["a", "b", "c", "d", "e", "f"] + ["z"] * 4, 1.0, "'x' is 'z': 0% (others 100%)"),
        ("boolean", [True] * 6 + [False] * 4, 1.0, "'x' is 'True': 100% (others 0%)"),
        ("date", ["2024-01-05"] * 6 + ["2023-03-01"] * 4, 1.0, "'x' later: median 2024-01-05 (others 2023-03-01)"),
        ("text", ["Please refund me"] * 6 + ["All went well"] * 4, 1.0, "'x' says 'me': 100% (others 0%)"),
        ("category", [None] * 10, 0.0, "'x' is not known"),
    ],
)
def test_each_kind_of_column_has_its_words(kind, cells, strength, text):
    profiles = describe(pd.DataFrame({"x": cells}), [Column("x", kind)], LABELS, {0: 6, 1: 4})
    trait = profiles[0].traits[0]
    assert trait.strength == pytest.approx(strength)
    assert trait.text == text


def test_the_strongest_come_first_and_values_are_escaped():
    frame = pd.DataFrame({"weak": [0, 1] * 5, "strong": ["x\n<b>"] * 6 + ["y"] * 4, "half": [1] * 4 + [0] * 6})
    columns = [Column("weak", "number"), Column("strong", "category"), Column("half", "number")]
    profile = describe(frame, columns, LABELS, {0: 60, 1: 40})[0]
    assert [trait.column for trait in profile.traits] == ["strong", "half"]
    assert str(profile).splitlines()[:2] == ["cluster 0: 60 rows (60.0%)", r"  'strong' is 'x\n<b>': 100% (others 0%)"]


def test_noise_comes_last_and_a_single_cluster_has_no_traits():
    frame = pd.DataFrame({"x": range(10)})
    columns = [Column("x", "number")]
    assert [p.label for p in describe(frame, columns, LABELS - 1, {-1: 6, 0: 4})] == [0, -1]
    assert describe(frame, columns, LABELS * 0, {0: 10})[0].traits == ()
