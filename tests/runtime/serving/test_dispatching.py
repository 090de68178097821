"""Dynamic batching: exactly one answer for each request, under any schedule."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from automl_runtime.serving.dispatching import (
    BatchPolicy,
    CostModel,
    Dispatcher,
    Overloaded,
    Priority,
    TimedOut,
)
from hypothesis import given, settings
from hypothesis import strategies as st


class Model:
    """Doubles numbers; notes its batches; holds while `gate` is closed."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, items: list[int]) -> Sequence[int | Exception]:
        self.gate.wait(10)
        self.batches.append(list(items))
        time.sleep(self.seconds)
        if 13 in items and len(items) > 1:
            raise RuntimeError("a batch with 13 breaks")
        return [ValueError("13") if item == 13 else 2 * item for item in items]


def run(scenario: Callable[..., Any], *arguments: Any) -> Any:
    return asyncio.run(scenario(*arguments))


async def outcomes(futures: Sequence[asyncio.Future[int]]) -> list[Any]:
    return list(await asyncio.gather(*futures, return_exceptions=True))


def test_an_idle_model_is_used_at_once_and_what_comes_meanwhile_forms_the_next_batch() -> None:
    async def scenario() -> tuple[list[Any], list[list[int]]]:
        model = Model()
        model.gate.clear()
        dispatcher = Dispatcher(model)
        futures = [dispatcher.submit(number) for number in range(5)]
        model.gate.set()
        answers = await outcomes(futures)
        await dispatcher.close()
        return answers, model.batches

    answers, batches = run(scenario)
    assert answers == [0, 2, 4, 6, 8]
    assert batches == [[0], [1, 2, 3, 4]]


def test_a_bad_item_harms_itself_only() -> None:
    async def scenario() -> list[Any]:
        model = Model()
        model.gate.clear()
        dispatcher = Dispatcher(model)
        futures = [dispatcher.submit(number) for number in (1, 2, 13, 3)]
        model.gate.set()
        return await outcomes(futures)

    one, two, thirteen, three = run(scenario)
    assert (one, two, three) == (2, 4, 6)
    assert isinstance(thirteen, ValueError)


def test_rows_are_counted_and_not_requests() -> None:
    async def scenario() -> list[list[int]]:
        model = Model()
        model.gate.clear()
        dispatcher = Dispatcher(model, BatchPolicy(most_rows=10))
        futures = [dispatcher.submit(number, rows) for number, rows in enumerate([1, 6, 4, 3, 50, 1])]
        model.gate.set()
        await outcomes(futures)
        return model.batches

    assert run(scenario) == [[0], [1, 2], [3], [4], [5]]


def test_urgent_requests_go_first_and_old_ones_rise() -> None:
    async def scenario(ageing: float) -> list[list[int]]:
        model = Model()
        model.gate.clear()
        dispatcher = Dispatcher(model, BatchPolicy(most_rows=1, ageing_seconds=ageing))
        futures = [dispatcher.submit(0), dispatcher.submit(1, priority=Priority.LOW)]
        await asyncio.sleep(0.05)
        futures += [dispatcher.submit(2, priority=Priority.NORMAL), dispatcher.submit(3, priority=Priority.CRITICAL)]
        model.gate.set()
        await outcomes(futures)
        return model.batches

    assert run(scenario, 60.0) == [[0], [3], [2], [1]]
    assert run(scenario, 0.01) == [[0], [1], [3], [2]]


def test_a_full_queue_is_refused_with_the_time_to_come_back() -> None:
    async def scenario() -> tuple[Overloaded, list[Any]]:
        model = Model()
        model.gate.clear()
        dispatcher = Dispatcher(model, BatchPolicy(queue_rows=(9, 9, 2, 9)))
        futures = [dispatcher.submit(number) for number in range(3)]
        with pytest.raises(Overloaded) as refused:
            dispatcher.submit(4)
        futures.append(dispatcher.submit(5, priority=Priority.LOW))
        model.gate.set()
        answers = await outcomes(futures)
        assert dispatcher.counts.refused == 1
        return refused.value, answers

    refusal, answers = run(scenario)
    assert (refusal.status, refusal.retry_after) == (429, 1)
    assert answers == [0, 2, 4, 10]


def test_what_cannot_be_answered_in_time_is_refused_at_once() -> None:
    async def scenario() -> int:
        model = Model(seconds=0.02)
        dispatcher = Dispatcher(model, BatchPolicy(most_rows=1))
        await dispatcher.submit(1)
        futures = [dispatcher.submit(number) for number in range(20)]
        with pytest.raises(Overloaded) as refused:
            dispatcher.submit(99, timeout=0.1)
        await outcomes(futures)
        return refused.value.status

    assert run(scenario) == 503


