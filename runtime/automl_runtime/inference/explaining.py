"""Why a fitted model predicts what it predicts: a contribution for each input column, and the largest in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl_runtime.data.pictures import DATA_URL
from automl_runtime.errors import RequestError, shorten
from automl_runtime.events import EventSink, ignore
from automl_runtime.inference.encoding import Encoded, spell
from automl_runtime.inference.shapley import rounds_for, shapley_values
from automl_runtime.kernels.arrays import Floats, Ints

if TYPE_CHECKING:
    from automl_runtime.inference.model import FittedModel, Label

__all__ = ["Contributions", "Reason", "base_name", "contributions", "explain", "one_line", "reasons", "shown"]

_LONGEST_VALUE = 40
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Contributions:
    """What moves the explained output of each row away from `base`.

    `values` is float64, rows x features of the model; `base` and `label` have an entry for each row: the mean output
    over the background, and the place in the classes of the class that is explained (all 0 for a regression).
    """

    values: Floats
    base: Floats
    label: Ints
    rounds: int
    """Background rows that were compared with."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One column of one row: its value as text, what it adds to the explained output, and that in words."""

    column: str
    value: str
    contribution: float
    words: str


def contributions(
    model: FittedModel,
    frame: pd.DataFrame,
    *,
    background: pd.DataFrame | None = None,
    label: Label | None = None,
    rounds: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    on_event: EventSink = ignore,
) -> Contributions:
    """See `FittedModel.explain`."""
    data = model.encoder.encode(frame)
    compared = _background(model, background)
    most = rounds_for(len(model.encoder.columns), len(compared)) if rounds is None else min(rounds, len(compared))
    if most < 1:
        raise RequestError(f"`rounds` is {shorten(rounds)}; at least 1 background row is needed to compare with.")
    found = shapley_values(
        model.outputs, model.encoder, data, compared, rounds=most, seconds=seconds, seed=seed, on_event=on_event
    )
    places = _explained_places(model, data, label)
    rows = np.arange(len(data))
    order = [column.name for column in model.encoder.columns]
    columns = [order.index(str(name)) for name in model.features]
    return Contributions(found.values[rows, :, places][:, columns], found.base[places], places, found.rounds)


def explain(model: FittedModel, frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """See `FittedModel.explain`; `options` are those of `contributions`."""
    found = contributions(model, frame, **options)
    table = pd.DataFrame(found.values, index=frame.index, columns=pd.Index(model.features))
    table[base_name(model.features)] = found.base
    return table


def base_name(features: list[str]) -> str:
    """`base`, with as many underscores behind it as it takes not to be the name of a feature.

    >>> base_name(["age"]), base_name(["base", "age"])
    ('base', 'base_')
    """
    name = "base"
    while name in features:
        name += "_"
    return name


def reasons(
    model: FittedModel, frame: pd.DataFrame, *, most: int = 3, label: str | None = None, **options: Any
) -> list[list[Reason]]:
    """For each row the columns that move its prediction most, largest first; columns that do nothing are left out.

    A classification into more than two classes is explained for the class that is predicted, one into two for the
    positive class. `label` is what that class is called, where the model has no name for it. `options` are those of
    `contributions`.
    """
    found = contributions(model, frame, **options)
    sizes = np.abs(found.values)
    ranked = np.argsort(-sizes, axis=1, kind="stable")[:, :most]
    scale = _NOTHING * max(1.0, float(np.max(np.abs(found.base), initial=0.0)))
    cells = {place: frame[model.features[place]].tolist() for place in np.unique(ranked).tolist()}
    whats = [_what(model, place, label) for place in range(max(1, len(model.classes)))]
    return [
        [
            _reason(model.features[place], cells[place][row], float(found.values[row, place]), whats[found.label[row]])
            for place in places
            if sizes[row, place] > scale
        ]
        for row, places in enumerate(ranked.tolist())
    ]


def _background(model: FittedModel, given: pd.DataFrame | None) -> Encoded:
    if given is not None:
        compared = model.encoder.encode(given)
    elif model.background is not None:
        compared = model.background
    else:
        raise RequestError(
            "The model holds no rows to compare with.",
            hint="Pass `background`, a few typical rows with the columns of the model, or train it again.",
        )
    if not len(compared):
        raise RequestError("The background is empty; at least one row to compare with is needed.")
    return compared


def _explained_places(model: FittedModel, data: Encoded, label: Label | None) -> Ints:
    classes = model.classes
    if label is not None:
        spelled = [spell(each) for each in classes]
        if spell(label) not in spelled:
            allowed = f"it knows {', '.join(map(shorten, classes[:10]))}" if classes else "it predicts a number"
            raise RequestError(f"The model has no class {shorten(label)} to explain; {allowed}.")
        return np.full(len(data), spelled.index(spell(label)))
    if not classes:
        return np.zeros(len(data), dtype=np.int64)
    if model.positive is not None:
        return np.full(len(data), classes.index(model.positive))
    from automl_runtime.inference.model import decide

    return decide(model.outputs(data), model.info)


def _what(model: FittedModel, place: int, label: str | None) -> str:
    """What is explained, as it is called in a sentence."""
    if not model.classes:
        return one_line(model.target)
    return f"the probability of {one_line(model.classes[place] if label is None else label)}"


def _reason(column: str, cell: object, contribution: float, what: str) -> Reason:
    value = "missing" if pd.isna(cell) else shown(cell)
    subject = f"{one_line(column)} {'=' if value != 'missing' else 'is'} {value}"
    size = abs(contribution)
    amount = f"{100 * size:.3g} points" if what.startswith("the probability of ") else f"{size:,.4g}"
    verb = "raises" if contribution > 0 else "lowers"
    return Reason(column, value, contribution, f"{subject}: {verb} {what} by {amount}")


def shown(cell: object) -> str:
    """A cell that is not null, as a reason names it."""
    if isinstance(cell, float | np.floating):
        return f"{cell:,.6g}"
    if isinstance(cell, pd.Timestamp):
        return str(cell.date() if cell == cell.normalize() else cell)
    return "a picture" if isinstance(cell, bytes) or str(cell).startswith(DATA_URL) else one_line(spell(cell))


def one_line(text: object) -> str:
    """`text` on one line, printable, at most 40 characters long."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())
    return plain if len(plain) <= _LONGEST_VALUE else plain[: _LONGEST_VALUE - 1].rstrip() + "…"
