"""Where the events of a step go."""

from __future__ import annotations

import os
import sys

from automl_runtime.events import EventSink, ignore, json_lines

__all__ = ["sink_from_environment"]


def sink_from_environment() -> EventSink:
    """JSON lines on standard output when $AUTOML_EVENTS is `jsonl`, else nothing."""
    if os.environ.get("AUTOML_EVENTS") == "jsonl":
        return json_lines(sys.stdout)
    return ignore
