"""Lines for machines: with AUTOML_LOG=json every line on standard error is a JSON object of its own.

Each has `timestamp`, `level`, `logger`, `message`, `project` and `run_id` (null outside of one); those of events also
have the event as `event`, those that a service writes while it answers the name of the request as `request_id`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType

from automl_runtime.errors import AutomlError, Cancelled, RequestError
from automl_runtime.events import (
    EpochCompleted,
    Event,
    Finding,
    Progress,
    TrainingCompleted,
    TrainingFailed,
    TrialFinished,
    Warned,
    finite,
)
from automl_runtime.serving.request_ids import current_request

__all__ = ["bind_run", "level_of", "log_error", "log_event", "logs_json", "say", "start_logging"]

_log = logging.getLogger("automl_runtime.run")

_LEVELS: tuple[tuple[type[object], int], ...] = (
    (EpochCompleted, logging.DEBUG),
    (Progress, logging.INFO),
    (TrialFinished, logging.INFO),
    (Finding, logging.INFO),
    (TrainingCompleted, logging.INFO),
    (Warned, logging.WARNING),
    (Cancelled, logging.WARNING),
    (RequestError, logging.WARNING),
    (TrainingFailed, logging.CRITICAL),
    (BaseException, logging.CRITICAL),
)
"""What the user wants or can settle is a warning, what the run survives an error, what ends it is critical."""


class _JsonLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__()
        self.bound: dict[str, str | None] = {"project": None, "run_id": None}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self.bound,
        }
        request = current_request.get()
        if request is not None:
            line["request_id"] = request
        event = getattr(record, "event", None)
        if event is not None:
            line["event"] = event
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(finite(line), ensure_ascii=False, default=str)


def logs_json(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether $AUTOML_LOG asks for JSON.

    Raises:
        RequestError: if it asks for something else.
    """
    asked = variables.get("AUTOML_LOG") or "text"
    if asked not in ("json", "text"):
        raise RequestError(f"AUTOML_LOG is {asked!r}; possible: json, text.")
    return asked == "json"


def start_logging(project: str | None, *, as_json: bool = False) -> None:
    """Sends the log of the process to standard error as JSON, where `as_json` or $AUTOML_LOG says so.

    Warnings of Python and errors that nobody caught are lines of the log too. With `as_json` $AUTOML_LOG is set, for
    whatever the process starts.

    Raises:
        RequestError: if $AUTOML_LOG asks for something unknown.
    """
    if as_json:
        os.environ["AUTOML_LOG"] = "json"
    if logs_json():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_JsonLines())
        logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
        _log.setLevel(logging.DEBUG)
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        bind_run(project, None)


def bind_run(project: str | None, run_id: str | None) -> None:
    """Puts the names on every line from now on; without effect where lines are text."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _JsonLines):
            handler.formatter.bound = {"project": project, "run_id": run_id}


def level_of(fault: Event | BaseException) -> int:
    """The level of an event or error, as `logging` numbers them."""
    if isinstance(fault, TrialFinished) and fault.error is not None:
        return logging.ERROR
    if isinstance(fault, TrainingFailed) and fault.cancelled:
        return logging.WARNING
    return next((level for kind, level in _LEVELS if isinstance(fault, kind)), logging.INFO)


def log_event(event: Event) -> None:
    """A sink that logs each event at its level."""
    fields = event.to_json()
    text = next((str(fields[name]) for name in ("text", "message", "error") if fields.get(name)), event.kind)
    _log.log(level_of(event), "%s", text, extra={"event": fields})


def log_error(error: AutomlError, raised: BaseException | None = None) -> None:
    """Logs an error at its level, with the traceback of what was `raised`."""
    _log.log(level_of(error), "%s", error, exc_info=raised)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))


def say(what: str | AutomlError) -> None:
    """Writes the result or the error of a step to standard error: a line of text, or of the log in JSON."""
    if os.environ.get("AUTOML_LOG") == "json":
        _log.info("%s", what) if isinstance(what, str) else log_error(what)
    else:
        sys.stderr.write(f"{what}\n" if isinstance(what, str) else f"error: {what}\n")
