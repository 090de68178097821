"""`fit` on small tables: every task, every kind of column, every way it can go wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import ThresholdPolicy
from automl_runtime.engine.fit import fit as fit_fully
from automl_runtime.engine.metrics import score
from automl_runtime.errors import Cancelled, RequestError, TrainingError
from automl_runtime.events import Progress, TrialFinished, Warned


def fit(*arguments, **options):
    """Three folds: the machine may be shared."""
    return fit_fully(*arguments, **({"folds": 3} | options))


def _rows(count=180, seed=0):
    """Numbers, categories, dates and flags that say something about `y`."""
    rng = np.random.default_rng(seed)
    size, kind = rng.normal(size=count), rng.choice(["red", "green", "blue"], count)
    return pd.DataFrame(
        {
            "size": size,
            "kind": kind,
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, count), unit="D"),
            "flag": rng.random(count) < 0.5,
            "y": size + (kind == "red") + rng.normal(scale=0.5, size=count),
        }
    )


def _labelled(labels, count=180):
    rows = _rows(count)
    edges = np.quantile(rows["y"], np.linspace(0, 1, len(labels) + 1)[1:-1])
    rows["y"] = np.array(labels)[np.searchsorted(edges, rows["y"])]
    return rows


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (["no", "yes"], "binary"),
        ([0, 1], "binary"),
        ([False, True], "binary"),
        ([1.0, 2.0], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([3, 7, 9], "multiclass"),
    ],
    ids=str,
)
def test_labels_of_every_type_come_back_as_they_were(labels, task):
    rows = _labelled(labels)
    model = fit(rows, "y", trials=2)
    assert model.task == task
    assert model.classes == labels
    assert [type(label) for label in model.classes] == [type(label) for label in labels]
    proba = model.predict_proba(rows)
    assert list(proba.columns) == labels
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    predicted = model.predict(rows)
    assert predicted.dtype == pd.Series(labels).dtype or predicted.map(type).eq(type(labels[0])).all()
    assert (predicted == rows["y"]).mean() > 0.7


def test_a_regression_beats_the_mean():
    rows = _rows()
    model = fit(rows, "y", trials=2)
    assert (model.task, model.metric) == ("regression", "rmse")
    assert model.cv < 0.7 * rows["y"].std()
    assert list(model.oof.columns) == ["y"]
    assert model.predict(rows).name == "y"


def test_all_families_are_tried_and_the_leaderboard_is_sorted():
    model = fit(_labelled(["no", "yes"], 120), "y", trials=6)
    assert {trial["learner"] for trial in model.trials} == {"lightgbm", "linear", "extra_trees", "catboost", "network"}
    scores = [row.cv for row in model.leaderboard()]
    assert scores == sorted(scores, reverse=True)
    assert model.cv == max(scores)
    assert sum(model.weights.values()) == pytest.approx(1.0)


def test_the_score_is_that_of_the_out_of_fold_predictions():
    rows = _labelled(["no", "yes"])
    model = fit(rows, "y", trials=2)
    assert score("roc_auc", rows["y"][model.oof.index], model.oof.to_numpy(), model.classes) == pytest.approx(model.cv)


def test_broken_columns_never_break_a_fit():
    rows = _labelled(["no", "yes"], 120)
    rng = np.random.default_rng(1)
    rows["empty"] = np.nan
    rows["nothing"] = None
    rows["constant"] = 3
    rows["infinite"] = np.where(rng.random(120) < 0.5, np.inf, -np.inf)
    rows["huge"] = rng.normal(size=120) * 1e300
    rows["mixed"] = [1, "a", None, 2.5, True, b"x"] * 20
    rows["unique"] = [f"id{i}" for i in range(120)]
    rows["maybe"] = pd.array([True, None, False] * 40, dtype="boolean")
    rows["whole"] = pd.array([1, None, 3, 4] * 30, dtype="Int64")
    rows["level"] = pd.Categorical(["low", "high", None] * 40)
    rows["lists"] = [[1], [2], None] * 40
    rows['odd "name"\n🎉'] = pd.Series(["lone \ud800 surrogate", "x"] * 60, dtype=object)
    rows["note"] = ["some words that say nothing", "other words here and there", None] * 40
    model = fit(rows, "y", trials=5, kinds={"note": "text"})
    assert model.cv > 0.8
    alone = model.predict_proba(rows.iloc[[7]])
    np.testing.assert_allclose(alone, model.predict_proba(rows).iloc[[7]], rtol=1e-9)


@pytest.mark.parametrize("labels", [["no", "yes"], ["a", "b", "c"], None], ids=str)
def test_columns_that_hardly_vary_give_a_model_no_better_than_none(labels):
    rows = (_labelled(labels, 60) if labels else _rows(60)).assign(size=[1] * 59 + [2], kind="a", seen=None, flag=None)
    assert np.isfinite(fit(rows, "y", trials=5).cv)


def test_few_different_texts_are_learned_by_trees():
    rows = pd.DataFrame({"text": ["one two three four", "five six seven nine"] * 60, "y": [0, 1] * 60})
    model = fit(rows, "y", trials=4)
    assert {trial["status"] for trial in model.trials} == {"complete"}
    assert model.cv == 1.0


def test_text_is_learned():
    rng = np.random.default_rng(0)
    words = np.array("the a cat dog sat on mat with prize cash win call now today maybe later never again".split())
    texts = [" ".join(rng.choice(words, 12)) for _ in range(200)]
    spam = np.array(["win" in text.split() or "prize" in text.split() for text in texts])
    model = fit(pd.DataFrame({"text": texts, "spam": spam}), "spam", trials=4)
    assert model.cv > 0.95
    assert model.predict(pd.DataFrame({"text": ["a cat on the mat with a win today"]})).tolist() == [True]


def test_fixed_trials_give_the_same_model_twice():
    rows = _labelled(["no", "yes"])
    first, second = (fit(rows, "y", trials=6, seed=3) for _ in range(2))
    assert first.cv == second.cv
    assert first.trials == second.trials
    pd.testing.assert_frame_equal(first.oof, second.oof, check_exact=True)
    pd.testing.assert_frame_equal(first.predict_proba(rows), second.predict_proba(rows), check_exact=True)


def test_the_order_of_columns_does_not_matter():
    rows = _labelled(["no", "yes"])
    model = fit(rows, "y", trials=3)
    turned = fit(rows[rows.columns[::-1]], "y", trials=3)
    assert turned.cv == model.cv
    pd.testing.assert_frame_equal(model.predict_proba(rows), turned.predict_proba(rows), check_exact=True)


@pytest.mark.parametrize("target", ["class", "value"])
def test_a_replay_of_a_timed_search_is_identical(target):
    rows = _labelled(["no", "yes"]) if target == "class" else _rows()
    timed = fit(rows, "y", budget_seconds=1.5)
    again = fit(rows, "y", replay=timed.trials)
    assert again.cv == timed.cv
    assert again.weights == timed.weights
    assert [trial["rounds"] for trial in again.trials] == [trial["rounds"] for trial in timed.trials]
    values = [m.predict_proba(rows) if m.classes else m.predict(rows).to_frame() for m in (timed, again)]
    pd.testing.assert_frame_equal(*values, check_exact=True)


def test_the_record_of_trials_is_json():
    import json

    model = fit(_rows(60), "y", trials=4)
    assert json.loads(json.dumps(model.trials)) == model.trials


def test_a_rare_class_does_not_break_a_fit():
    rows = _labelled(["a", "b"], 100)
    rows["y"] = rows["y"].astype(object)
    rows.loc[[1, 2, 3], "y"] = "rare"
    rows.loc[[4], "y"] = "once"
    model = fit(rows, "y", trials=5, metric="log_loss")
    assert model.classes == ["a", "b", "once", "rare"]
    assert np.isfinite(model.cv)
    assert (model.predict_proba(rows).to_numpy() > 0).all()


@pytest.mark.parametrize("metric", ["f1", "accuracy", "balanced_accuracy", "average_precision", "log_loss"])
@pytest.mark.parametrize("labels", [["no", "yes"], ["a", "b", "c"]], ids=["binary", "multiclass"])
def test_every_metric_of_classes(metric, labels):
    model = fit(_labelled(labels, 120), "y", trials=2, metric=metric)
    assert model.metric == metric
    assert 0 < model.cv < 1


@pytest.mark.parametrize("metric", ["mae", "mape", "r2", "pinball"])
def test_every_metric_of_values_on_a_skewed_target(metric):
    rows = _rows(150)
    rows["y"] = np.exp(1.5 * rows["y"])
    model = fit(rows, "y", trials=5, metric=metric)
    naive = score(metric, rows["y"], np.full(150, rows["y"].median()))
    assert (model.cv > naive) if metric == "r2" else (model.cv < naive)
    assert model.predict(rows).min() >= 0


def test_repeated_groups_stay_in_one_fold():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(30), 10)
    level = rng.normal(size=30)
    # The group says everything, and nothing else does: only a split inside groups would score.
    rows = pd.DataFrame({"level": level[group], "noise": rng.normal(size=300), "y": (rng.random(30) < 0.5)[group]})
    inside = fit(rows, "y", trials=3)
    apart = fit(rows, "y", trials=3, groups=pd.Series(group))
    assert inside.cv > 0.85
    assert apart.cv < 0.7


def test_temporal_validation_trains_on_the_past_and_refits_on_all():
    rows = _labelled(["no", "yes"])
    model = fit(rows, "y", trials=3, time=rows["seen"], validation="temporal")
    assert rows["seen"][model.oof.index].min() >= rows["seen"].quantile(0.69)
    assert all(trial["final_rounds"] for trial in model.trials if trial["model"] in model.weights)


def test_weights_move_the_model():
    rows = _rows()
    heavy = np.where(rows["kind"] == "red", 1.0, 0.0)
    plain, weighted = fit(rows, "y", trials=1), fit(rows, "y", trials=1, weights=heavy)
    assert not np.allclose(plain.predict(rows), weighted.predict(rows))


def test_interpretable_gives_one_readable_model():
    model = fit(_labelled(["no", "yes"]), "y", budget_seconds=5, interpretable=True)
    assert {trial["learner"] for trial in model.trials} <= {"linear", "lasso", "elastic_net", "additive", "tree"}
    assert {"linear", "additive"} <= {trial["learner"] for trial in model.trials}
    assert len(model.fitted.members) == 1
    assert len(model.fitted.members[0].parts) == 1


@pytest.mark.parametrize("policy", [ThresholdPolicy("cost", 1.0, 20.0), ThresholdPolicy("top_k", top_k=5)])
def test_the_threshold_follows_the_policy(policy):
    rows = _labelled(["no", "yes"])
    usual = fit(rows, "y", trials=1, positive="yes")
    model = fit(rows, "y", trials=1, positive="yes", threshold=policy)
    assert usual.threshold_by == "f1"
    assert model.threshold_by.startswith(policy.by)
    assert (model.threshold < usual.threshold) == (policy.by == "cost")
    if policy.by == "top_k":
        # Rows with equal probabilities cannot be told apart.
        assert abs((model.oof["yes"] >= model.threshold).sum() - 5) <= 1


@pytest.mark.parametrize(("asked", "expected"), [(None, "yes"), ("no", "no")])
def test_the_positive_class(asked, expected):
    model = fit(_labelled(["no", "yes"], 60), "y", trials=1, positive=asked)
    assert model.positive == expected


def test_few_rows_get_a_model_and_a_warning():
    events = []
    model = fit(_labelled(["no", "yes"], 12), "y", trials=4, on_event=events.append)
    assert any(isinstance(event, Warned) and "12 rows" in event.text for event in events)
    assert len(model.predict(_labelled(["no", "yes"], 12))) == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.assign(y=1), "same value|every row"),
        (lambda rows: rows.assign(y="a"), "nothing to tell apart"),
        (lambda rows: rows.assign(y=rows["y"].where(rows.index != 3)), "1 of 60 rows have no value.*row 4"),
        (lambda rows: rows.assign(y=np.where(rows.index == 2, np.inf, rows["y"])), "finite"),
        (lambda rows: rows.head(9), "at least 10"),
        (lambda rows: rows.assign(y=["rare"] + ["a"] * 59), "Only one row.*'rare'"),
        (lambda rows: rows.assign(y=rows["y"] > 0, size=1, kind="a", seen=None, flag=None), "nothing to learn from"),
        (lambda rows: rows[["y"]], "no column to learn from"),
        (lambda rows: rows.set_axis(["a", "a", "b", "c", "y"], axis=1), "repeat: 'a'"),
        (lambda rows: rows.assign(y=[f"label {i}" for i in range(60)]).pipe(lambda r: pd.concat([r] * 6)), None),
    ],
)
def test_what_cannot_be_learned_is_refused(change, message):
    rows = change(_rows(60))
    if message is None:
        rows = rows.assign(y=[f"label {i}" for i in range(len(rows))])
        message = "at most 200"
    with pytest.raises(TrainingError, match=message):
        fit(rows, "y", trials=1)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"target": "z"}, RequestError),
        ({"metric": "f1", "task": "regression"}, RequestError),
        ({"task": "clustering"}, RequestError),
        ({"target": None}, RequestError),
        ({"clusters": 3}, RequestError),
        ({"task": "binary"}, TrainingError),
        ({"budget_seconds": 0}, RequestError),
        ({"folds": 1}, RequestError),
        ({"replay": []}, RequestError),
        ({"kinds": {"size": "colour"}}, RequestError),
        ({"weights": [1.0]}, RequestError),
        ({"groups": pd.Series([1])}, RequestError),
        ({"target": pd.Series([1, 2])}, RequestError),
        ({"task": "multiclass", "positive": "maybe"}, RequestError),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, error):
    rows = _rows(60)
    rows["y"] = np.where(rows.index % 3 == 0, "a", np.where(rows.index % 3 == 1, "b", "c"))
    if arguments.get("task") == "regression":
        rows["y"] = np.arange(60.0)
    with pytest.raises(error):
        fit(rows, **({"target": "y", "trials": 1} | arguments))


def test_a_budget_holds_and_events_tell():
    import time

    events = []
    start = time.monotonic()
    model = fit(_labelled(["no", "yes"]), "y", budget_seconds=2.0, on_event=events.append)
    assert time.monotonic() - start < 2.0 * 1.1 + 10
    assert model.seconds > 0
    finished = [event for event in events if isinstance(event, TrialFinished)]
    assert [event.number for event in finished] == list(range(1, len(finished) + 1))
    bars = [event for event in events if isinstance(event, Progress)]
    assert {event.stage for event in bars} == {"training"}
    assert bars[-1].done == bars[-1].total == 2.0


@pytest.mark.parametrize("how", ["callback", "interrupt"])
def test_a_cancelled_search_says_so(how):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(Cancelled):
        fit(_labelled(["no", "yes"]), "y", budget_seconds=60, cancel=(lambda: True) if how == "callback" else interrupt)


def test_a_missing_extra_is_left_out_with_a_warning(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "catboost", None)
    events = []
    model = fit(_labelled(["no", "yes"], 100), "y", trials=6, on_event=events.append)
    assert "catboost" not in {trial["learner"] for trial in model.trials}
    warned = [event.text for event in events if isinstance(event, Warned)]
    assert len(warned) == 1
    assert 'pip install "automl-runtime[boost]"' in warned[0]


def test_a_failing_trial_costs_nothing_else(monkeypatch):
    from automl_runtime.engine.learners.linear import LinearLearner

    def broken(self, job):
        raise ValueError("singular")

    monkeypatch.setattr(LinearLearner, "fit", broken)
    events = []
    model = fit(_rows(100), "y", trials=3, on_event=events.append)
    assert [trial["status"] for trial in model.trials] == ["complete", "failed", "complete"]
    assert any(isinstance(event, TrialFinished) and event.error == "ValueError: singular" for event in events)


def test_nothing_but_failures_is_an_error(monkeypatch):
    from automl_runtime.engine.learners.lightgbm import LightGbmLearner

    def broken(self, job):
        raise RuntimeError("no luck")

    monkeypatch.setattr(LightGbmLearner, "fit", broken)
    with pytest.raises(TrainingError, match="no luck"):
        fit(_rows(100), "y", trials=1)


def test_importance_finds_the_column_that_matters():
    rows = _labelled(["no", "yes"])
    model = fit(rows, "y", trials=2)
    found = model.importance(rows, "y")
    assert next(iter(found)) == "size"
    assert set(found) == {"size", "kind", "seen", "flag"}
    assert sum(found.values()) == pytest.approx(1.0)
    assert set(model.importance(rows, rows["y"], seconds=0.0).values()) == {0.0}


def test_a_shuffled_target_is_not_learned():
    rng = np.random.default_rng(0)
    rows = _labelled(["no", "yes"], 400)
    rows["many"] = rng.integers(0, 120, 400).astype(str)
    rows["y"] = rng.permutation(rows["y"])
    assert fit(rows, "y", trials=3).cv < 0.6


def test_groups_weights_and_time_can_be_named():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"who": np.repeat(np.arange(20), 5), "w": 1.0, "at": np.arange(100), "x": rng.normal(size=100)})
    rows["y"] = rows["x"] + rng.normal(size=100)
    named = fit_fully(rows, "y", groups="who", weights="w", trials=1, folds=3)
    assert named.features == ["at", "x"]
    apart = fit_fully(rows.drop(columns=["who", "w"]), "y", groups=rows["who"], weights=rows["w"], trials=1, folds=3)
    assert named.oof.equals(apart.oof)
    assert fit_fully(rows, "y", time="at", validation="temporal", trials=1).features == ["who", "w", "at", "x"]
    with pytest.raises(RequestError, match="no column 'whom'"):
        fit_fully(rows, "y", groups="whom")


@pytest.mark.parametrize(
    "params",
    [
        {"bagging_fraction": 0.55, "bagging_freq": 1, "min_data_in_leaf": 32, "feature_fraction": 0.4},
        {"extra_trees": True, "min_data_in_leaf": 40},
    ],
    ids=["sampled rows", "random thresholds"],
)
def test_rounds_of_lightgbm_that_found_no_split_are_replayed_too(params):
    """They leave no tree, but draw random numbers: what counts is how many were tried."""
    rows = _rows(150)
    model = fit(rows, "y", trials=1, models=["lightgbm"], params=params)
    again = fit(rows, "y", replay=model.trials)
    rounds = [m.trials[0]["rounds"] for m in (model, again)]
    assert rounds[0] == rounds[1]
    assert again.cv == model.cv
    pd.testing.assert_series_equal(again.predict(rows), model.predict(rows), check_exact=True)
