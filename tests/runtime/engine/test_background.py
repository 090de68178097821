from __future__ import annotations

import asyncio
import threading

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit, fit_async
from automl_runtime.errors import Cancelled, RequestError
from automl_runtime.events import CancellationToken, TrainingCompleted, TrainingFailed, TrialFinished


def rows():
    draw = np.random.default_rng(5)
    x = draw.normal(size=(200, 3))
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(y=x[:, 0] + x[:, 1] ** 2)


def test_the_loop_goes_on_while_a_model_is_trained_and_the_outcome_is_the_same():
    async def work():
        ticks, events, threads = 0, [], set()

        def hear(event):
            events.append(event)
            threads.add(threading.current_thread())

        task = asyncio.create_task(fit_async(rows(), "y", trials=2, on_event=hear))
        while not task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        return await task, ticks, events, threads

    model, ticks, events, threads = asyncio.run(work())
    assert model.trials == fit(rows(), "y", trials=2).trials
    assert ticks > 10
    assert threads == {threading.main_thread()}
    assert events[-1] == TrainingCompleted(None, {"rmse": model.cv})


def test_cancelling_the_task_stops_the_search():
    events = []

    async def work():
        task = asyncio.create_task(fit_async(rows(), "y", budget_seconds=600, on_event=events.append))
        while not any(isinstance(event, TrialFinished) for event in events):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)

    asyncio.run(work())
    assert isinstance(events[-1], TrainingFailed)
    assert events[-1].cancelled


def test_errors_and_tokens_arrive_as_in_fit():
    token = CancellationToken()
    token.cancel()
    with pytest.raises(Cancelled):
        asyncio.run(fit_async(rows(), "y", cancel=token))
    with pytest.raises(RequestError, match="no column 'z'"):
        asyncio.run(fit_async(rows(), "z"))
