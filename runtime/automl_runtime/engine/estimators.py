"""`fit` as scikit-learn estimators: arrays or frames in, arrays out; for pipelines, `cross_val_score` and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from automl_runtime.engine.estimator_rows import RowsEstimator
from automl_runtime.engine.fit import fit
from automl_runtime.engine.problem import FEWEST_ROWS
from automl_runtime.errors import RequestError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl_schemas.vocabulary import MetricName, TaskType
    from numpy.typing import NDArray

__all__ = ["AutoMLClassifier", "AutoMLRegressor"]


class _AutoML(RowsEstimator):
    """What both estimators share.

    Args:
        metric: what is optimised; None: the task's default.
        budget_seconds: wall clock of `fit`; it does not count when `trials` is given.
        trials: the number of trials; the outcome is then the same every time.
        folds: of the cross-validation, at most.
        interpretable: linear and additive models and small trees only.
        preprocessing: options of `PreprocessingSpec`, as `fit` takes them.
        models: the only families of models that are tried; None: those that suit.
        strategy: how configurations are chosen; see `fit`.
        memory_gb: gigabytes that the process may hold; None: no cap.
        memory: a folder with what earlier searches learned; see `fit`.
        random_state: seed of everything that is random.
    """

    def __init__(
        self,
        *,
        metric: MetricName | None = None,
        budget_seconds: float = 60.0,
        trials: int | None = None,
        folds: int = 5,
        interpretable: bool = False,
        preprocessing: Mapping[str, Any] | None = None,
        models: Sequence[str] | None = None,
        strategy: str = "auto",
        memory_gb: float | None = None,
        memory: str | None = None,
        random_state: int = 0,
    ) -> None:
        self.metric = metric
        self.budget_seconds = budget_seconds
        self.trials = trials
        self.folds = folds
        self.interpretable = interpretable
        self.preprocessing = preprocessing
        self.models = models
        self.strategy = strategy
        self.memory_gb = memory_gb
        self.memory = memory
        self.random_state = random_state

    def _fit(self, rows: Any, y: Any, *, classify: bool) -> None:
        if y is None:
            raise ValueError(f"This {type(self).__name__} requires y to be passed, but the target y is None.")
        frame, values = self._checked(rows, y)
        task: TaskType = "regression"
        if classify:
            check_classification_targets(values)
            task = "binary" if len(pd.unique(values)) <= 2 else "multiclass"
        if len(frame) < FEWEST_ROWS:
            raise ValueError(f"n_samples={len(frame)} is too few to learn from; at least {FEWEST_ROWS} are needed.")
        try:
            self.model_ = fit(
                frame,
                pd.Series(values, index=frame.index, name="target"),
                task=task,
                metric=self.metric,
                budget_seconds=self.budget_seconds,
                trials=self.trials,
                folds=self.folds,
                interpretable=self.interpretable,
                preprocessing=self.preprocessing,
                models=self.models,
                strategy=self.strategy,
                memory_gb=self.memory_gb,
                memory=self.memory,
                seed=self.random_state,
            )
        except (RequestError, TrainingError) as error:
            raise ValueError(str(error)) from error

    def _checked(self, rows: Any, y: Any) -> tuple[pd.DataFrame, NDArray[Any]]:
        whole = np.zeros((len(rows), 1)) if isinstance(rows, pd.DataFrame) else rows
        _, values = validate_data(self, whole, y, dtype=None, ensure_all_finite="allow-nan")
        return self._frame(rows, reset=True), np.asarray(values)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class AutoMLClassifier(ClassifierMixin, _AutoML):
    """The best classifier that the budget buys; `model_` is what `fit` returned, `classes_` are sorted."""

    def fit(self, X: Any, y: Any) -> Self:
        """Searches; `y` holds two classes or more, of any type.

        Raises:
            ValueError: if nothing can be learned.
        """
        self._fit(X, y, classify=True)
        self.classes_ = np.array(self.model_.classes)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """A label for each row."""
        frame = self._frame(X)
        return np.asarray(self.model_.predict(frame))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities: rows x `classes_`."""
        frame = self._frame(X)
        return np.asarray(self.model_.predict_proba(frame))


class AutoMLRegressor(RegressorMixin, _AutoML):
    """The best regression that the budget buys; `model_` is what `fit` returned."""

    def fit(self, X: Any, y: Any) -> Self:
        """Searches; `y` holds finite numbers.

        Raises:
            ValueError: if nothing can be learned.
        """
        self._fit(X, y, classify=False)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """A value for each row."""
        frame = self._frame(X)
        return np.asarray(self.model_.predict(frame))
