from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.thresholds import (
    ThresholdPolicy,
    choose_multipliers,
    choose_threshold,
    default_policy,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score


def _cost(truth, flags):
    return -(3.0 * (flags & ~truth).sum() + 7.0 * (~flags & truth).sum())


SCORES = {
    "f1": lambda truth, flags: f1_score(truth, flags, zero_division=0),
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "cost": _cost,
}


@pytest.mark.parametrize("by", SCORES)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(4, 40))
def test_no_threshold_is_better_than_the_chosen_one(by, seed, rows):
    rng = np.random.default_rng(seed)
    truth = np.append([True, False], rng.random(rows - 2) < 0.4)
    proba = np.round(rng.random(rows), 1)
    chosen = choose_threshold(ThresholdPolicy(by, 3.0, 7.0), truth, proba).threshold
    best = max(SCORES[by](truth, proba >= cut) for cut in [*np.unique(proba), 1.1])
    assert SCORES[by](truth, proba >= chosen) == pytest.approx(best)


@pytest.mark.parametrize("wanted", [0, 1, 3, 10])
def test_top_k_flags_k_rows(wanted):
    proba = np.linspace(0.1, 0.9, 10)
    decision = choose_threshold(ThresholdPolicy("top_k", top_k=wanted), proba > 0.5, proba)
    assert (proba >= decision.threshold).sum() == wanted
    assert decision.by == f"top_k: {wanted} of 10 rows"


def test_neighbours_without_room_between_them_are_separated():
    low = 0.3
    proba = np.array([low, np.nextafter(low, 1.0)])
    decision = choose_threshold(ThresholdPolicy("f1"), np.array([False, True]), proba)
    assert (proba >= decision.threshold).tolist() == [False, True]


def test_costs_are_said_in_words():
    decision = choose_threshold(ThresholdPolicy("cost", 1, 5), np.array([True, False]), np.array([0.9, 0.1]))
    assert decision.by == "cost: false positive 1, false negative 5"


@pytest.mark.parametrize(
    ("metric", "by"), [("accuracy", "accuracy"), ("balanced_accuracy", "balanced_accuracy"), ("roc_auc", "f1")]
)
def test_the_policy_follows_the_metric(metric, by):
    assert default_policy(metric).by == by


def test_multipliers_lift_rare_classes_for_balanced_accuracy():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [900, 80, 20])
    prior = np.bincount(codes) / 1000
    proba = prior * np.exp(rng.normal(size=(1000, 3)) + 1.5 * np.eye(3)[codes])
    proba /= proba.sum(axis=1, keepdims=True)
    multipliers = choose_multipliers("balanced_accuracy", codes, proba)
    assert multipliers[0] < multipliers[1] < multipliers[2]
    plain, lifted = (np.argmax(proba * weights, axis=1) for weights in (1.0, np.array(multipliers)))
    assert balanced_accuracy_score(codes, lifted) > balanced_accuracy_score(codes, plain)
    assert choose_multipliers("log_loss", codes, proba) == ()
