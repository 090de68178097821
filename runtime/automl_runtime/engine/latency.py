"""A limit on the time of a prediction: told from the sizes of models, so that what it leaves is repeatable.

An estimate of one core for batches of a thousand rows (see `cost`), not a promise of a clock: machines differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from automl_runtime.engine.cost import reading_microseconds
from automl_runtime.engine.trials import MORE_ROUNDS, TrialResult
from automl_runtime.errors import RequestError, TrainingError
from automl_runtime.inference.encoding import Encoder

if TYPE_CHECKING:
    from automl_runtime.engine.search import Search

__all__ = ["fast_enough", "microseconds", "most_microseconds"]

_GROWING = ("lightgbm", "catboost", "xgboost", "additive")
"""Families whose models grow with their rounds."""


def most_microseconds(asked: float | None, encoder: Encoder) -> float | None:
    """What is left for the models of a row when `asked` are allowed in all; None: as long as it takes.

    Raises:
        RequestError: if reading a row alone takes longer.
    """
    if asked is None:
        return None
    reading = reading_microseconds(encoder)
    if not asked > reading:
        raise RequestError(
            f"max_predict_us is {asked:g}; reading a row of this table alone takes about {reading:.0f} microseconds."
        )
    return asked - reading


def microseconds(search: Search, result: TrialResult) -> float:
    """What a trial would add to the time of a prediction: a model of all rows, or those of its folds."""
    each = [fold.microseconds for fold in result.folds]
    if not search.refits(result.config):
        return sum(each)
    return max(each) * (MORE_ROUNDS if result.config.learner in _GROWING else 1.0)


def fast_enough(search: Search, results: Sequence[TrialResult]) -> list[TrialResult]:
    """Those that keep the limit alone.

    Raises:
        TrainingError: if none does; names the fastest.
    """
    most = search.most_microseconds
    kept = [result for result in results if most is None or microseconds(search, result) <= most]
    if not kept:
        times = [microseconds(search, result) for result in results]
        fastest = min(range(len(times)), key=times.__getitem__)
        raise TrainingError(
            f"No model predicts fast enough: {results[fastest].config.name}, the fastest, takes about "
            f"{times[fastest]:.0f} microseconds for each row, and {most:.0f} are left beside reading it.",
            hint="Raise max_predict_us (or deployment.p99_ms, in a project), or name fast families of models, as "
            "models=['linear', 'tree'].",
        )
    return kept
