"""Where the events of a step go."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import TextIO

from automl_runtime.events import Event, EventSink, ignore

__all__ = ["json_lines", "sink_from_environment"]


def json_lines(stream: TextIO, guard: threading.Lock) -> EventSink:
    """A sink that writes each event as one JSON line to `stream`; safe to call from several threads."""

    def write(event: Event) -> None:
        line = json.dumps(event.to_json(), default=str)
        with guard:
            stream.write(line + "\n")
            stream.flush()

    return write


def sink_from_environment() -> EventSink:
    """JSON lines on standard output when $AUTOML_EVENTS is `jsonl`, else nothing."""
    if os.environ.get("AUTOML_EVENTS") == "jsonl":
        return json_lines(sys.stdout, threading.Lock())
    return ignore
