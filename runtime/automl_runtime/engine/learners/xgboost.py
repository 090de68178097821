"""Gradient boosting by XGBoost (the extra `boost`).

Chen and Guestrin, XGBoost: A Scalable Tree Boosting System, 2016. The fitted trees are unpacked, so that predicting
needs no XGBoost.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Fit, Job, Params, target_scale
from automl_runtime.engine.preprocessing import Recipe, boosted_recipe
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.workspace import ALL_ROWS
from automl_runtime.errors import MissingExtraError
from automl_runtime.inference.boosted import Boosted, single_cells
from automl_runtime.inference.parts import Reading

__all__ = ["XGBoostLearner", "unpack"]

_MOST_ROUNDS = 4000
_ROWS_FOR_THREADS = 10_000
_OWN = ("target", "patience", "loss", "pairs", "groups")
_BINS = 256


class XGBoostLearner:
    """Numbers with gaps and categories are read as they are; rows are binned once for all trials of a fold."""

    name: ClassVar[str] = "xgboost"
    refits: ClassVar[bool] = False

    def recipe(self, params: Params) -> Recipe:
        """`trees`, with sums and ratios of numbers, and with groups, where `params` say so."""
        return boosted_recipe("trees", params)

    def prepare(self) -> None:
        """Imports XGBoost.

        Raises:
            MissingExtraError: if it is not installed.
        """
        _import()

    def fit(self, job: Job) -> Fit:
        """Boosts until the score of the rows that validate has not improved for `patience` rounds."""
        train, valid = job.workspace.cached(
            ("xgboost", job.rows.recipe, job.rows.number), lambda: _matrices(job), lambda _: job.rows.fitted.nbytes
        )
        y, reading = _target(job)
        fold = job.rows.fold
        train.set_info(label=y[fold.train], weight=_weights(job.train_weights(), len(fold.train)))
        if valid is not None:
            valid.set_info(label=y[fold.valid], weight=_weights(job.valid_weights(), len(fold.valid)))
        base = _base(job, y)
        watch = _watch(job)
        booster = _import().train(
            _params(job, base),
            train,
            num_boost_round=job.rounds or _MOST_ROUNDS,
            evals=[] if valid is None else [(valid, "valid")],
            callbacks=[watch],
            verbose_eval=False,
        )
        record = json.loads(booster[: watch.best].save_raw("json"))
        return Fit(unpack(record["learner"]["gradient_booster"]["model"], base), reading, watch.rounds, watch.best)


def _import() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtraError(package="xgboost", extra="boost") from error
    return xgboost


def _watch(job: Job) -> Any:
    """Ends the fit when the score has not improved for `patience` rounds, or when it is told to; knows the best round.

    XGBoost's own callback keeps no best round when another one ends the fit, and so does not repeat in a replay.
    """

    class Watch(_import().callback.TrainingCallback):  # type: ignore[misc]
        rounds = best = 0
        score = -np.inf
        sign = 1.0 if job.problem.task == "binary" and job.problem.metric in _RANKED else -1.0
        patience = int(job.params.get("patience", 60))

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            del model
            self.rounds = epoch + 1
            score = self.sign * next(iter(evals_log["valid"].values()))[-1] if evals_log else epoch
            if score > self.score or not self.best:
                self.score, self.best = score, self.rounds
            return self.rounds - self.best >= self.patience or job.stop()

    return Watch()


def _matrices(job: Job) -> tuple[Any, Any]:
    """The binned rows that train and validate."""
    rows, module = job.rows, _import()
    numbers = rows.fitted.numbers
    kinds = ["q"] * numbers + ["c"] * (rows.fitted.matrix.shape[1] - numbers)

    def bins(matrix: Any, reference: Any = None) -> Any:
        return module.QuantileDMatrix(
            single_cells(matrix),
            ref=reference,
            max_bin=_BINS,
            feature_types=kinds,
            enable_categorical=True,
            nthread=job.threads,
        )

    train = bins(rows.train_matrix())
    return train, None if rows.number == ALL_ROWS else bins(rows.valid_matrix(), train)


def _target(job: Job) -> tuple[NDArray[np.float64], Reading]:
    problem = job.problem
    if problem.classes:
        return problem.y, Reading("softmax" if problem.task == "multiclass" else "logistic")
    scaled = target_scale(problem, job.rows.fold.train, job.params)
    return scaled.y, scaled.reading


def _weights(weights: NDArray[np.float64] | None, rows: int) -> NDArray[np.float64]:
    # Trials share the matrices: what the one before set has to be undone.
    return np.ones(rows) if weights is None else weights


def _base(job: Job, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is predicted before the first tree: the log odds of two classes, else 0."""
    if job.problem.task != "binary":
        return np.zeros(max(1, len(job.problem.classes)))
    chance = np.clip(np.average(y[job.rows.fold.train], weights=job.train_weights()), 1e-6, 1 - 1e-6)
    return np.array([np.log(chance / (1 - chance))])


