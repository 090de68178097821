"""Estimators of others, with `fit` and `predict` as scikit-learn's, as families of models.

A class may say more about itself by attributes: `tasks` it can do (else scikit-learn's tags tell, else what methods it
has), `settings` that are to be tried (dicts of arguments; else its defaults), the `recipe` of the numbers it reads
(else `scaled`: scaled, one-hot, dense), and `trusted_types` that it is made of (see `inference.foreign`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from automl_runtime.engine.learners.base import Fit, Job, Params, target_scale
from automl_runtime.engine.learners.registry import forget_learner, register_learner, registered_params
from automl_runtime.engine.preprocessing import RECIPES, Recipe
from automl_runtime.errors import RequestError, TrainingError
from automl_runtime.inference.foreign import Foreign, code_of_others, dense, dump, import_skops
from automl_runtime.inference.parts import Reading
from automl_runtime.plugins import Registry

__all__ = ["ForeignLearner", "plug_in", "tasks_of"]

_CLASSES = ("binary", "multiclass")
_OWN = ("target", "loss")


class ForeignLearner:
    """A class of others; fitted again on all rows at the end."""

    name: ClassVar[str] = ""
    refits: ClassVar[bool] = True
    estimator: ClassVar[Any]

    def recipe(self, params: Params) -> Recipe:
        """What the class says, else `scaled`."""
        del params
        asked: Recipe = getattr(self.estimator, "recipe", "scaled")
        if asked not in RECIPES:
            raise RequestError(f"{self.name} reads the recipe {asked!r}; possible: {', '.join(RECIPES)}.")
        return asked

    def prepare(self) -> None:
        """Imports skops, which writes the fitted estimator; the class has been imported.

        Raises:
            MissingExtraError: if it is not installed.
        """
        import_skops()

    def fit(self, job: Job) -> Fit:
        """Fits the estimator; rows that validate do not end it early.

        Raises:
            TypeError: if rows have weights and the estimator takes none.
        """
        problem, train = job.problem, job.rows.fold.train
        given = {key: value for key, value in job.params.items() if key not in _OWN}
        known = inspect.signature(self.estimator).parameters
        drawn = {key: value for key, value in (("random_state", job.seed), ("n_jobs", job.threads)) if key in known}
        with code_of_others(self.name):
            fitted = self.estimator(**drawn | given)
        if problem.classes:
            y: Any = problem.codes[train]
            reading = Reading()
        else:
            scaled = target_scale(problem, train, job.params)
            y, reading = scaled.y[train], scaled.reading
        weights = job.train_weights()
        if weights is not None and "sample_weight" not in inspect.signature(fitted.fit).parameters:
            raise TypeError(f"rows have weights, and {self.estimator.__name__}.fit takes no sample_weight")
        more = {} if weights is None else {"sample_weight": weights}
        with code_of_others(self.name):
            fitted.fit(dense(job.rows.train_matrix()), y, **more)
        columns = np.unique(y).astype(np.int64) if problem.classes else np.empty(0, dtype=np.int64)
        chances = bool(problem.classes) and callable(getattr(fitted, "predict_proba", None))
        return Fit(Foreign(self.name, dump(fitted, self.name), columns, problem.outputs, chances), reading, 1, 1)


def tasks_of(estimator: Any) -> tuple[str, ...]:
    """The tasks that a class of others can do."""
    if hasattr(estimator, "tasks"):
        return tuple(estimator.tasks)
    if not hasattr(estimator, "__sklearn_tags__"):
        return _CLASSES if callable(getattr(estimator, "predict_proba", None)) else (*_CLASSES, "regression")
    from sklearn.base import is_classifier, is_regressor

    with code_of_others(estimator.__name__):
        made = estimator()
    return _CLASSES if is_classifier(made) else ("regression",) if is_regressor(made) else (*_CLASSES, "regression")


def plug_in(task: str, warn: Callable[[str], None]) -> None:
    """Makes families of the architectures that packages and the user added and that can do `task`.

    Those that are broken are named by `warn` and left out; those that are registered no more are forgotten.
    """
    found: dict[str, tuple[type[ForeignLearner], tuple[Mapping[str, Any], ...]]] = {}
    for name, (plugin, estimator) in Registry("architectures", {}).load_added(warn).items():
        if not callable(getattr(estimator, "fit", None)) or not callable(getattr(estimator, "predict", None)):
            warn(f"Left out: {name} ({plugin.target}, {plugin.origin}) has no fit and predict.")
            continue
        try:
            suits = task in tasks_of(estimator)
        except TrainingError as error:
            warn(f"Left out: {name} ({plugin.target}, {plugin.origin}): {error.message}")
            continue
        if suits:
            learner = type(name, (ForeignLearner,), {"name": name, "estimator": estimator})
            found[name] = learner, tuple(getattr(estimator, "settings", ({},)))
    for name in set(_PLUGGED) - set(found):
        forget_learner(name)
        del _PLUGGED[name]
    for name, (learner, settings) in found.items():
        if _PLUGGED.get(name) is learner.estimator:
            continue
        if name in _PLUGGED:
            forget_learner(name)
        try:
            register_learner(learner(), *settings)
            _PLUGGED[name] = learner.estimator
        except RequestError as error:
            warn(f"Left out: {error.message}")
    assert set(_PLUGGED) <= set(registered_params())


_PLUGGED: dict[str, Any] = {}
"""The classes that are families now; the families themselves are known to the whole process too."""
