"""Gradient boosting by LightGBM."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from automl_runtime.engine.learners.base import Fit, Job, Params, target_scale
from automl_runtime.engine.preprocessing import Recipe, boosted_recipe
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.workspace import ALL_ROWS, FoldData
from automl_runtime.inference.lightgbm import LightGbm, shrink
from automl_runtime.inference.parts import Reading

__all__ = ["AdditiveLearner", "LightGbmLearner"]

_MOST_ROUNDS = 4000
_ROWS_FOR_THREADS = 10_000
_OWN = ("target", "patience", "loss", "pairs", "groups")
_FIXED: dict[str, Any] = {
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "max_bin": 255,
}
_BINNING = _FIXED | {"num_threads": 1, "min_data_in_bin": 3}


class LightGbmLearner:
    """Numbers with gaps and categories are read as they are; rows are binned once for all trials."""

    name: ClassVar[str] = "lightgbm"
    refits: ClassVar[bool] = False

    def recipe(self, params: Params) -> Recipe:
        """`trees`, with sums and ratios of numbers, and with groups, where `params` say so."""
        return boosted_recipe("trees", params)

    def prepare(self) -> None:
        """Imports LightGBM."""
        import lightgbm  # noqa: F401

    def fit(self, job: Job) -> Fit:
        """Boosts until the score of the rows that validate has not improved for `patience` rounds."""
        import lightgbm

        try:
            train, valid = _datasets(job)
            reading = _set_target(job, train, valid)
            ending = _EndEarly(job)
            booster = lightgbm.train(
                self.settings(job),
                train,
                num_boost_round=job.rounds or _MOST_ROUNDS,
                valid_sets=None if valid is None else [valid],
                callbacks=[ending],
            )
        except lightgbm.basic.LightGBMError as error:
            raise RuntimeError(str(error)) from error
        text = shrink(booster.model_to_string(num_iteration=ending.trees, importance_type="split"))
        return Fit(LightGbm(text), reading, ending.rounds, booster.best_iteration)

    def settings(self, job: Job) -> dict[str, Any]:
        """LightGBM's parameters."""
        return _params(job)


class AdditiveLearner(LightGbmLearner):
    """A sum of functions of one column each, which can be drawn: every tree splits a single column.

    Lou, Caruana and Gehrke, Intelligible Models for Classification and Regression, 2012; `engine.shapes` reads them.
    """

    name: ClassVar[str] = "additive"
    refits: ClassVar[bool] = True

    def settings(self, job: Job) -> dict[str, Any]:
        """LightGBM's parameters; no two columns may meet in a tree."""
        return _params(job) | {"interaction_constraints": [[place] for place in range(job.rows.fitted.matrix.shape[1])]}


class _EndEarly:
    """Ends the fit when the score has not improved for `patience` rounds, or when it is told to; keeps the best round.

    LightGBM's own callback keeps the last round when another one ends the fit, and so does not repeat in a replay.
    A round in which no split is found leaves no tree, but draws random numbers, and the next one may find some: rounds
    and trees are counted apart.
    """

    order = 30

    def __init__(self, job: Job) -> None:
        self._job, self._stop = job, job.stop
        self._patience = int(job.params.get("patience", 60))
        self._best: tuple[float, int, list[Any]] = (-np.inf, 0, [])
        self.rounds = 0
        self.trees = 0
        """Of each class, up to the best round."""

    def __call__(self, env: Any) -> None:
        from lightgbm.callback import EarlyStopException

        scores = env.evaluation_result_list or []
        if scores:
            _, _, value, higher_is_better = scores[0][:4]
            value = value if higher_is_better else -value
            if value > self._best[0] or not self._best[2]:
                self._keep(env, value)
        else:
            self._keep(env, 0.0)
        self.rounds = env.iteration + 1
        last = env.iteration == env.end_iteration - 1
        last = last or env.iteration - self._best[1] >= self._patience or self._stop()
        self._job.epoch(env.iteration + 1, env.end_iteration, val_loss=_loss(scores), last=last)
        if last:
            raise EarlyStopException(self._best[1], self._best[2])

    def _keep(self, env: Any, value: float) -> None:
        self._best = (value, env.iteration, env.evaluation_result_list or [])
        self.trees = env.model.current_iteration()


def _loss(scores: list[Any]) -> float | None:
    """What is watched on the rows that validate; what is missing to 1 where more is better."""
    if not scores:
        return None
    _, _, value, higher_is_better = scores[0][:4]
    return float(1.0 - value if higher_is_better else value)


def _datasets(job: Job) -> tuple[Any, Any]:
    """The binned rows that train and validate; subsets of one data set when the matrix is the same in every fold."""
    rows, workspace = job.rows, job.workspace
    key = ("lightgbm", rows.recipe)
    if rows.number == ALL_ROWS:
        return workspace.cached((*key, ALL_ROWS), lambda: _bin(rows, rows.train_matrix())), None

    def make() -> tuple[Any, Any]:
        if rows.shared:
            whole = workspace.cached((*key, ALL_ROWS), lambda: _bin(rows, rows.fitted.matrix))
            train, valid = (whole.subset(part, _BINNING.copy()) for part in (rows.fold.train, rows.fold.valid))
            return train.construct(), valid.construct()
        train = _bin(rows, rows.train_matrix())
        return train, _bin(rows, rows.valid_matrix(), train)

    return workspace.cached((*key, rows.number), make)


def _bin(rows: FoldData, matrix: Any, reference: Any = None) -> Any:
    import lightgbm

    width, numbers = matrix.shape[1], rows.fitted.numbers
    return lightgbm.Dataset(
        matrix,
        label=np.zeros(len(matrix)),
        reference=reference,
        feature_name=[f"f{place}" for place in range(width)],
        categorical_feature=list(range(numbers, width)),
        params=_BINNING.copy(),
        free_raw_data=True,
    ).construct()


def _set_target(job: Job, train: Any, valid: Any) -> Reading:
    """Writes labels and weights into the data sets, which trials share one after the other."""
    problem, fold = job.problem, job.rows.fold
    if problem.classes:
        y, reading = problem.y, Reading()
    else:
        scaled = target_scale(problem, fold.train, job.params)
        y, reading = scaled.y, scaled.reading
    train.set_label(y[fold.train])
    train.set_weight(job.train_weights())
    if valid is not None:
        valid.set_label(y[fold.valid])
        valid.set_weight(job.valid_weights())
    return reading


def _params(job: Job) -> dict[str, Any]:
    params = {key: value for key, value in job.params.items() if key not in _OWN}
    objective, metric = _objective(job.problem, job.params)
    # Threads wait for each other in every round: on few rows that costs more than it saves, most of all on busy cores.
    threads = job.threads if len(job.rows.fold.train) >= _ROWS_FOR_THREADS else 1
    params |= _FIXED | {"objective": objective, "metric": metric, "seed": job.seed, "num_threads": threads}
    if objective == "multiclass":
        params["num_class"] = len(job.problem.classes)
    return params


def _objective(problem: Problem, params: Params) -> tuple[str, str]:
    if problem.task == "multiclass":
        return "multiclass", "multi_logloss"
    if problem.task == "binary":
        ranked = {"roc_auc": "auc", "average_precision": "average_precision"}
        return "binary", ranked.get(problem.metric, "binary_logloss")
    absolute = params.get("loss", "l2") == "l1"
    return ("regression_l1", "l1") if absolute else ("regression", "l2")
