"""Clustering and anomaly detection as scikit-learn estimators: arrays or frames in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClusterMixin, OutlierMixin

from automl_runtime.engine.estimator_rows import RowsEstimator
from automl_runtime.engine.fit import fit
from automl_runtime.engine.problem import FEWEST_ROWS
from automl_runtime.errors import RequestError, TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AutoMLAnomalyDetector", "AutoMLClusterer"]


class _Unlabelled(RowsEstimator):
    """What both estimators share."""

    def _fit(self, rows: Any, **arguments: Any) -> None:
        frame = self._frame(rows, reset=True)
        if len(frame) < FEWEST_ROWS:
            raise ValueError(f"n_samples={len(frame)} is too few to learn from; at least {FEWEST_ROWS} are needed.")
        try:
            self.model_ = fit(
                frame,
                budget_seconds=self.budget_seconds,
                trials=self.trials,
                seed=self.random_state,
                **arguments,
            )
        except (RequestError, TrainingError) as error:
            raise ValueError(str(error)) from error


class AutoMLClusterer(ClusterMixin, _Unlabelled):
    """The clustering that separates the rows best; `model_` is what `fit` returned, `labels_` are -1 for noise.

    Args:
        n_clusters: how many; None: as many as separate the rows best.
        budget_seconds: wall clock of `fit`; it does not count when `trials` is given.
        trials: how many clusterings are tried; the outcome is then the same every time.
        random_state: seed of everything that is random.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        budget_seconds: float = 60.0,
        trials: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.budget_seconds = budget_seconds
        self.trials = trials
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Searches; `y` is not used.

        Raises:
            ValueError: if nothing can be learned.
        """
        del y
        self._fit(X, task="clustering", clusters=self.n_clusters)
        self.labels_ = self.model_.labels.to_numpy()
        return self

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The cluster of each row, -1 where none is near."""
        frame = self._frame(X)
        return np.asarray(self.model_.predict(frame))


class AutoMLAnomalyDetector(OutlierMixin, _Unlabelled):
    """Tells strange rows from others; `model_` is what `fit` returned.

    Scores have scikit-learn's sign: the lower, the stranger; `offset_` is where strange begins.

    Args:
        contamination: the share of the training rows that are strange, at most 0.5; None: told from their scores.
        time: the column with the moments of a series, where `X` is a frame of one; see `automl_runtime.fit`.
        series: the columns that tell several series apart.
        window: steps of a window of the series; None: a season that the numbers show, else 16.
        budget_seconds: wall clock of `fit`; it does not count when `trials` is given.
        trials: how many of the three detectors are fitted; the outcome is then the same every time.
        random_state: seed of everything that is random.
    """

    def __init__(
        self,
        contamination: float | None = None,
        *,
        time: str | None = None,
        series: Sequence[str] = (),
        window: int | None = None,
        budget_seconds: float = 60.0,
        trials: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.contamination = contamination
        self.time = time
        self.series = series
        self.window = window
        self.budget_seconds = budget_seconds
        self.trials = trials
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learns what rows are usually like; `y` is not used.

        Raises:
            ValueError: if nothing can be learned.
        """
        del y
        of_series = {"time": self.time, "series": self.series, "window": self.window}
        self._fit(X, task="anomaly", contamination=self.contamination, **of_series)
        self.offset_ = -self.model_.threshold
        return self

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Minus the share of the training rows that are less strange: -1 to 0."""
        frame = self._frame(X)
        return -np.asarray(self.model_.score_samples(frame))

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """`score_samples` less `offset_`: negative for strange rows."""
        return np.asarray(self.score_samples(X) - self.offset_)

    def predict(self, X: Any) -> NDArray[np.int64]:
        """-1 for strange rows, 1 for others."""
        return np.where(self.decision_function(X) < 0, -1, 1)
