"""Gradient boosting by CatBoost (the extra `boost`)."""

from __future__ import annotations

from typing import Any, ClassVar

from automl_runtime.engine.learners.base import Fit, Job, Params, target_scale
from automl_runtime.engine.preprocessing import Recipe, boosted_recipe
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.workspace import ALL_ROWS
from automl_runtime.inference.catboost import CatBoost, features_data, import_catboost
from automl_runtime.inference.parts import Reading

__all__ = ["CatBoostLearner"]

_MOST_ROUNDS = 3000
_OWN = ("target", "patience", "loss", "pairs", "groups")


class CatBoostLearner:
    """Categories are read as they are, by CatBoost's ordered target statistics."""

    name: ClassVar[str] = "catboost"
    refits: ClassVar[bool] = False

    def recipe(self, params: Params) -> Recipe:
        """`catboost`, with sums and ratios of numbers, and with groups, where `params` say so."""
        return boosted_recipe("catboost", params)

    def prepare(self) -> None:
        """Imports CatBoost.

        Raises:
            MissingExtraError: if it is not installed.
        """
        import_catboost()

    def fit(self, job: Job) -> Fit:
        """Boosts until the score of the rows that validate has not improved for `patience` rounds."""
        train, valid, reading = job.workspace.cached(
            (job.rows.recipe, job.rows.number, job.params.get("target")),
            lambda: _pools(job),
            lambda _: job.rows.fitted.nbytes,
        )
        module = import_catboost()
        model = module.CatBoost(_params(job, valid is not None))
        watch = _Watch(job)
        try:
            model.fit(train, eval_set=valid, callbacks=[watch])
        except module.CatBoostError as error:
            raise RuntimeError(str(error)) from error
        best = int(model.tree_count_)
        outputs = len(job.problem.classes) if job.problem.task == "multiclass" else 1
        predictor = CatBoost(bytes(model._serialize_model()), job.rows.fitted.numbers, outputs)
        return Fit(predictor, reading, max(watch.rounds, best), best)


class _Watch:
    """Counts the rounds, and ends the fit when there are enough or it is told to.

    The number of rounds is not given to CatBoost itself, since its random numbers depend on it: a replay would differ.
    """

    def __init__(self, job: Job) -> None:
        self.rounds = 0
        self._most = job.rounds or _MOST_ROUNDS
        self._job, self._stop = job, job.stop
        self._higher = _metric(job.problem, job.params) in ("AUC", "PRAUC")

    def after_iteration(self, info: Any) -> bool:
        self.rounds = int(info.iteration)
        goes_on = self.rounds < self._most and not self._stop()
        if not goes_on or self._job.epochs.due():
            self._tell(info.metrics or {})
        return goes_on

    def _tell(self, metrics: dict[str, dict[str, list[float]]]) -> None:
        """The losses of the round; what is missing to 1 where more is better."""
        train = metrics.get("learn", {}).get(_loss(self._job.problem, self._job.params))
        valid = metrics.get("validation", {}).get(_metric(self._job.problem, self._job.params))
        val_loss = None if not valid else 1.0 - valid[-1] if self._higher else valid[-1]
        self._job.epoch(self.rounds, self._most, train_loss=train[-1] if train else None, val_loss=val_loss, last=True)


def _pools(job: Job) -> tuple[Any, Any, Reading]:
    """The rows that train and validate as CatBoost holds them, with their target; shared by all trials of a fold."""
    problem, rows, fold = job.problem, job.rows, job.rows.fold
    if problem.classes:
        y: Any = problem.codes
        reading = Reading("softmax" if problem.task == "multiclass" else "logistic")
    else:
        scaled = target_scale(problem, fold.train, job.params)
        y, reading = scaled.y, scaled.reading

    def pool(matrix: Any, places: Any, weights: Any) -> Any:
        return import_catboost().Pool(features_data(matrix, rows.fitted.numbers), label=y[places], weight=weights)

    train = pool(rows.train_matrix(), fold.train, job.train_weights())
    if rows.number == ALL_ROWS:
        return train, None, reading
    return train, pool(rows.valid_matrix(), fold.valid, job.valid_weights()), reading


def _params(job: Job, validates: bool) -> dict[str, Any]:
    params = {key: value for key, value in job.params.items() if key not in _OWN}
    params |= {
        "iterations": _MOST_ROUNDS,
        "loss_function": _loss(job.problem, job.params),
        "random_seed": job.seed,
        "thread_count": job.threads,
        "allow_writing_files": False,
        "verbose": False,
    }
    if job.problem.task == "multiclass":
        params["classes_count"] = len(job.problem.classes)
    if validates:
        params |= {"use_best_model": True, "od_type": "Iter", "od_wait": int(job.params.get("patience", 60))}
        params["eval_metric"] = _metric(job.problem, job.params)
    return params


def _loss(problem: Problem, params: Params) -> str:
    if problem.classes:
        return "MultiClass" if problem.task == "multiclass" else "Logloss"
    return "MAE" if params.get("loss", "l2") == "l1" else "RMSE"


def _metric(problem: Problem, params: Params) -> str:
    ranked = {"roc_auc": "AUC", "average_precision": "PRAUC"}
    return ranked.get(problem.metric, _loss(problem, params)) if problem.task == "binary" else _loss(problem, params)
