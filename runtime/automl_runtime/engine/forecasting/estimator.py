"""`fit` of a forecast as a scikit-learn estimator: a frame with the moments in, an array out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from automl_runtime.engine.fit import fit
from automl_runtime.engine.frames import as_frame
from automl_runtime.errors import RequestError, SchemaMismatchError, TrainingError

if TYPE_CHECKING:
    from automl_schemas.vocabulary import MetricName
    from numpy.typing import NDArray

__all__ = ["AutoMLForecaster"]


class AutoMLForecaster(RegressorMixin, BaseEstimator):
    """The best forecast that the budget buys; `model_` is the `Forecaster` that `fit` returned.

    `X` is a frame with a column of moments, so that `TimeSeriesSplit` and the like must be given rows in order of time.

    Args:
        time: the column with the moments.
        horizon: how many steps ahead it looks.
        series: the columns that tell series apart.
        known_ahead: columns whose value is known before the moment comes; others of `X` are not used.
        frequency: the step, as `day`; None: the usual distance of the moments.
        interval: share of the values that shall fall between `low` and `high` of `model_.forecast`.
        metric: what is optimised; None: the root mean squared error.
        budget_seconds: wall clock of `fit`; it does not count when `trials` is given.
        trials: the number of trials of each search; the outcome is then the same every time.
        random_state: seed of everything that is random.
    """

    def __init__(
        self,
        time: str = "time",
        horizon: int = 1,
        *,
        series: Sequence[str] = (),
        known_ahead: Sequence[str] = (),
        frequency: str | None = None,
        interval: float = 0.8,
        metric: MetricName | None = None,
        budget_seconds: float = 60.0,
        trials: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.time = time
        self.horizon = horizon
        self.series = series
        self.known_ahead = known_ahead
        self.frequency = frequency
        self.interval = interval
        self.metric = metric
        self.budget_seconds = budget_seconds
        self.trials = trials
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Searches; `y` holds the value of each row of `X`, NaN where there is none.

        Raises:
            ValueError: if nothing can be learned, or a column is missing.
        """
        rows = as_frame(X)
        name = next(name for name in ("y", "y_", "target") if name not in rows.columns)
        values = np.asarray(y, dtype=np.float64)
        if values.shape != (len(rows),):
            raise ValueError(f"y has the shape {values.shape}; a number for each of the {len(rows)} rows is needed.")
        try:
            self.model_ = fit(
                rows.assign(**{name: values}),
                name,
                task="forecast",
                time=self.time,
                horizon=self.horizon,
                series=list(self.series),
                known_ahead=list(self.known_ahead),
                frequency=self.frequency,
                interval=self.interval,
                metric=self.metric,
                budget_seconds=self.budget_seconds,
                trials=self.trials,
                seed=self.random_state,
            )
        except (RequestError, TrainingError) as error:
            raise ValueError(str(error)) from error
        self.n_features_in_ = len(rows.columns)
        self.feature_names_in_ = np.array([str(column) for column in rows.columns], dtype=object)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The forecast of each row of `X`, all of which lie within the horizon after the rows of `fit`.

        Raises:
            ValueError: if a row lies elsewhere, or a column is missing.
        """
        check_is_fitted(self)
        try:
            found: pd.Series = self.model_.predict(as_frame(X))
        except (SchemaMismatchError, TrainingError) as error:
            raise ValueError(str(error)) from error
        return np.asarray(found.to_numpy(), dtype=np.float64)
