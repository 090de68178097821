"""Trains a project again and keeps the better of the old and the new model."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl_runtime.errors import DataError, RequestError
from automl_runtime.events import EventSink, Finding, ignore
from automl_runtime.project import Project
from automl_runtime.registry.aliases import read_aliases, set_alias

from automl_agent.label_changes import LabelChanges, label_changes_of
from automl_agent.steps import run_module, run_step

__all__ = ["Outcome", "Scored", "retrain"]


@dataclass(frozen=True, slots=True)
class Scored:
    """One model version on the holdout."""

    version: str
    score: float
    interval: tuple[float, float]
    rows: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Old and new model on the same holdout rows, and which of them is in production now."""

    metric: str
    models: list[Scored]
    production: str
    labels: LabelChanges | None = None
    """Of several labels a row, with new data: which are new, and which are gone."""

    def to_json(self) -> dict[str, Any]:
        """The outcome as a JSON object."""
        return asdict(self) | {"labels": None if self.labels is None else self.labels.to_json()}


def retrain(
    project: Path,
    data: Path | None = None,
    *,
    budget_seconds: float | None = None,
    resume: bool = False,
    on_event: EventSink = ignore,
) -> Outcome:
    """Trains the project at `project` again, on new raw data when `data` is given.

    Both models are scored on the holdout of the data that are now in the project; a new model goes into production
    unless the old one scores better there. With `resume` the last training, if it was interrupted, goes on.

    Raises:
        RequestError: if there is nothing to resume, or `resume` and `data` are both given.
        DataError: if `data` does not exist or has another layout.
        TrainingError: if no model could be trained; the old one stays in production.
    """
    if resume and data is not None:
        raise RequestError("--resume goes on with the data that the interrupted training had: it excludes --data.")
    loaded = Project.load(project)
    models = loaded.root / "models"
    old = read_aliases(models).get("production")
    labels = None if data is None else _read(loaded, data, on_event)
    extra = {} if budget_seconds is None else {"AUTOML_BUDGET_SECONDS": f"{budget_seconds:g}"}
    run_step(loaded.root, "train", ["--resume"] if resume else [], environment=extra, on_event=on_event)
    new = read_aliases(models)["production"]
    versions = [new] if old is None else [old, new]
    scored = [_scored(version, loaded.root) for version in versions]
    better = _better(scored, higher=_higher_is_better(loaded))
    if better != new:
        set_alias(models, "production", better, reason=f"scores better than {new} on the same holdout")
        on_event(Finding("compared", f"{better} scores better than {new} and stays in production"))
    run_step(loaded.root, "evaluate", on_event=on_event)
    return Outcome(metric=loaded.spec.metric.name, models=scored, production=better, labels=labels)


def _read(project: Project, data: Path, on_event: EventSink) -> LabelChanges | None:
    """Makes the rows of `project` from other data; says which labels are new and which are gone."""
    if not data.exists():
        raise DataError(f"{str(data)!r} does not exist.")
    run_step(project.root, "data", ["--source", str(data.resolve())], on_event=on_event)
    labels = label_changes_of(project)
    for finding in () if labels is None else labels.findings():
        on_event(finding)
    return labels


def _scored(version: str, root: Path) -> Scored:
    lines = run_module(root, "automl_runtime.project.scoring", [str(root), version])
    record = json.loads(lines[-1])
    return Scored(version, record["score"], (record["interval"][0], record["interval"][1]), record["rows"])


def _better(scored: list[Scored], *, higher: bool) -> str:
    """The version with the best score; the newest among equals, and where none has a score."""
    sign = 1 if higher else -1
    known = [item for item in scored if not math.isnan(item.score)] or scored
    return max(reversed(known), key=lambda item: sign * item.score).version


def _higher_is_better(project: Project) -> bool:
    from automl_schemas.vocabulary import higher_is_better

    return higher_is_better(project.spec.metric.name)
