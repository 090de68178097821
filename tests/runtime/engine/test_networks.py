"""Multilayer perceptrons: they learn each task, end when told to, and come out again in a replay."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.folds import Fold
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.learners.base import Job, Stopper
from automl_runtime.engine.learners.network import NetworkLearner
from automl_runtime.engine.portfolio import portfolio
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.workspace import Workspace
from automl_runtime.inference.encoding import Encoder
from automl_runtime.inference.network import Network, silu


def _rows(count=400):
    """A target that is no sum of its inputs."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"a": rng.normal(size=count), "b": rng.normal(size=count), "kind": rng.choice(list("xyz"), count)}
    )
    rows["y"] = rows["a"] * rows["b"] + (rows["kind"] == "x") + rng.normal(scale=0.1, size=count)
    return rows


@pytest.fixture
def alone():
    """The search has nothing but networks."""
    return partial(fit, models=["network"])


@pytest.mark.parametrize("labels", [None, ["no", "yes"], ["low", "middle", "high"]], ids=str)
def test_what_is_no_sum_is_learned(alone, labels):
    rows = _rows()
    if labels:
        cuts = np.quantile(rows["y"], np.linspace(0, 1, len(labels) + 1)[1:-1])
        rows["y"] = np.array(labels)[np.searchsorted(cuts, rows["y"])]
    model = alone(rows, "y", trials=1, folds=3)
    assert model.best_model == "network"
    if labels is None:
        assert model.cv < 0.5 * rows["y"].std()
    else:
        assert (model.predict(rows) == rows["y"]).mean() > 0.8


def test_networks_repeat_and_replay_a_timed_search(alone):
    rows = _rows()
    timed = alone(rows, "y", budget_seconds=1.0, folds=3)
    again = fit(rows, "y", replay=timed.trials)
    np.testing.assert_array_equal(again.oof, timed.oof)
    assert [trial["rounds"] for trial in again.trials] == [trial["rounds"] for trial in timed.trials]


def _job(rows, stop=None, rounds=None, valid=100):
    inputs, problem = make_problem(
        rows, "y", task=None, metric=None, positive=None, weights=None, groups=None, time=None
    )
    data = (encoder := Encoder(make_columns(inputs, None))).encode(inputs)
    assert encoder is not None
    places = np.arange(len(rows))
    workspace = Workspace(problem, data, [Fold(places[valid:], places[:valid])], 0)
    config = next(config for config in portfolio(problem, data, interpretable=False) if config.name == "network")
    learner = NetworkLearner()
    fold = workspace.fold_data(learner.recipe(config.params), 0)
    return learner, Job(workspace, fold, config.params, 0, 1, stop or Stopper(), rounds)


@pytest.mark.parametrize("steps", [1, 3, 20])
def test_a_fit_that_is_stopped_anywhere_is_valid_and_comes_out_again(steps):
    class After(Stopper):
        calls = 0

        def __call__(self):
            After.calls += 1
            return After.calls >= steps

    learner, job = _job(_rows(), After())
    stopped = learner.fit(job)
    assert stopped.rounds == steps
    again = learner.fit(_job(_rows(), rounds=steps)[1])
    np.testing.assert_array_equal(again.predictor.weights, stopped.predictor.weights)


def test_a_fit_on_all_rows_runs_the_rounds_it_is_given():
    learner, job = _job(_rows(), rounds=7, valid=0)
    fit = learner.fit(job)
    assert (fit.rounds, fit.best) == (7, 7)


def test_weights_of_rows_move_a_network(alone):
    rows = _rows()
    heavy = np.where(rows["kind"] == "x", 1.0, 0.0)
    plain, weighted = (alone(rows, "y", trials=1, folds=3, weights=weights) for weights in (None, heavy))
    assert not np.allclose(plain.predict(rows), weighted.predict(rows))


def test_the_layers_of_a_network():
    weights = np.arange(2 * 3 + 3 + 3 * 1 + 1, dtype=np.float32) / 10
    network = Network(weights, np.array([2, 3, 1]))
    rows = np.array([[1.0, -2.0]])
    hidden = silu(rows @ weights[:6].astype(float).reshape(2, 3) + weights[6:9])
    np.testing.assert_allclose(network.predict(rows), hidden @ weights[9:12].astype(float)[:, None] + weights[12])
