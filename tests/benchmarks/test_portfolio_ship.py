"""What is shipped: measured candidates in the order found, everything else as it stood."""

from __future__ import annotations

import json
import shutil

import pytest
from automl_runtime.engine.configurations import PORTFOLIO, read_portfolio
from automl_runtime.errors import DataError

from benchmarks.portfolio.candidates import by_hand, candidates
from benchmarks.portfolio.ship import ship


@pytest.fixture
def path(tmp_path):
    return shutil.copy(PORTFOLIO, tmp_path / "portfolio.json")


def _named(*names):
    return [entry for name in names for entry in candidates() if entry.name == name]


def _others(*names):
    return [entry for entry in by_hand() if entry.name not in names]


def test_the_order_is_shipped_with_the_trials_of_made_features_in_it(path):
    order = ("lightgbm", "extra_trees", "network_b", "catboost", "linear", "linear_splines", "gaussian_process")
    ship(_named(*order), _others(*order), path)
    names = list(dict.fromkeys(entry.name for entry in read_portfolio(path).diverse))
    assert names == [*order[:3], "lightgbm_pairs", *order[3:5], "lightgbm_groups", *order[5:]]


def test_what_is_shipped_is_what_was_measured(path):
    first = _named("lightgbm", "linear", "network_c", "gaussian_process", "extra_trees")
    own = _named("lightgbm_a", "extra_trees_a", "xgboost_b", "random_forest_b", "rbf_svm_c")
    further = [*own, *_others(*(entry.name for entry in first))]
    ship(first, further, path)
    read = read_portfolio(path)
    for entry in (*first, *further):
        twins = [
            each for each in (*read.diverse, *read.further) if (each.name, each.tasks) == (entry.name, entry.tasks)
        ]
        trees = {"trees": 100} if "trees" in entry.params else {}
        assert [trees | read.config(each).params for each in twins] == [entry.params]


def test_all_else_stays(path):
    before = json.loads(PORTFOLIO.read_text())
    ship(by_hand(), [], path)
    after = json.loads(path.read_text())
    assert {key: after[key] for key in ("base", "many_rows", "readable")} == {
        key: before[key] for key in ("base", "many_rows", "readable")
    }
    kept = {entry["name"] for entry in after["diverse"] + after["further"]}
    assert {"tree", "additive", "neighbors", "naive_bayes", "lightgbm_pairs", "lightgbm_groups"} <= kept


def test_what_the_engine_could_not_use_is_said(path):
    order = ("linear", "extra_trees", "network", "lightgbm")
    with pytest.raises(DataError, match="tries made features"):
        ship(_named(*order), _others(*order), path)
