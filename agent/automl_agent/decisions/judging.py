"""Whether a decision that a score can judge makes the score worse, on folds of the training rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from automl_runtime.data.assemble import IDENTITY, Assembled
from automl_runtime.data.leak_scores import Outcome
from automl_runtime.data.leaks import outcome_of
from automl_runtime.data.training_columns import target_name
from automl_schemas.spec import ProjectSpec

__all__ = ["Bench", "loss_without"]

_ROWS: Final = 4_000
_FOLDS: Final = 3
_TREES: Final = 60


_FEWEST_ROWS: Final = 200


@dataclass(slots=True)
class Bench:
    """The training rows that decisions about columns are judged on."""

    frame: pd.DataFrame
    """The features so far."""
    outcome: Outcome
    groups: pd.Series | None
    time: pd.Series | None
    seed: int

    @classmethod
    def of(cls, spec: ProjectSpec, assembled: Assembled, train: np.ndarray) -> Bench | None:
        """The columns that `spec` does not drop, on the rows of the mask `train`; None when these are too few.

        Texts and pictures are left out; a small model cannot read them.
        """
        target = target_name(spec)
        frame = assembled.frame[train].reset_index(drop=True)
        outcome = None if target is None else outcome_of(frame[target], spec)
        if outcome is None or len(frame) < _FEWEST_ROWS:
            return None
        dropped = {(drop.table, drop.column) for drop in spec.data.drop}
        features = [
            column.name
            for column in assembled.columns
            if column.name in frame
            and column.type not in ("text", "image")
            and column.name not in (target, IDENTITY)
            and (column.prefix or column.table, column.source_name) not in dropped
        ]
        time, group = spec.task.time, spec.task.group
        in_time = spec.training.validation == "temporal" or spec.task.type == "forecast"
        return cls(
            frame[features],
            outcome,
            groups=frame[group] if group in frame and spec.training.validation == "grouped" else None,
            time=frame[time] if time in frame and in_time else None,
            seed=spec.seed,
        )

    def without(self, names: Collection[str]) -> tuple[float, float]:
        """The loss with all columns, and without `names`; less is better."""
        return loss_without(self.frame, self.outcome, names, groups=self.groups, time=self.time, seed=self.seed)

    def drop(self, name: str) -> None:
        """Judges from now on without the column."""
        self.frame = self.frame.drop(columns=[name])


def loss_without(
    frame: pd.DataFrame,
    outcome: Outcome,
    left_out: Collection[str],
    *,
    groups: pd.Series | None = None,
    time: pd.Series | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """The loss of a small boosted model with all columns of `frame` and without `left_out`; less is better.

    Log loss for classes, the root of the mean squared error for numbers, over three folds of at most 4,000 rows.

    Args:
        frame: features of the training rows.
        outcome: their target.
        left_out: columns of `frame`.
        groups: rows with the same value are never on both sides.
        time: where given, a fold is judged by models of earlier rows.
        seed: of the sample, the folds and the model.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(frame))[:_ROWS])
    if time is not None:
        chosen = chosen[np.argsort(time.to_numpy()[chosen], kind="stable")]
    coded = _coded(frame.iloc[chosen].reset_index(drop=True))
    target = outcome.values[chosen]
    folds = list(_folds(target, outcome, None if groups is None else groups.iloc[chosen], time is not None, seed))
    without = coded.drop(columns=[name for name in left_out if name in coded])
    return _loss(coded, target, outcome, folds, seed), _loss(without, target, outcome, folds, seed)


def _coded(frame: pd.DataFrame) -> pd.DataFrame:
    """Every column as numbers: dates as days, all that is no number as codes."""
    coded = {}
    for name, values in frame.items():
        if pd.api.types.is_datetime64_any_dtype(values):
            coded[name] = values.astype("datetime64[us]").astype("int64").astype(float).where(values.notna())
        elif pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            coded[name] = values.astype("float64")
        else:
            coded[name] = pd.Series(pd.factorize(values)[0], index=values.index).astype(float)
    return pd.DataFrame(coded, index=frame.index)


def _folds(target: np.ndarray, outcome: Outcome, groups: pd.Series | None, in_time: bool, seed: int) -> Any:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

    if in_time:
        return TimeSeriesSplit(_FOLDS).split(target)
    if groups is not None:
        return GroupKFold(_FOLDS).split(target, groups=groups.astype(str).to_numpy())
    if outcome.kind == "regression":
        return KFold(_FOLDS, shuffle=True, random_state=seed).split(target)
    return StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(target, target)


def _loss(frame: pd.DataFrame, target: np.ndarray, outcome: Outcome, folds: list[Any], seed: int) -> float:
    import lightgbm

    settings = {"n_estimators": _TREES, "num_leaves": 15, "random_state": seed, "n_jobs": 1, "verbose": -1}
    losses = []
    for train, test in folds:
        if frame.shape[1] == 0:
            return float("inf")
        rows, others = frame.iloc[train].to_numpy(), frame.iloc[test].to_numpy()
        if outcome.kind == "regression":
            model = lightgbm.LGBMRegressor(**settings).fit(rows, target[train])
            losses.append(float(np.sqrt(np.mean((model.predict(others) - target[test]) ** 2))))
            continue
        classifier = lightgbm.LGBMClassifier(**settings).fit(rows, target[train])
        shares = classifier.predict_proba(others)
        place = {label: i for i, label in enumerate(classifier.classes_)}
        right = [shares[i, place[label]] if label in place else 0.0 for i, label in enumerate(target[test])]
        losses.append(float(-np.log(np.clip(right, 1e-6, 1)).mean()))
    return float(np.mean(losses))