def test_a_request_that_waits_too_long_is_told_so_and_not_scored() -> None:
    async def scenario() -> tuple[list[Any], list[list[int]], int]:
        model = Model()
        model.gate.clear()
        dispatcher = Dispatcher(model)
        first = dispatcher.submit(0)
        late = dispatcher.submit(1, timeout=0.02)
        answers = await outcomes([late])
        model.gate.set()
        answers += await outcomes([first])
        await dispatcher.close()
        return answers, model.batches, dispatcher.waiting_rows

    (late, first), batches, waiting = run(scenario)
    assert isinstance(late, TimedOut)
    assert (first, batches, waiting) == (0, [[0]], 0)


def test_a_cancelled_request_leaves_the_queue() -> None:
    async def scenario() -> tuple[list[list[int]], int]:
        model = Model()
        model.gate.clear()
        dispatcher = Dispatcher(model)
        first, gone, last = (dispatcher.submit(number) for number in range(3))
        gone.cancel()
        await asyncio.sleep(0)
        waiting = dispatcher.waiting_rows
        model.gate.set()
        await outcomes([first, last])
        return model.batches, waiting

    assert run(scenario) == ([[0], [2]], 1)


def test_closing_answers_what_was_taken_and_takes_nothing_more() -> None:
    async def scenario() -> list[Any]:
        dispatcher = Dispatcher(Model(seconds=0.01))
        futures = [dispatcher.submit(number) for number in range(3)]
        closing = asyncio.ensure_future(dispatcher.close())
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="stopping"):
            dispatcher.submit(9)
        await closing
        return [future.result() for future in futures]

    assert run(scenario) == [0, 2, 4]


def test_batches_shrink_when_the_goal_is_missed_and_grow_when_it_is_met() -> None:
    async def scenario(goal: float) -> int:
        dispatcher = Dispatcher(Model(seconds=0.005), BatchPolicy(most_rows=64, goal_seconds=goal))
        dispatcher.cap = 16
        for _ in range(3):
            await outcomes([dispatcher.submit(number, 8) for number in range(20, 30)])
        return dispatcher.cap

    assert run(scenario, 0.001) < 16 < run(scenario, 60.0)


def test_the_cost_model_learns_a_line() -> None:
    cost = CostModel()
    for rows in (1, 10, 100, 50, 20):
        cost.add(rows, 0.002 + 0.0001 * rows)
    assert cost.line() == pytest.approx((0.0001, 0.002))
    assert cost.seconds(100, 2) == pytest.approx(0.014)


@pytest.mark.parametrize("sizes", [[], [5, 5, 5]])
def test_the_cost_model_takes_equal_batches_and_none(sizes: list[int]) -> None:
    cost = CostModel()
    for rows in sizes:
        cost.add(rows, 0.01)
    assert cost.seconds(5) == pytest.approx(0.01 if sizes else 0.0)


def test_a_slow_first_row_does_not_make_many_look_hopeless() -> None:
    async def story() -> None:
        dispatcher: Dispatcher[int, int] = Dispatcher(lambda items: items)
        for rows, seconds in ((1, 2.0), (3, 6.0)):
            dispatcher.cost.add(rows, seconds)
            assert await dispatcher.submit(rows, 100_000) == rows
        await dispatcher.close()

    asyncio.run(story())


ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.integers(1, 40),
        st.sampled_from(list(Priority)),
        st.sampled_from([0.0005, 0.003, 5.0]),
        st.sampled_from(["keep", "cancel now", "cancel soon"]),
        st.sampled_from([0.0, 0.0, 0.0005, 0.002]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(actions=ACTIONS, most_rows=st.integers(1, 64), seconds=st.sampled_from([0.0, 0.0005, 0.002]))
def test_every_request_is_answered_exactly_once(actions: list[Any], most_rows: int, seconds: float) -> None:
    async def scenario() -> None:
        model = Model(seconds)
        policy = BatchPolicy(most_rows=most_rows, queue_rows=(200, 100, 100, 50), goal_seconds=0.004)
        dispatcher = Dispatcher(model, policy)
        futures: list[tuple[int, asyncio.Future[int]]] = []
        told: list[int] = []
        for item, rows, priority, timeout, fate, pause in actions:
            try:
                future = dispatcher.submit(item, rows, priority=priority, timeout=timeout)
            except Overloaded:
                continue
            place = len(futures)
            future.add_done_callback(lambda _, place=place: told.append(place))  # type: ignore[misc]
            futures.append((item, future))
            if fate == "cancel now":
                future.cancel()
            elif fate == "cancel soon":
                asyncio.get_running_loop().call_later(0.001, future.cancel)
            await asyncio.sleep(pause)
        answers = await outcomes([future for _, future in futures])
        await dispatcher.close()
        assert sorted(told) == list(range(len(futures)))
        for (item, _), answer in zip(futures, answers, strict=True):
            if item == 13:
                assert isinstance(answer, ValueError | TimedOut | asyncio.CancelledError)
            else:
                assert answer == 2 * item or isinstance(answer, TimedOut | asyncio.CancelledError)
        counts = dispatcher.counts
        ended = counts.answered + counts.failed + counts.refused + counts.timed_out + counts.cancelled
        assert counts.submitted == ended == len(actions)
        assert dispatcher.waiting_rows == 0

    asyncio.run(scenario())
