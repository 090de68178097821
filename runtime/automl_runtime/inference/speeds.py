"""How fast a model answers, by each way that it can be run: one record, a frame by kernels, a frame by libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from time import perf_counter
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd

from automl_runtime.errors import MissingExtraError
from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.encoding import Encoded, Encoder
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.parts import Member, Part
from automl_runtime.kernels.arrays import Floats

__all__ = ["Records", "Speed", "by_libraries", "measure_speeds", "record_speed"]

_BATCHES = (1, 1_000)
_CALLS = 300
_SECONDS = 0.5
"""Of calls of each kind, after which no more are made."""
_LEAST = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Speed:
    """What one way takes; times are those of the machine and the moment."""

    way: str
    """`record`, `kernels` or `library`."""
    rows: int
    """At a time."""
    median_us: float
    """Of calls, in microseconds for each row."""
    p99_us: float
    """Within which 99 of 100 calls ended, likewise."""
    largest: float
    """The largest difference of an output from the one that a frame gets."""


class Records(Protocol):
    """A model that answers records as it answers frames."""

    @property
    def encoder(self) -> Encoder:
        """What reads the rows."""

    def outputs(self, data: Encoded) -> Floats:
        """What it says of encoded rows."""

    def outputs_of(self, record: Mapping[str, Any]) -> list[float]:
        """What it says of a raw record."""


def record_speed(model: Records, frame: pd.DataFrame) -> Speed:
    """How fast the model answers single rows of `frame`, of which there is one at least, as records."""
    records = frame.head(100).to_dict("records")
    expected = _outputs(model, frame.head(100))
    # The first call compiles.
    found = np.array([model.outputs_of(record) for record in records])
    return _speed("record", 1, _times(model.outputs_of, records), float(np.abs(found - expected).max()))


def measure_speeds(model: FittedModel, frame: pd.DataFrame) -> list[Speed]:
    """Runs the model on rows of `frame` in each way that it has; takes some seconds at most.

    Returns:
        `record`, then for one row and for a thousand the frame as the model runs it, and by the libraries of its
        boosters, where they are installed and it does not run by them anyhow.
    """
    if frame.empty:
        return []
    library = by_libraries(model)
    ways = [("library" if library is None else "kernels", model), *([] if library is None else [("library", library)])]
    speeds = [record_speed(model, frame)]
    for rows in _BATCHES:
        batches = [frame.iloc[[place]] for place in range(min(len(frame), 20))]
        if rows > 1:
            batches = [frame.iloc[np.resize(np.arange(len(frame)), rows)]]
        wanted = _outputs(model, batches[0])
        for way, runner in ways:
            off = float(np.abs(_outputs(runner, batches[0]) - wanted).max())
            speeds.append(_speed(way, rows, _times(partial(_outputs, runner), batches), off))
    return speeds


def by_libraries(model: FittedModel) -> FittedModel | None:
    """The same model, its boosters run by their libraries; None where none is run otherwise, or one is missing."""
    parts = [part for member in model.members for part in member.parts]
    if not any(_is_compiled(part) for part in parts):
        return None
    try:
        members = tuple(
            Member(member.name, member.weight, tuple(_by_library(part) for part in member.parts))
            for member in model.members
        )
    except MissingExtraError:
        return None
    return FittedModel(model.info, model.encoder, model.designs, members, model.background)


def _is_compiled(part: Part) -> bool:
    return isinstance(part.predictor, LightGbm | CatBoost) and part.predictor.backend == "kernels"


def _by_library(part: Part) -> Part:
    predictor = part.predictor
    return replace(part, predictor=predictor.by_library()) if isinstance(predictor, LightGbm | CatBoost) else part


def _outputs(model: Records, frame: pd.DataFrame) -> Floats:
    return model.outputs(model.encoder.encode(frame))


def _times(call: Callable[[T], object], arguments: list[T]) -> list[float]:
    """Seconds of single calls with the arguments in turn."""
    taken: list[float] = []
    for argument in islice(cycle(arguments), _CALLS):
        start = perf_counter()
        call(argument)
        taken.append(perf_counter() - start)
        if sum(taken) > _SECONDS and len(taken) >= _LEAST:
            break
    return taken


def _speed(way: str, rows: int, taken: list[float], largest: float) -> Speed:
    each = np.array(taken) * 1e6 / rows
    return Speed(way, rows, float(np.median(each)), float(np.quantile(each, 0.99)), largest)
