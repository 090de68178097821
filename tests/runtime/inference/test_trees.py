"""Trees that a walk could leave, or go round in, are refused."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.errors import BundleError
from automl_runtime.inference.boosted import Boosted
from automl_runtime.inference.trees import Trees

SOUND = {
    "roots": [0, 5],
    "feature": [0, -1, 2, -1, -1, -1, -1],
    "left": [1, 0, 3, 0, 0, 0, 0],
    "right": [2, 0, 4, 0, 0, 0, 0],
}
DAMAGE = {
    "a child backwards": {"left": [1, 0, 1, 0, 0, 0, 0]},
    "itself as a child": {"left": [1, 0, 2, 0, 0, 0, 0]},
    "a child in the next tree": {"right": [2, 0, 5, 0, 0, 0, 0]},
    "a child outside": {"right": [2, 0, 99, 0, 0, 0, 0]},
    "a negative child": {"right": [2, 0, -4, 0, 0, 0, 0]},
    "one child twice": {"right": [2, 0, 3, 0, 0, 0, 0]},
    "two parents": {"left": [4, 0, 3, 0, 0, 0, 0]},
    "a feature outside": {"feature": [0, -1, 3, -1, -1, -1, -1]},
    "no tree": {"roots": []},
    "nodes before the first tree": {"roots": [1, 5]},
    "roots out of order": {"roots": [0, 5, 4]},
    "a root outside": {"roots": [0, 7]},
    "too few children": {"left": [1, 0, 3]},
}


def arrays(damage):
    return {name: np.array(values, np.int32) for name, values in (SOUND | damage).items()}


def test_sound_trees_pass_also_with_nodes_that_no_root_leads_to():
    Trees(**arrays({})).check(3)
    Trees(**arrays({"roots": [0]})).check(3)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_trees_are_refused(damage):
    with pytest.raises(BundleError, match="out of its tree or backwards"):
        Trees(**arrays(DAMAGE[damage])).check(3)


def boosted(**damage):
    fields = arrays({}) | {
        "base": np.zeros(1),
        "outputs": np.zeros(2, np.int32),
        "threshold": np.zeros(7, np.float32),
        "missing_left": np.zeros(7, bool),
        "sets": np.array([-1, -1, 0, -1, -1, -1, -1], np.int32),
        "words": np.ones((1, 1), np.uint32),
    }
    return Boosted(**(fields | damage))


@pytest.mark.parametrize(
    "damage",
    [
        {"outputs": np.ones(2, np.int32)},
        {"outputs": np.zeros(1, np.int32)},
        {"sets": np.ones(7, np.int32)},
        {"threshold": np.zeros(7)},
        {"threshold": np.full(7, np.nan, np.float32)},
        {"missing_left": np.zeros(3, bool)},
        {"words": np.ones(1, np.uint32)},
    ],
)
def test_damaged_boosters_are_refused(damage):
    boosted().check(3)
    assert boosted().predict(np.zeros((2, 3))).tolist() == [[0.0], [0.0]]
    with pytest.raises(BundleError, match="not valid"):
        boosted(**damage).check(3)
