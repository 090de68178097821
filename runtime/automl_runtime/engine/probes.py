"""Which made features all boosters get: one configuration is tried with them, and compared with the same without.

Both are judged on each part of the rows that validate. Whole scores will not do: where folds end early after different
numbers of rounds, a rank over all of them moves by more than any feature is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
from automl_schemas.vocabulary import higher_is_better

from automl_runtime.engine.folds import Fold
from automl_runtime.engine.metrics import LABEL_METRICS, error_of
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import selection_loss
from automl_runtime.engine.trials import Config, TrialResult
from automl_runtime.kernels.arrays import Floats

__all__ = ["BOOSTERS", "MADE", "adapt", "saves"]

MADE = ("pairs", "groups")
"""Settings that ask for made features: sums and ratios of two numbers; what a category says with another column."""
BOOSTERS = ("lightgbm", "catboost", "xgboost")

_LEAST_SHARE = 0.002
"""Share of the error that made features must save to be worth their time."""
_LEAST_ERRORS = 1.5
"""How many standard errors of its mean the saving must be away from none."""
_FEWEST_PARTS = 4
_DEARER = {"pairs": 1.4, "groups": 1.5}


def adapt(
    queue: Sequence[Config], results: Sequence[TrialResult], problem: Problem, folds: Sequence[Fold]
) -> list[Config]:
    """The rest of the portfolio after the last trial.

    When that was the one that tries made features, and they save errors, all boosters get them; else none. Recorded
    trials stay as they are: variations of the one that tried stand among them, whatever it saved.
    """
    last = results[-1]
    made = _tried(last.config)
    if made is None or last.config.rounds:
        return list(queue)
    plain = next((result for result in results if _same_but(result.config, last.config, made)), None)
    if plain is None or not saves(plain, last, problem, folds):
        return [config for config in queue if not config.params.get(made)]
    return [_with(config, made) if config.learner in BOOSTERS else config for config in queue]


def saves(plain: TrialResult, made: TrialResult, problem: Problem, folds: Sequence[Fold]) -> bool:
    """Whether the trial `made` errs less than `plain`: by a fifth of a percent, and by more than chance."""
    if plain.outputs is None or made.outputs is None:
        return False
    before, after = (_errors(outputs, problem, folds) for outputs in (plain.outputs, made.outputs))
    saved = before - after
    least = _LEAST_SHARE * float(before.mean())
    chance = _LEAST_ERRORS * float(saved.std(ddof=1)) / sqrt(len(saved))
    return bool(saved.mean() >= max(least, chance)) and bool(saved.mean() > 0)


def _errors(outputs: Floats, problem: Problem, folds: Sequence[Fold]) -> Floats:
    """The error of each part of the validating rows: a fold, or a share of it where there are few folds."""
    metric = "log_loss" if problem.metric in LABEL_METRICS else problem.metric
    share = -(-_FEWEST_PARTS // len(folds))
    ends = np.cumsum([len(fold.valid) for fold in folds])
    errors = []
    for fold, end in zip(folds, ends, strict=True):
        places = np.arange(end - len(fold.valid), end)
        for first in range(share):
            loss = selection_loss(problem, fold.valid[first::share])(outputs[places[first::share]])
            errors.append(error_of(metric, -loss if higher_is_better(metric) else loss))
    return np.array(errors)


def _tried(config: Config) -> str | None:
    """The made features that a configuration of the portfolio is there to try."""
    return next(
        (made for made in MADE if config.name == f"lightgbm_{made}" or config.name == f"lightgbm_{made}_pairs"), None
    )


def _same_but(one: Config, other: Config, made: str) -> bool:
    params = {name: value for name, value in other.params.items() if name != made}
    return one.learner == other.learner and dict(one.params) == params


def _with(config: Config, made: str) -> Config:
    params = dict(config.params) | {made: True}
    return replace(config, name=f"{config.name}_{made}", params=params, cost=config.cost * _DEARER[made])
