"""Whether parts that others added go together with the table, the task and each other; asked before anything trains.

A part says what it needs by attributes: a preprocessor `input_kinds` (of columns) and `output`, an architecture
`tasks` and `input`, an evaluator `tasks`. What is not said is taken to fit: numbers in, numbers out, any task.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from automl_runtime.engine.learners.foreign import tasks_of
from automl_runtime.engine.registries import registry
from automl_runtime.errors import RequestError, shorten
from automl_runtime.plugins import Registry

__all__ = ["check_compatible"]

_NUMBERS = "numbers"


def check_compatible(
    *,
    task: str,
    target: str,
    kinds: Collection[str],
    preprocessors: Sequence[str] = (),
    architectures: Sequence[str] = (),
    evaluators: Sequence[str] = (),
) -> None:
    """Refuses what cannot work; architectures and preprocessors that are built in fit everything and are passed over.

    Args:
        task: of the training.
        target: its name, for the message.
        kinds: of the columns that there are.
        preprocessors: names of parts that others added.
        architectures: names of parts, built in or added.
        evaluators: names of parts, built in or added.

    Raises:
        RequestError: naming both that do not go together.
    """
    readers = {name: part for name, part in _added("architectures", architectures).items() if part is not None}
    for name, part in readers.items():
        _check_task(f"architecture {name}", tasks_of(part), task, target)
    for name in evaluators:
        part = registry("evaluators").named(name).load()
        _check_task(f"evaluator {name}", getattr(part, "tasks", (task,)), task, target)
    for name in preprocessors:
        step = Registry("preprocessors", {}).named(name).load()
        wanted = tuple(getattr(step, "input_kinds", kinds))
        if not set(wanted) & set(kinds):
            raise RequestError(
                f"The preprocessor {name} reads columns of the kind {', '.join(wanted)}; the table of the target "
                f"{shorten(target)} has {', '.join(sorted(kinds))}."
            )
        made = getattr(step, "output", _NUMBERS)
        for reader, model in readers.items() or {"(built in)": None}.items():
            if made != getattr(model, "input", _NUMBERS):
                raise RequestError(
                    f"The preprocessor {name} makes {made}, and the architecture {reader} reads "
                    f"{getattr(model, 'input', _NUMBERS)}."
                )


def _added(kind: Any, names: Sequence[str]) -> dict[str, Any]:
    """The classes of the names that others added; None for those that are built in."""
    plugins = Registry(kind, {}).plugins()
    return {name: plugins[name].load() if name in plugins else None for name in names}


def _check_task(who: str, able: Sequence[str], task: str, target: str) -> None:
    if task not in able:
        raise RequestError(f"The {who} is for {', '.join(able)}; the target {shorten(target)} is a {task} task.")
