"""The list of trials that a search executed: how it is kept, and read to be executed again.

A line of JSON for each trial. The plan, which the trials of a search share, stands in a line where it differs from that
of the line before; so hundreds of trials take some hundred bytes each, and nothing depends on when they were executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automl_schemas.trials import Trial

from automl_runtime.contracts import parse_model
from automl_runtime.errors import RequestError, shorten
from automl_runtime.files import write_text

__all__ = ["parse_trials", "read_trials", "write_trials"]


def write_trials(path: Path, trials: Sequence[Mapping[str, Any]]) -> None:
    """Writes `Model.trials`, or those of another task, to `path`."""
    lines, plan = [], None
    for trial in trials:
        shown = {name: value for name, value in trial.items() if name != "plan" or value != plan}
        plan = trial["plan"]
        lines.append(json.dumps(shown) + "\n")
    write_text(path, "".join(lines))


def read_trials(path: Path) -> list[dict[str, Any]]:
    """What `write_trials` wrote.

    Raises:
        OSError: if it cannot be read.
        RequestError: naming the line that is no trial, and what is wrong in it.
    """
    trials: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"{path.name}, line {number}: {shorten(line)} is no JSON.") from error
        if isinstance(record, dict) and trials:
            record = {"plan": trials[-1]["plan"]} | record
        trials += parse_trials([record], f"{path.name}, line {number}")
    return trials


def parse_trials(records: Sequence[Any], origin: str) -> list[dict[str, Any]]:
    """The trials with every key of `Trial`, those that were left out with their defaults.

    Raises:
        RequestError: if one is no trial; it says what of it, and that it stands in `origin`.
    """
    return [parse_model(Trial, record, origin=origin).model_dump() for record in records]
