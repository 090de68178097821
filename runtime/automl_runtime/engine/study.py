"""The record of a search over parameters: its trials, its best, what mattered, and the file that it is resumed from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from automl_runtime.engine.strategies.base import Observation, Status
from automl_runtime.engine.strategies.space import Params, SearchSpace
from automl_runtime.errors import DataError, RequestError, TrainingError, shorten
from automl_runtime.files import write_text

__all__ = ["Direction", "Study", "TunedTrial"]

Direction = Literal["minimize", "maximize"]

_FORMAT = 1
_TREES = 60


@dataclass(frozen=True, slots=True)
class TunedTrial:
    """One evaluation of the objective."""

    number: int
    params: Params
    values: tuple[float, ...] | None
    """In the units of the objective; None when it failed; of a pruned trial what was reported last."""
    status: Status
    seconds: float
    error: str | None = None

    @property
    def value(self) -> float | None:
        """The first value."""
        return None if self.values is None else self.values[0]


@dataclass
class Study:
    """What `tune` returns; `trials` grows when it is resumed."""

    space: SearchSpace
    directions: tuple[Direction, ...]
    strategy: str
    seed: int
    trials: list[TunedTrial] = field(default_factory=list)

    @property
    def complete(self) -> list[TunedTrial]:
        """The trials whose objective was evaluated to its end."""
        return [trial for trial in self.trials if trial.status == "complete"]

    @property
    def best_trial(self) -> TunedTrial:
        """The best by the first objective.

        Raises:
            TrainingError: if no trial is complete; says why the first failed.
        """
        if not self.complete:
            reasons = [trial.error for trial in self.trials if trial.error]
            raise TrainingError(f"No trial is complete: {reasons[0] if reasons else 'none was made'}.")
        return min(self.complete, key=lambda trial: (self.losses(trial) or (np.inf,))[0])

    @property
    def best_params(self) -> Params:
        """The parameters of the best trial."""
        return dict(self.best_trial.params)

    @property
    def best_value(self) -> float:
        """The value of the best trial."""
        value = self.best_trial.value
        assert value is not None
        return value

    def losses(self, trial: TunedTrial) -> tuple[float, ...] | None:
        """The values with their signs turned where they are maximised."""
        if trial.values is None:
            return None
        signs = [1.0 if direction == "minimize" else -1.0 for direction in self.directions]
        # A pruned trial has reported the first objective only.
        return tuple(sign * value for sign, value in zip(signs, trial.values, strict=False))

    def observation(self, trial: TunedTrial) -> Observation:
        """The trial as strategies are told."""
        return Observation(trial.params, self.losses(trial), trial.status, trial.seconds)

    def pareto_front(self) -> list[TunedTrial]:
        """The trials that no other is as good as in every objective and better in one; by the first objective."""
        table = np.array([self.losses(trial) for trial in self.complete]).reshape(-1, len(self.directions))
        front = [
            trial
            for trial, mine in zip(self.complete, table, strict=True)
            if not ((table <= mine).all(axis=1) & (table < mine).any(axis=1)).any()
        ]
        return sorted(front, key=lambda trial: self.losses(trial) or ())

    def importance(self, *, seed: int = 0) -> dict[str, float]:
        """How much of the variation of the first objective each parameter explains; sums to 1, largest first.

        The decrease of variance in a forest over the complete trials. Where all values are the same, equal shares.
        """
        from sklearn.ensemble import ExtraTreesRegressor

        complete = self.complete
        names = self.space.names
        shares = np.zeros(len(names))
        if len(complete) > 1:
            features, owners = self.space.features(np.array([self.space.encode(trial.params) for trial in complete]))
            losses = np.array([(self.losses(trial) or (0.0,))[0] for trial in complete])
            forest = ExtraTreesRegressor(_TREES, random_state=seed, n_jobs=1).fit(features, losses)
            np.add.at(shares, owners, forest.feature_importances_)
        shares = shares / shares.sum() if shares.sum() > 0 else np.full(len(names), 1 / len(names))
        order = np.argsort(-shares, kind="stable")
        return {names[place]: float(shares[place]) for place in order}

    def save(self, path: Path | str) -> Path:
        """Writes everything but the space's `valid`, which is code, as JSON; returns the path."""
        record = {
            "format": _FORMAT,
            "strategy": self.strategy,
            "seed": self.seed,
            "directions": list(self.directions),
            "space": self.space.to_json(),
            "trials": [asdict(trial) for trial in self.trials],
        }
        target = Path(path)
        write_text(target, json.dumps(record, indent=1) + "\n")
        return target

    @classmethod
    def load(cls, path: Path | str, *, space: SearchSpace | None = None) -> Study:
        """The study that `save` wrote; `space` in its place when that has a `valid`.

        Raises:
            DataError: if the file is missing, or is none of ours.
        """
        try:
            record = json.loads(Path(path).read_text(encoding="utf-8"))
            if record["format"] != _FORMAT:
                raise ValueError(f"format {record['format']}")
            return cls(
                space or SearchSpace.from_json(record["space"]),
                directions_of(record["directions"]),
                str(record["strategy"]),
                int(record["seed"]),
                [_trial(each) for each in record["trials"]],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{str(path)!r} holds no study: {type(error).__name__}: {shorten(str(error))}.") from error


def directions_of(given: str | Sequence[str]) -> tuple[Direction, ...]:
    """One direction for each objective.

    Raises:
        RequestError: if one is neither `minimize` nor `maximize`.
    """
    directions = (given,) if isinstance(given, str) else tuple(given)
    checked: list[Direction] = []
    for direction in directions:
        if direction not in get_args(Direction):
            raise RequestError(f"The direction is {shorten(direction)}; possible: minimize, maximize.")
        checked.append("minimize" if direction == "minimize" else "maximize")
    if not checked:
        raise RequestError("There is no objective: `direction` is empty.")
    return tuple(checked)


def _trial(record: Mapping[str, Any]) -> TunedTrial:
    values = record["values"]
    fields = dict(record) | {"values": None if values is None else tuple(map(float, values))}
    return TunedTrial(**fields)
