"""How the scikit-learn estimators read rows: frames keep the types of their columns, arrays get names."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["RowsEstimator"]


class RowsEstimator(BaseEstimator):
    """An estimator whose rows may hold numbers, strings, categories and gaps."""

    def _frame(self, rows: Any, *, reset: bool = False) -> pd.DataFrame:
        """`rows` as a frame; their columns are remembered with `reset`, else compared with those of `fit`."""
        if not reset:
            check_is_fitted(self)
        if isinstance(rows, pd.DataFrame):
            # An array would make objects of columns that have types.
            validate_data(self, rows, reset=reset, skip_check_array=True)
            return rows
        cells = validate_data(self, rows, reset=reset, dtype=None, ensure_all_finite="allow-nan")
        return pd.DataFrame(cells, columns=[f"x{place}" for place in range(cells.shape[1])])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
