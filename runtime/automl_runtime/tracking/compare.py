"""Whether one run is better than another, and what was different."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from automl_schemas.vocabulary import higher_is_better

from automl_runtime.errors import DataError, RequestError, shorten
from automl_runtime.tracking.index import read_config, run_facts
from automl_runtime.tracking.runs import run_folders
from automl_runtime.tracking.store import RunFacts

__all__ = ["Comparison", "compare_runs", "find_run", "flatten"]

_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run, `after`, beside the one `before` it."""

    before: str
    after: str
    metric: str
    part: Literal["holdout", "cv"]
    """Which scores are compared: those of the holdout when both have one."""
    scores: tuple[float, float]
    better: bool
    """Whether `after` scores better."""
    gain: float
    """By how much, in the metric's unit; negative when it is worse."""
    interval: tuple[float, float] | None
    """95 % interval of `gain` from the intervals of both holdout scores; None without them."""
    significant: bool | None
    """Whether `interval` leaves out 0."""
    same_data: bool | None
    """Whether the source files were the same; None when a run does not say."""
    facts: dict[str, tuple[Any, Any]]
    """Status, scores, rows, seconds and number of trials of both."""
    parameters: dict[str, tuple[Any, Any]]
    """Settings of the projects that differ, `training.folds` for example; None where there is none."""
    trials: dict[str, list[str]]
    """Models that only one of the runs tried: `before`, `after`."""

    def to_json(self) -> dict[str, Any]:
        """The comparison as a JSON object."""
        return asdict(self)


def find_run(name: str, project: Path) -> Path:
    """The folder of a run: a path, or the name, its beginning, or its number in `project`.

    Raises:
        RequestError: if there is none, or more than one.
    """
    given = Path(name)
    if (given / "run.json").is_file():
        return given.resolve()
    folders = run_folders(project / "experiments")
    number = name.removeprefix("run_")
    found = [folder for folder in folders if folder.name == name]
    if not found and number.isdigit():
        found = [folder for folder in folders if int(folder.name.split("_")[1]) == int(number)]
    found = found or [folder for folder in folders if name and folder.name.startswith(name)]
    if len(found) == 1:
        return found[0].resolve()
    names = ", ".join(folder.name for folder in (found or folders)[-5:])
    said = f"{len(found)} runs begin with" if found else "There is no run"
    raise RequestError(f"{said} {shorten(name)} in {project}.", hint=f"Runs: {names}." if names else None)


def compare_runs(before: Path, after: Path) -> Comparison:
    """Compares the runs in two folders.

    The interval of the difference takes both scores as independent and normal: on the same holdout they are not, and
    the interval is then rather too wide than too narrow.

    Raises:
        RequestError: if they were judged by different metrics.
        DataError: if a folder holds no run, or a run has no score.
    """
    old, new = _facts(before), _facts(after)
    if old.metric != new.metric:
        raise RequestError(f"{old.run_id} was judged by {old.metric}, {new.run_id} by {new.metric}: no comparison.")
    part, scores = _scores(old, new)
    sign = 1.0 if higher_is_better(new.metric) else -1.0  # type: ignore[arg-type]
    gain = sign * (scores[1] - scores[0])
    interval = _interval(old, new, gain) if part == "holdout" else None
    configs = [read_config(folder) for folder in (before, after)]
    return Comparison(
        before=old.run_id,
        after=new.run_id,
        metric=new.metric,
        part=part,
        scores=scores,
        better=gain > 0,
        gain=gain,
        interval=interval,
        significant=None if interval is None else not interval[0] <= 0 <= interval[1],
        same_data=None if None in (old.data_sha256, new.data_sha256) else old.data_sha256 == new.data_sha256,
        facts={
            name: (getattr(old, name), getattr(new, name))
            for name in ("status", "cv", "holdout", "best_model", "rows", "trials", "seconds")
        },
        parameters=_different(*(config.get("spec", {}) for config in configs)),
        trials=_only(*(_models(config) for config in configs)),
    )


def _facts(folder: Path) -> RunFacts:
    facts = run_facts(folder)
    if facts is None:
        raise DataError(f"{folder} holds no record of a run.")
    return facts


def _scores(old: RunFacts, new: RunFacts) -> tuple[Literal["holdout", "cv"], tuple[float, float]]:
    if old.holdout is not None and new.holdout is not None:
        return "holdout", (old.holdout, new.holdout)
    if old.cv is not None and new.cv is not None:
        return "cv", (old.cv, new.cv)
    missing = old if old.cv is None else new
    raise DataError(
        f"{missing.run_id} ({missing.status}) has no score to compare.", hint="Compare runs that were completed."
    )


def _interval(old: RunFacts, new: RunFacts, gain: float) -> tuple[float, float] | None:
    if None in (old.low, old.high, new.low, new.high):
        return None
    widths = [float(run.high or 0.0) - float(run.low or 0.0) for run in (old, new)]
    half = math.hypot(*(width / 2 / _NORMAL_95 for width in widths)) * _NORMAL_95
    return gain - half, gain + half


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    flat = [dict(flatten(spec)) for spec in (old, new)]
    names = sorted({*flat[0], *flat[1]})
    return {name: (flat[0].get(name), flat[1].get(name)) for name in names if flat[0].get(name) != flat[1].get(name)}


def flatten(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings as pairs of a dotted name and a value.

    >>> dict(flatten({"training": {"folds": 5}, "seed": 0}))
    {'training.folds': 5, 'seed': 0}
    """
    if isinstance(content, Mapping) and content:
        for key, value in content.items():
            yield from flatten(value, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, content


def _models(config: Mapping[str, Any]) -> dict[str, str]:
    """Names of the executed trials, by what they did."""
    return {
        json.dumps([trial["learner"], trial["params"]], sort_keys=True): trial["model"]
        for trial in config.get("executed_trials", ())
    }


def _only(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        "before": [name for key, name in old.items() if key not in new],
        "after": [name for key, name in new.items() if key not in old],
    }
