"""How much of the data each trial sees, so that several trials fit into the budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from automl_schemas.spec import Validation
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from automl_runtime.engine.problem import Problem
from automl_runtime.errors import RequestError
from automl_runtime.inference.encoding import Encoded

__all__ = ["Plan", "make_plan", "sample_rows"]

_CELLS_PER_SECOND = 4e7
"""Cells (rows x columns x classes) that one core takes through a round of boosting in a second."""
_ROUNDS = 300
_MODELS = 4
_UNTIMED_BUDGET = 300.0
_TOPICS = 40
_ROWS_PER_FOLD = 8
_MANY_ROWS = 3_000
_LEAST_FOR_WINDOWS = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """The same for all trials of a search; part of every trial's record."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    validation: Validation
    folds: Annotated[int, Field(ge=1)]
    """1: a single fold that validates on a fifth of the rows."""
    rows: Annotated[int, Field(ge=1)]
    """Rows used, at most those there are."""
    seed: int
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for."""
    kept: int | None = None
    """Rows of the table that the memory cap left, drawn before all else; None: all."""
    hidden: list[int] | None = None
    """Places of the numbers that were left out because they only tell when a row happened; None: not looked for."""
    ensemble: str = "auto"
    """How models are mixed."""

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON, without what was not asked for."""
        unsaid: tuple[Any, ...] = (None, {}, "auto")
        return {name: value for name, value in asdict(self).items() if value not in unsaid}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            RequestError: if it is no plan; it names the key.
        """
        try:
            return TypeAdapter(cls).validate_python(record)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise RequestError(f"The plan of the recorded trials cannot be used: `{where}`: {first['msg']}.") from error


def make_plan(
    problem: Problem, data: Encoded, validation: Validation, folds: int, seed: int, budget: float | None, cores: int
) -> Plan:
    """Fewer folds when four boosted models would not fit into the budget, then fewer rows.

    Few rows get fewer folds too: at least eight rows validate.
    """
    width = data.numbers.shape[1] + data.codes.shape[1] + _TOPICS * (len(data.texts) + len(data.images))
    outputs = len(problem.classes) if problem.task == "multiclass" else 1
    cells = len(problem) * max(width, 1) * outputs
    seconds = cells * _ROUNDS / (_CELLS_PER_SECOND * min(cores, 8))
    limit = _UNTIMED_BUDGET if budget is None else budget
    affordable = limit / (seconds * _MODELS)
    few = max(2, min(folds, len(problem) // _ROWS_PER_FOLD))
    chosen = few if affordable >= few else 3 if affordable >= 3 and few > 3 else 1 if affordable < 2 else 2
    if len(problem) < _MANY_ROWS:
        # A fifth of a few rows tells nothing; better short trials than a blind choice.
        chosen = max(chosen, min(3, few))
    if problem.windows is not None and affordable >= _LEAST_FOR_WINDOWS:
        # One stretch of time tells how the level drifted once; three tell more than rounds that are cut off cost.
        chosen = max(chosen, min(3, few))
    # A model that gets half of its rounds on all rows beats one on a sample: sample only far beyond that.
    rows = len(problem) if affordable > 0.15 else int(max(20_000, len(problem) * affordable / 0.15))
    return Plan(validation, chosen, min(rows, len(problem)), seed)


def sample_rows(kept: int, rows: int, seed: int) -> NDArray[np.int64] | None:
    """Which of `rows` rows are used, ascending, when `kept` shall be; None for all."""
    if kept >= rows:
        return None
    return np.sort(np.random.default_rng(seed).permutation(rows)[:kept])
