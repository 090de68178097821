"""`fit` for programs with an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from automl_runtime.engine.fit import fit
from automl_runtime.events import CancellationToken, Event, EventSink, ignore

__all__ = ["fit_async"]


async def fit_async(
    frame: Any, target: Any, *, on_event: EventSink = ignore, cancel: CancellationToken | None = None, **options: Any
) -> Any:
    """As `fit`, on a thread of its own: the event loop goes on meanwhile.

    Args:
        frame: see `fit`.
        target: see `fit`.
        on_event: called in the event loop, one event after the other.
        cancel: ends the search; so does cancelling the task, which then waits until the search has stopped.
        **options: the other arguments of `fit`.

    Returns:
        What `fit` returns.

    Raises:
        asyncio.CancelledError: if the task was cancelled.
        AutomlError: as `fit`.
    """
    token = CancellationToken() if cancel is None else cancel
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(event: Event) -> None:
        loop.call_soon_threadsafe(on_event, event)

    def work() -> None:
        sink = ignore if on_event is ignore else tell
        try:
            result = fit(frame, target, on_event=sink, cancel=token, **options)
        except BaseException as error:  # noqa: BLE001 -- raised again where it is awaited
            loop.call_soon_threadsafe(_settle, done, None, error)
        else:
            loop.call_soon_threadsafe(_settle, done, result, None)

    threading.Thread(target=work, name="automl-fit", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        token.cancel()
        # The search ends within seconds; leaving earlier would leave its threads behind.
        await asyncio.wait([done])
        done.exception()
        raise


def _settle(done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