def _params(job: Job, base: NDArray[np.float64]) -> dict[str, Any]:
    params = {key: value for key, value in job.params.items() if key not in _OWN}
    objective, metric = _objective(job.problem, job.params)
    threads = job.threads if len(job.rows.fold.train) >= _ROWS_FOR_THREADS else 1
    params |= {
        "objective": objective,
        "eval_metric": metric,
        "base_score": float(1 / (1 + np.exp(-base[0]))) if job.problem.task == "binary" else 0.0,
        "tree_method": "hist",
        "max_bin": _BINS,
        "seed": job.seed,
        "nthread": threads,
        "verbosity": 0,
    }
    if job.problem.task == "multiclass":
        params["num_class"] = len(job.problem.classes)
    return params


_RANKED = {"roc_auc": "auc", "average_precision": "aucpr"}


def _objective(problem: Problem, params: Params) -> tuple[str, str]:
    if problem.task == "multiclass":
        return "multi:softprob", "mlogloss"
    if problem.task == "binary":
        return "binary:logistic", _RANKED.get(problem.metric, "logloss")
    absolute = params.get("loss", "l2") == "l1"
    return ("reg:absoluteerror", "mae") if absolute else ("reg:squarederror", "rmse")


def unpack(model: dict[str, Any], base: NDArray[np.float64]) -> Boosted:
    """The trees of an XGBoost model in its JSON format, which predict the same when added to `base`."""
    trees = model["trees"]
    sizes = np.array([len(tree["left_children"]) for tree in trees], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    left = _joined(trees, "left_children", np.int32)
    leaf = left < 0
    shift = np.repeat(starts, sizes)
    sets, words = _sets(trees, starts, int(sizes.sum()))
    return Boosted(
        base=base,
        roots=starts.astype(np.int32),
        outputs=np.array(model["tree_info"], dtype=np.int32),
        feature=np.where(leaf, -1, _joined(trees, "split_indices", np.int32)).astype(np.int32),
        threshold=_joined(trees, "split_conditions", np.float32),
        left=np.where(leaf, 0, left + shift).astype(np.int32),
        right=np.where(leaf, 0, _joined(trees, "right_children", np.int32) + shift).astype(np.int32),
        missing_left=_joined(trees, "default_left", np.bool_),
        sets=sets,
        words=words,
    )


def _joined(trees: list[dict[str, Any]], key: str, dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.array(tree[key], dtype=dtype) for tree in trees])


def _sets(trees: list[dict[str, Any]], starts: NDArray[np.int64], nodes: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """For each node its row of bits or -1, and the bits: the categories that go right."""
    sets = np.full(nodes, -1, dtype=np.int32)
    highest = max((max(tree["categories"], default=-1) for tree in trees), default=-1)
    rows: list[NDArray[np.bool_]] = []
    for tree, start in zip(trees, starts, strict=True):
        split = zip(tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True)
        for node, first, size in split:
            sets[start + node] = len(rows)
            bits = np.zeros(32 * (highest // 32 + 1), dtype=np.bool_)
            bits[tree["categories"][first : first + size]] = True
            rows.append(bits)
    if not rows:
        return sets, np.zeros((0, 1), dtype=np.uint32)
    return sets, np.packbits(np.array(rows), axis=1, bitorder="little").view(np.uint32)
