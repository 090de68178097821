"""What can be said about a search space, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.strategies.families import FAMILY_SPACES, joint_space
from automl_runtime.engine.strategies.space import Choice, Integer, Real, SearchSpace
from automl_runtime.errors import RequestError
from hypothesis import given
from hypothesis import strategies as st

SPACE = SearchSpace(
    {"model": ["svm", "forest"], "C": (1e-3, 1e3, "log"), "trees": (10, 500, "log"), "x": (-1.0, 2.0), "depth": (1, 9)},
    when={"C": {"model": ["svm"]}, "trees": {"model": ["forest"]}, "depth": {"model": ["forest"]}},
)


def test_the_type_of_the_ends_says_what_a_range_holds():
    space = SearchSpace(
        {"n": (1, 8), "x": (0.0, 1.0), "mixed": (0, 0.5), "rate": (1e-4, 1e-1, "log"), "kind": ["a", None]}
    )
    assert space.dimensions == {
        "n": Integer(1, 8),
        "x": Real(0.0, 1.0),
        "mixed": Real(0.0, 0.5),
        "rate": Real(1e-4, 1e-1, log=True),
        "kind": Choice(("a", None)),
    }


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_every_point_is_a_valid_setting_and_comes_back(point):
    params = SPACE.decode(np.array(point))
    assert SPACE.check(params) == params
    again = SPACE.decode(SPACE.encode(params))
    assert again.keys() == params.keys()
    assert again == pytest.approx(params) or again["model"] == params["model"]
    assert again.get("trees") == params.get("trees")
    assert again.get("depth") == params.get("depth")


def test_all_of_a_range_is_drawn_and_conditions_hold():
    rng = np.random.default_rng(0)
    drawn = [SPACE.sample(rng) for _ in range(400)]
    assert {params["depth"] for params in drawn if "depth" in params} == set(range(1, 10))
    assert all(("C" in params) == (params["model"] == "svm") != ("trees" in params) for params in drawn)
    small = np.mean([params["C"] < 1 for params in drawn if "C" in params])
    assert 0.4 < small < 0.6


def test_features_do_not_depend_on_what_is_not_active():
    points = np.tile(SPACE.encode({"model": "svm", "C": 1.0, "x": 0.0}), (2, 1))
    points[1, [2, 4]] = 0.9
    features, owners = SPACE.features(points)
    assert (features[0] == features[1]).all()
    assert owners.tolist() == [0, 0, 1, 2, 3, 4]


def test_a_grid_holds_every_combination_of_levels_once():
    space = SearchSpace(
        {"kind": ["a", "b"], "n": (1, 3), "rate": Real(0.1, 0.9, levels=(0.2, 0.4))}, when={"rate": {"kind": ["a"]}}
    )
    grid = [tuple(sorted(params.items(), key=str)) for params in space.grid()]
    assert len(grid) == len(set(grid)) == 3 * 2 + 3


def test_combinations_that_cannot_be_are_never_drawn():
    space = SearchSpace(
        {"width": (8, 64), "heads": (1, 8)}, valid=lambda params: params["width"] % params["heads"] == 0
    )
    rng = np.random.default_rng(0)
    assert all(params["width"] % params["heads"] == 0 for params in (space.sample(rng) for _ in range(50)))
    with pytest.raises(RequestError, match="next to nothing"):
        SearchSpace({"x": (0.0, 1.0)}, valid=lambda params: False).sample(rng)


@pytest.mark.parametrize(
    ("dimensions", "when", "message"),
    [
        ({}, {}, "empty"),
        ({"x": (2, 1)}, {}, "low must be less"),
        ({"x": (0.0, float("inf"))}, {}, "low must be less"),
        ({"x": (0.0, 1.0, "log")}, {}, "start above 0"),
        ({"x": (0.1, 1.0, "cubic")}, {}, "cubic"),
        ({"x": "0..1"}, {}, "possible: "),
        ({"x": (True, False)}, {}, "possible: "),
        ({"x": []}, {}, "one choice or more"),
        ({"x": [[1, 2]]}, {}, "one choice or more"),
        ({"x": (0, 1)}, {"y": {"x": [1]}}, "no dimension"),
        ({"x": (0, 1), "y": (0, 1)}, {"y": {"x": [1]}}, "no choice before it"),
        ({"y": (0, 1), "x": ["a"]}, {"y": {"x": ["a"]}}, "no choice before it"),
        ({"x": ["a"], "y": (0, 1)}, {"y": {"x": ["b"]}}, "none of the options"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_name(dimensions, when, message):
    with pytest.raises(RequestError, match=message):
        SearchSpace(dimensions, when=when)


def test_check_moves_values_into_their_ranges_and_names_what_is_missing():
    assert SPACE.check({"model": "svm", "C": 1e9, "x": 0.0, "trees": 3}) == {"model": "svm", "C": 1e3, "x": 0.0}
    with pytest.raises(RequestError, match="lack 'C'"):
        SPACE.check({"model": "svm", "x": 0.0})
    with pytest.raises(RequestError, match="none of the options"):
        SPACE.check({"model": "tree", "x": 0.0})


def test_a_space_survives_json():
    again = SearchSpace.from_json(SPACE.to_json())
    assert again.dimensions == SPACE.dimensions
    assert again.when == SPACE.when


def test_families_stand_side_by_side_in_the_joint_space():
    space = joint_space(list(FAMILY_SPACES))
    assert space.arms() == "learner"
    for seed in range(20):
        params = space.sample(np.random.default_rng(seed))
        family = params.pop("learner")
        assert sorted(params) == sorted(f"{family}.{name}" for name in FAMILY_SPACES[family].names)
