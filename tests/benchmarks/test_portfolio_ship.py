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


def test_the_order_is_shipped_with_the_trials_of_made_features_in_it(path):
    order = ["lightgbm", "extra_trees", "network_b", "catboost", "linear", "linear_splines", "gaussian_process"]
    ship(order, _named("network_b"), path)
    names = list(dict.fromkeys(entry.name for entry in read_portfolio(path).few_rows))
    assert names == [*order[:3], "lightgbm_pairs", *order[3:5], "lightgbm_groups", *order[5:]]


def test_what_is_shipped_is_what_was_measured(path):
    further = _named("lightgbm_a", "extra_trees_a", "xgboost_b", "network_c", "rbf_svm_c")
    ship(["lightgbm", "linear", "network_c", "gaussian_process", "extra_trees"], further, path)
    read = read_portfolio(path)
    for entry in further:
        twin = next(each for each in read.further if each.name == entry.name)
        trees = {"trees": 100} if "trees" in entry.params else {}
        assert trees | read.config(twin).params == entry.params
        assert (twin.logs, twin.tasks, twin.cost) == (entry.logs, entry.tasks, entry.cost)


def test_what_was_written_by_hand_is_what_was_measured_as_such():
    read = read_portfolio(PORTFOLIO)
    shipped = {(entry.name, entry.tasks): read.config(entry).params for entry in (*read.diverse, *read.further)}
    for entry in by_hand():
        trees = {"trees": 100} if "trees" in entry.params else {}
        assert trees | shipped[entry.name, entry.tasks] == entry.params


def test_all_else_stays(path):
    before = json.loads(PORTFOLIO.read_text())
    ship(["lightgbm", "linear", "lasso", "extra_trees", "catboost"], [], path)
    after = json.loads(path.read_text())
    assert {**after, "few_rows": before["few_rows"]} == before


def test_what_the_engine_could_not_use_is_said(path):
    with pytest.raises(DataError, match="tries made features"):
        ship(["linear", "extra_trees", "network", "lightgbm"], [], path)
