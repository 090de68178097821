"""What a fit says while it runs, and how it is stopped."""

from __future__ import annotations

import threading
import time

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.errors import Cancelled, TrainingError
from automl_runtime.events import (
    CancellationToken,
    EpochCompleted,
    TerminalEvent,
    TrainingCompleted,
    TrainingFailed,
    TrialFinished,
)


def rows(count=200):
    draw = np.random.default_rng(3)
    x = draw.normal(size=(count, 3))
    y = np.where(x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * draw.normal(size=count) > 0, "on", "off")
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=y)


def test_a_fit_ends_with_one_terminal_event_that_holds_the_score():
    events = []
    model = fit(rows(), "y", trials=2, on_event=events.append)
    assert [event for event in events if isinstance(event, TerminalEvent)] == [events[-1]]
    assert events[-1] == TrainingCompleted(None, {"roc_auc": model.cv})


@pytest.mark.parametrize(
    ("frame", "target", "cancel", "error", "cancelled"),
    [
        (rows().assign(y="on"), "y", None, TrainingError, False),
        (rows(), "z", None, ValueError, False),
        (rows(), "y", lambda: True, Cancelled, True),
    ],
    ids=["data", "request", "cancelled"],
)
def test_a_fit_that_leaves_no_model_ends_with_one_failure(frame, target, cancel, error, cancelled):
    events = []
    with pytest.raises(error) as raised:
        fit(frame, target, trials=2, cancel=cancel, on_event=events.append)
    [end] = [event for event in events if isinstance(event, TerminalEvent)]
    assert isinstance(end, TrainingFailed)
    assert end is events[-1]
    assert (end.error, end.cancelled) == (str(raised.value), cancelled)
    assert "fit.py" in end.traceback


@pytest.mark.parametrize("learner", ["lightgbm", "catboost", "network"])
def test_boosters_and_networks_tell_their_epochs(learner):
    pytest.importorskip("catboost")
    record = {
        "lightgbm": {"learning_rate": 0.1, "patience": 20},
        "catboost": {"learning_rate": 0.1, "depth": 3, "patience": 20},
        "network": {"epochs": 4, "patience": 4, "batch": 32, "width": 8, "layers": 1, "dropout": 0.0}
        | {"rate": 0.01, "decay": 0.0},
    }[learner]
    plan = {"validation": "stratified", "folds": 2, "rows": 200, "seed": 0}
    trial = {"model": "m", "learner": learner, "params": record, "rounds": [9, 9], "final_rounds": None, "plan": plan}
    events = []
    fit(rows(), "y", replay=[trial], on_event=events.append)
    epochs = [event for event in events if isinstance(event, EpochCompleted)]
    assert {event.fold for event in epochs} == {0, 1}
    assert all(0 < event.epoch <= event.total_epochs and event.model == "m" for event in epochs)
    assert all(np.isfinite(event.val_loss) for event in epochs)
    # The last one of each fold is always told: rounds, or passes over the rows in 8 steps.
    ends = [[event.epoch for event in epochs if event.fold == fold][-1] for fold in (0, 1)]
    assert ends == ([2, 2] if learner == "network" else [9, 9])


def test_a_raising_handler_changes_nothing():
    def broken(event):
        raise OSError("closed")

    plain, heard = (fit(rows(), "y", trials=2, **more) for more in ({}, {"on_event": broken}))
    assert heard.cv == plain.cv
    assert heard.trials == plain.trials


def test_a_stuck_handler_does_not_stop_the_training():
    go_on, ends = threading.Event(), []

    def stuck(event):
        go_on.wait(60)
        if isinstance(event, TerminalEvent):
            ends.append(event)

    model = fit(rows(), "y", trials=2, on_event=stuck)
    assert len(model.trials) == 2
    assert not ends
    go_on.set()
    deadline = time.monotonic() + 30
    while not ends and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ends == [TrainingCompleted(None, {"roc_auc": model.cv})]


def test_a_token_ends_a_long_search_and_its_threads():
    token = CancellationToken()
    before = threading.active_count()
    with pytest.raises(Cancelled):
        fit(
            rows(),
            "y",
            budget_seconds=600,
            cancel=token,
            on_event=lambda event: token.cancel() if isinstance(event, TrialFinished) else None,
        )
    deadline = time.monotonic() + 30
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
