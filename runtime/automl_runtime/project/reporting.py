"""Where the events of a step go."""

from __future__ import annotations

import os
import sys

from automl_runtime.events import Event, EventSink, ignore, json_lines
from automl_runtime.project.logs import log_event, logs_json

__all__ = ["sink_from_environment"]


def sink_from_environment() -> EventSink:
    """JSON lines on standard output if $AUTOML_EVENTS is `jsonl`, the log if $AUTOML_LOG is `json`, else nothing."""
    sinks = [json_lines(sys.stdout)] if os.environ.get("AUTOML_EVENTS") == "jsonl" else []
    if logs_json():
        sinks.append(log_event)

    def tell(event: Event) -> None:
        for sink in sinks:
            sink(event)

    return tell if sinks else ignore
