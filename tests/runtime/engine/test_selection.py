"""Which families suit a table, and how they are named."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime import AutoMLClassifier
from automl_runtime.engine import selection
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners import registry
from automl_runtime.engine.learners.forest import TreeLearner
from automl_runtime.engine.learners.registry import learner_named, learner_names, register_learner
from automl_runtime.engine.selection import READABLE, SCALABLE, fitting_families, named_families, select_families
from automl_runtime.errors import RequestError
from automl_runtime.events import Warned
from engine_jobs import mixed_rows


def test_learners_are_found_by_name():
    for name in learner_names():
        assert learner_named(name).name == name
    assert learner_named("logistic_regression").name == learner_named("ridge").name == "linear"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("xgbost", "Did you mean xgboost"),
        ("randomforest", "Did you mean random_forest"),
        ("magic", r"'magic'\. Possible: .*catboost.*extra_trees.*xgboost"),
    ],
)
def test_an_unknown_family_is_refused_with_the_nearest(name, message):
    with pytest.raises(RequestError, match=message):
        fit(mixed_rows("binary", 50), "y", models=["lightgbm", name], trials=1)


@pytest.mark.parametrize(
    ("models", "interpretable", "expected"),
    [
        (["xgboost", "random_forest", "xgboost"], False, ("xgboost", "random_forest")),
        ("xgboost", False, ("xgboost",)),
        (["tree", "ridge"], True, ("tree", "linear")),
        ([], False, "empty"),
        (["linear", "xgboost"], True, "xgboost: cannot be read"),
    ],
)
def test_families_by_name(models, interpretable, expected):
    if isinstance(expected, str):
        with pytest.raises(RequestError, match=expected):
            named_families(models, interpretable=interpretable)
    else:
        assert named_families(models, interpretable=interpretable) == expected


@pytest.mark.parametrize("rows", [1_000, 3_000, 3_001, 1_000_000, 1_000_001, 50_000_000])
@pytest.mark.parametrize("budget", [10.0, 600.0, None])
@pytest.mark.parametrize("interpretable", [False, True])
def test_the_choice_of_families(rows, budget, interpretable):
    found = select_families(rows, budget_seconds=budget, interpretable=interpretable)
    if interpretable:
        assert found == READABLE
    elif rows > 1_000_000:
        assert found == SCALABLE
        assert found[:2] == ("lightgbm", "xgboost")
    else:
        assert {"lightgbm", "linear", "extra_trees", "catboost", "network"} <= set(found)
        assert ("random_forest" in found) == (budget != 10.0)
        assert ("gaussian_process" in found) == (rows <= 3_000)


@pytest.mark.parametrize(
    ("family", "rows", "kept", "said"),
    [
        ("rbf_svm", 50_000, "rbf_svm", None),
        ("rbf_svm", 50_001, "linear_svm", "over 50,000 linear_svm is used"),
        ("gaussian_process", 10_000, "gaussian_process", None),
        ("gaussian_process", 10_001, "gaussian_process", "gaussian_process uses at most 10,000"),
        ("neighbors", 20_001, "neighbors", "neighbors uses at most 20,000"),
    ],
)
def test_families_that_many_rows_are_too_much_for(family, rows, kept, said):
    families, notes = fitting_families([family], "binary", rows)
    assert families == (kept,)
    assert [said in note for note in notes] == [True] * (said is not None)


def test_what_is_replaced_or_sampled_is_said(monkeypatch):
    monkeypatch.setattr(selection, "MOST_RBF_ROWS", 100)
    monkeypatch.setitem(selection._SAMPLED, "neighbors", 100)
    events = []
    rows = mixed_rows("regression", 150)
    models = ["rbf_svm", "neighbors", "naive_bayes"]
    model = fit(rows, "y", models=models, trials=2, folds=2, on_event=events.append)
    assert {trial["learner"] for trial in model.trials} == {"linear_svm", "neighbors"}
    said = " ".join(event.text for event in events if isinstance(event, Warned))
    for part in ("linear_svm is used instead of rbf_svm", "neighbors uses at most 100", "naive_bayes tells classes"):
        assert part in said


def test_only_the_named_families_are_tried_and_varied():
    model = fit(mixed_rows("binary", 150), "y", models=["xgboost", "logistic"], trials=6, folds=2)
    assert {trial["learner"] for trial in model.trials} == {"xgboost", "linear"}
    assert len(model.trials) == 6


def test_estimators_take_families():
    rows = mixed_rows("binary", 120)
    model = AutoMLClassifier(models=["random_forest"], trials=1, folds=2).fit(rows.drop(columns="y"), rows["y"])
    assert model.model_.best_model == "random_forest"
    with pytest.raises(ValueError, match="no family of models 'forest of oaks'"):
        AutoMLClassifier(models=["forest of oaks"], trials=1).fit(rows.drop(columns="y"), rows["y"])


class Stump(TreeLearner):
    name = "stump"


@pytest.fixture
def _clean(monkeypatch):
    monkeypatch.setattr(registry, "_LEARNERS", dict(registry._LEARNERS))
    monkeypatch.setattr(registry, "_PARAMS", dict(registry._PARAMS))


@pytest.mark.usefixtures("_clean")
def test_a_family_of_one_s_own_enters_the_leaderboard_and_can_be_named():
    register_learner(Stump(), {"max_depth": 1}, {"max_depth": 2})
    rows = mixed_rows("binary", 150)
    model = fit(rows, "y", trials=4, folds=2)
    assert {"stump", "stump_2"} <= {row.model for row in model.leaderboard()}
    alone = fit(rows, "y", models=["stump"], trials=2, folds=2)
    assert {trial["learner"] for trial in alone.trials} == {"stump"}
    assert np.isfinite(alone.cv)


@pytest.mark.usefixtures("_clean")
@pytest.mark.parametrize(("name", "params", "message"), [("tree", [{}], "already"), ("stump", [], "settings")])
def test_a_family_that_cannot_be_registered(name, params, message):
    learner = type("Other", (TreeLearner,), {"name": name})()
    with pytest.raises(RequestError, match=message):
        register_learner(learner, *params)
