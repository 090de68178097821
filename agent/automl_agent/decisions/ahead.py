"""What is known for the steps ahead of a forecast, where rules see no plan in a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from automl_runtime.data.assemble import Assembled
from automl_schemas.question import Question
from automl_schemas.spec import ProjectSpec

from automl_agent.decisions.choosing import name_twice
from automl_agent.decisions.judging import Bench
from automl_agent.decisions.recording import Record

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["settle_known_ahead"]

_QUESTION: Final = (
    "A forecast is made today for the days to come. Name the `columns` whose values for those days are already fixed "
    "today: plans, calendars, prices and bookings. Do not name what is only measured or counted later. Example: of "
    " school_holiday, rainfall, planned_trains, passengers one names school_holiday, planned_trains."
)
_BETTER: Final = 0.999


def settle_known_ahead(
    model: LanguageModel,
    question: Question,
    names: Sequence[str],
    spec: ProjectSpec,
    assembled: Assembled,
    train: np.ndarray,
    meanings: Mapping[str, str],
    record: Record,
) -> str | None:
    """The answer to `question`: the rules' columns, and those that the model calls planned and that help; else None.

    The model must name a column in either order. The target stands among the columns, and who calls it planned is not
    believed. What is known ahead must be given with each forecast, so a column joins only if the loss on folds in time
    is better with it.

    Args:
        model: who is asked.
        question: what is open.
        names: the columns that it is about.
        spec: of the forecast, so far.
        assembled: the table of all columns.
        train: mask of its training rows.
        meanings: descriptions by the name of a column.
        record: gets who decided.
    """
    assert spec.target is not None
    target = spec.target.column
    default = [] if question.default == "none" else question.default.split(",")
    doubtful = [name for name in names if name not in default]
    types = {column.name: column.type for column in assembled.columns}
    shown = {name: _shown(types.get(name, ""), meanings.get(name.rpartition(".")[2])) for name in (*names, target)}
    named = name_twice(model, _QUESTION, shown, {"request": spec.request})
    if isinstance(named, str):
        said = named
    elif target in named[1]:
        said = "it calls the target planned"
    else:
        chosen = [name for name in doubtful if name in named[0]]
        fitting, losses = _that_help(chosen, default, spec, assembled, train)
        if fitting:
            value = ",".join([*default, *fitting])
            alternative = question.default
            record.add(question.id, "model", value, "planned beforehand", alternative=alternative, evidence=losses)
            return value
        said = losses or "it names no other column"
    record.add(question.id, "rule", question.default, question.impact, evidence=f"model: {said}")
    return None


def _shown(type_: str, meaning: str | None) -> str:
    return type_ + (f"; {meaning}" if meaning else "")


def _that_help(
    chosen: Sequence[str], default: Sequence[str], spec: ProjectSpec, assembled: Assembled, train: np.ndarray
) -> tuple[list[str], str]:
    """Those of `chosen` without which the loss is not as good, and the losses in words."""
    bench = Bench.of(spec, assembled, train) if chosen else None
    if bench is None or bench.time is None:
        return [], "there are too few dated rows to judge them by" if chosen else ""
    bench.frame = _with_calendar(bench.frame, [*default, *chosen, *spec.task.series], spec.task.time)
    kept, said = [], []
    for name in chosen:
        better, worse = bench.without([name])
        said.append(f"{name}: loss on inner folds {better:.4g} with it, {worse:.4g} without")
        if better < worse * _BETTER:
            kept.append(name)
        else:
            bench.drop(name)
    return kept, "; ".join(said)


def _with_calendar(frame: pd.DataFrame, names: Sequence[str], time: str | None) -> pd.DataFrame:
    """The columns that a forecast could use, and what a calendar says of each moment."""
    used = frame[[name for name in frame if name in names]]
    if time is None or time not in frame:
        return used
    dates = pd.to_datetime(frame[time]).dt
    parts = {"hour": dates.hour, "weekday": dates.day_of_week, "day": dates.day, "month": dates.month}
    return used.assign(**{f"calendar {name}": part for name, part in parts.items()})
