"""The portfolio as data: what is shipped is whole, and what is broken is named."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine import configurations
from automl_runtime.engine.configurations import PORTFOLIO, read_portfolio, shipped
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners.registry import learner_names
from automl_runtime.engine.portfolio import portfolio
from automl_runtime.engine.problem import Problem
from automl_runtime.errors import DataError
from automl_runtime.inference.encoding import Encoded

TASKS = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}


def _configs(task, rows=300, **options):
    y = np.arange(rows) % len(TASKS[task]) if TASKS[task] else np.linspace(0, 1, rows) ** 9
    problem = Problem(task, "log_loss" if TASKS[task] else "rmse", "y", y.astype(float), TASKS[task])
    data = Encoded(np.random.default_rng(0).normal(size=(rows, 3)), np.empty((rows, 0), np.int32), ())
    return portfolio(problem, data, interpretable=False, **options)


def _broken(tmp_path, change):
    content = json.loads(PORTFOLIO.read_text())
    change(content)
    path = tmp_path / "portfolio.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("task", TASKS)
def test_every_family_has_a_configuration_and_every_configuration_another_name(task):
    configs = _configs(task, models=[name for name in learner_names() if task != "regression" or name != "naive_bayes"])
    assert {config.learner for config in configs} == set(learner_names()) - (
        {"naive_bayes"} if task == "regression" else set()
    )
    assert len({config.name for config in configs}) == len({config.key() for config in configs}) == len(configs)


def test_few_rows_have_an_order_of_their_own():
    few, more = (list(dict.fromkeys(entry.name for entry in part)) for part in (shipped().few_rows, shipped().diverse))
    for rows, order in ((2_000, few), (2_001, more)):
        names = [config.name for config in _configs("binary", rows)]
        assert names == [name for name in order if name in names]
        assert len(names) > 15


@pytest.mark.parametrize("task", TASKS)
def test_the_portfolio_is_always_the_same_and_begins_with_a_booster(task):
    assert _configs(task) == _configs(task)
    assert _configs(task)[0].learner == "lightgbm"


def test_a_family_that_is_named_brings_more_than_one_that_is_not(tmp_path, monkeypatch):
    def change(file):
        file["further"] += [{"name": f"more_{family}", "learner": family} for family in ("linear", "neighbors")]
        file["further"][-2]["params"] = {"basis": "other"}
        file["further"][-1]["params"] = {"other": 1}

    other = read_portfolio(_broken(tmp_path, change))
    monkeypatch.setattr("automl_runtime.engine.portfolio.shipped", lambda: other)
    named = [config.name for config in _configs("binary", models=["linear", "neighbors"])]
    assert named == ["linear", "linear_splines", "neighbors", "more_linear", "more_neighbors"]
    assert not {"more_linear", "neighbors"} & {config.name for config in _configs("binary")}


def test_the_log_of_a_skewed_target_is_learned_where_the_file_says_so():
    logged = {config.name for config in _configs("regression") if config.params.get("target") == "log1p"}
    said = {config.name for config in _configs("regression")} & shipped().logging
    # And the first booster once more, early.
    assert logged == said | {"lightgbm_log"}
    assert logged
    assert not any("target" in config.params for config in _configs("binary"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda file: file.update(format=2), "format"),
        (lambda file: file.pop("further"), "further"),
        (lambda file: file["diverse"][0].update(speed=1), "diverse.0.speed"),
        (lambda file: file["diverse"][1].update(cost=0), "diverse.1.cost"),
        (lambda file: file["diverse"][1].update(tasks=["forecast"]), "diverse.1.tasks"),
        (lambda file: file["base"].update(oracle={}), "oracle.*no family"),
        (lambda file: file["diverse"][0].update(learner="oracle"), r"diverse\[0\].*oracle.*no family"),
        (lambda file: file["diverse"][0]["params"].update(learning_rate=9), "learning_rate is 9, outside"),
        (lambda file: file["diverse"][0]["params"].update(extra_trees=1), "extra_trees is 1, outside"),
        (lambda file: file["diverse"][0]["params"].update(num_leaves="31"), "num_leaves is '31', outside"),
        (lambda file: file["many_rows"][0]["params"].update(num_leaves=1), r"many_rows\[0\].*num_leaves is 1"),
        (lambda file: file["diverse"].append(file["diverse"][0]), "lightgbm.*comes twice"),
        (lambda file: file["diverse"].append(file["diverse"][0] | {"name": "same"}), "same.*is the same as.*lightgbm"),
        (lambda file: file["readable"].append("oracle"), "readable names.*oracle"),
        (lambda file: file["few_rows"].append("oracle"), "few_rows names.*oracle"),
        (lambda file: file["few_rows"].append("lightgbm"), "few_rows names.*lightgbm.*twice"),
        (lambda file: file["diverse"].reverse(), "tries made features"),
        (lambda file: file["few_rows"].reverse(), "tries made features"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, change, named):
    path = _broken(tmp_path, change)
    with pytest.raises(DataError, match=named) as caught:
        read_portfolio(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "[]", "{", '{"format": 1}'])
def test_a_file_that_is_missing_or_something_else_is_named(tmp_path, content):
    path = tmp_path / "portfolio.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=r"portfolio\.json"):
        read_portfolio(path)


def test_a_search_takes_the_order_of_the_file(tmp_path, monkeypatch):
    def change(file):
        file["few_rows"] = ["linear_splines", "linear"]

    other = read_portfolio(_broken(tmp_path, change))
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"]).assign(y=rng.normal(size=80))
    before = [trial["model"] for trial in fit(rows, "y", trials=2, folds=2, models=["linear"]).trials]
    monkeypatch.setattr("automl_runtime.engine.portfolio.shipped", lambda: other)
    after = [trial["model"] for trial in fit(rows, "y", trials=2, folds=2, models=["linear"]).trials]
    assert sorted(after) == sorted(before)
    assert after[0] == "linear_splines" != before[0]
    assert configurations.shipped() is shipped()
