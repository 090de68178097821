from __future__ import annotations

import io
import json
import logging
import math
import threading
import time

import pytest
from automl_runtime.events import (
    CancellationToken,
    Delivery,
    EpochCompleted,
    Finding,
    Progress,
    TrainingCompleted,
    TrainingFailed,
    TrialFinished,
    Warned,
    event_from_json,
    json_lines,
)

EVENTS = [
    Progress("training", 1.0, None, "one"),
    TrialFinished(1, "linear", 0.5, 0.5, 0.1),
    EpochCompleted(3, 10, 0.5, 0.25, "network", 2),
    Finding("grounded", "yes"),
    Warned("few rows"),
    TrainingCompleted("run_001_20250101_0000", {"rmse": 1.5}),
    TrainingFailed("no", "Traceback", None, True),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_survives_json(event):
    assert event_from_json(json.loads(json.dumps(event.to_json()))) == event


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'party'.*'completed', 'epoch', 'failed'"):
        event_from_json({"kind": "party"})


def test_json_lines_hold_no_number_that_json_does_not_know():
    stream = io.StringIO()
    json_lines(stream)(TrialFinished(1, "m", math.nan, -math.inf, 1.0))
    assert json.loads(stream.getvalue(), parse_constant=pytest.fail)["score"] is None


def test_a_failure_tells_its_message_and_traceback():
    try:
        raise KeyError("size")
    except KeyError as error:
        event = TrainingFailed.of(error, cancelled=False)
    assert event.error == "'size'"
    assert "test_events.py" in event.traceback
    assert event.traceback.endswith("KeyError: 'size'\n")


def test_events_are_delivered_in_order_from_another_thread():
    got = []
    delivery = Delivery(lambda event: got.append((event, threading.current_thread().name)))
    for event in EVENTS:
        delivery(event)
    delivery.close()
    assert [event for event, _ in got] == EVENTS
    assert {name for _, name in got} == {"automl-events"}
    delivery(EVENTS[0])
    assert len(got) == len(EVENTS)


def test_a_raising_handler_gets_the_rest_and_is_logged_once(caplog):
    got = []

    def broken(event):
        got.append(event)
        raise OSError("no pipe")

    delivery = Delivery(broken)
    for event in EVENTS:
        delivery(event)
    with caplog.at_level(logging.ERROR):
        delivery.close()
    assert got == EVENTS
    assert [record.getMessage() for record in caplog.records] == [
        "The event handler raised OSError: no pipe; the training goes on."
    ]


def test_a_stuck_handler_costs_dropped_events_that_are_counted_and_never_the_last_one():
    got, go_on = [], threading.Event()

    def stuck(event):
        go_on.wait(30)
        got.append(event)

    delivery = Delivery(stuck, capacity=5)
    for number in range(100):
        delivery(Progress("training", number))
    last = TrainingCompleted(None)
    delivery(last)
    assert delivery.dropped >= 94
    delivery.close(patience=0.05)
    go_on.set()
    deadline = time.monotonic() + 30
    while (not got or got[-1] != last) and time.monotonic() < deadline:
        time.sleep(0.01)
    # The one that was stuck; then what was dropped, and the end.
    assert got == [Progress("training", 0), Warned(f"{delivery.dropped} events were dropped: {SLOWER}"), last]
    assert delivery.dropped == 99


SLOWER = "the handler is slower than the training."


def test_a_token_is_cancelled_for_good_and_can_be_called():
    token = CancellationToken()
    assert not token.is_cancelled
    assert not token()
    token.cancel()
    token.cancel()
    assert token.is_cancelled
    assert token()
