"""From one file to a trained model: what the file suggests, what a person settles, and the training."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from automl_runtime import Dataset, Project, Run
from automl_runtime.engine.unlabelled import UNLABELLED_TASKS
from automl_runtime.errors import RequestError, shorten
from automl_runtime.events import EventSink, Finding, ignore
from automl_runtime.experiments.tables import column_named
from automl_schemas.catalog import ColumnEntry
from automl_schemas.vocabulary import TaskType

__all__ = ["TASKS", "Ask", "Suggestion", "quickstart", "suggest"]

TASKS: Final = ("classification", "regression", "clustering", "anomaly")
_CLASSES: Final = 20
_UNFIT: Final = ("id", "key", "constant", "empty")

Ask = Callable[[str, Sequence[str], str], str]
"""Gets a question, the possible answers and the default; gives the answer."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the columns of a table suggest."""

    task: str
    target: str | None


def suggest(columns: Sequence[ColumnEntry], *, task: str | None = None) -> Suggestion:
    """The likeliest target and its task; without one `clustering`.

    That is the last column that is called like a target, else the last of all when it holds a few classes. With a
    `task` that has a target, the last column that suits it when none is called like a target.
    """
    if task in UNLABELLED_TASKS:
        return Suggestion(str(task), None)
    named = [column for column in columns if column.role == "target_candidate"]
    suiting = [column for column in columns if column.role not in _UNFIT and _task_of(column) == task]
    if task is not None:
        fitting = [column for column in named if task == "classification" or _is_number(column)] or suiting
        return Suggestion(task, fitting[-1].name if fitting else None)
    last = [column for column in columns[-1:] if column.type in ("boolean", "category") and column.role not in _UNFIT]
    likely = named or [column for column in last if column.distinct <= _CLASSES]
    return Suggestion(_task_of(likely[-1]), likely[-1].name) if likely else Suggestion("clustering", None)


def _is_number(column: ColumnEntry) -> bool:
    return column.type in ("integer", "number")


def _task_of(column: ColumnEntry) -> str:
    few = column.type != "number" and column.distinct <= _CLASSES
    return "regression" if _is_number(column) and not few else "classification"


def quickstart(
    data: Path,
    *,
    target: str | None = None,
    task: str | None = None,
    folder: Path | None = None,
    budget_seconds: float = 20.0,
    seed: int = 0,
    ask: Ask | None = None,
    on_event: EventSink = ignore,
) -> Run:
    """Looks at the table in `data`, settles task and target, and trains; `on_event` hears what is done.

    Args:
        data: a file that holds one table.
        target: the column to predict; None: asked, else what the columns suggest.
        task: one of `TASKS`; None: told from the target, asked, or suggested.
        folder: where the project of that name is made; None: the working folder.
        budget_seconds: of the search.
        seed: of everything that is random.
        ask: settles what is not given; None takes what is suggested.
        on_event: gets what was understood, and the events of the training.

    Raises:
        RequestError: if the target or the task cannot be used.
        DataError: if the file cannot.
    """
    if task is not None and task not in TASKS:
        raise RequestError(f"There is no task {shorten(task)} here; possible: {', '.join(TASKS)}.")
    dataset = Dataset.load(data, on_event=on_event)
    table = dataset.table
    on_event(Finding("analysed", f"{table.rows:,} rows, {len(table.columns)} columns: {_listed(table.columns)}"))
    if target is not None:
        column_named(target, table, "--target")
    if task is None and target is None:
        task = suggest(table.columns).task
        task = ask("What is to be learned?", TASKS, task) if ask is not None else task
    if target is None and task not in UNLABELLED_TASKS:
        target = _settled_target(table.columns, str(task), ask)
    settings: dict[str, Any] = {} if task in (None, "classification") else {"task": task}
    if task == "classification":
        settings["task"] = _kind(table.columns, target)
    said = f"{task or 'as the target says'} · target {shorten(target)}" if target else f"{task} · no target"
    on_event(Finding("understood", said))
    on_event(Finding("pipeline", _pipeline(str(task), budget_seconds)))
    project = Project(_name(data), folder=folder or Path())
    return project.train(
        dataset,
        target=target,
        seed=seed,
        budget_seconds=budget_seconds,
        experiment=task or "baseline",
        on_event=on_event,
        **settings,
    )


def _settled_target(columns: Sequence[ColumnEntry], task: str, ask: Ask | None) -> str:
    names = [column.name for column in columns]
    open_ = suggest(columns)
    likely = open_.target if open_.task == task else suggest(columns, task=task).target
    if ask is not None:
        return ask("Which column is to be predicted?", names, likely or names[-1])
    if likely is None:
        raise RequestError(
            f"No column of the table suggests what a {task} shall predict.", hint=f"--target: {', '.join(names[:30])}"
        )
    return likely


def _kind(columns: Sequence[ColumnEntry], target: str | None) -> TaskType:
    [found] = [column for column in columns if column.name == target]
    return "binary" if found.distinct == 2 else "multiclass"


def _listed(columns: Sequence[ColumnEntry]) -> str:
    shown = [f"{shorten(column.name)} {column.type}" for column in columns[:8]]
    return ", ".join([*shown, *(["..."] if len(columns) > len(shown) else [])])


def _pipeline(task: str, seconds: float) -> str:
    if task in UNLABELLED_TASKS:
        return f"columns scaled and encoded -> {task}, {seconds:g} s -> judged on a fifth of the rows"
    return (
        f"columns typed, those that give the target away left out -> models and their preprocessing searched in "
        f"cross-validation, {seconds:g} s -> weighted together -> judged on a fifth of the rows"
    )


def _name(data: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", data.stem).strip("-._") or "table"
