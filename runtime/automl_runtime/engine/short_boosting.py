"""Small boosted trees that are grown to learn something about columns, never to predict."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from automl_runtime.kernels.arrays import Floats

__all__ = ["short_boosting"]

_GROWING: dict[str, Any] = {
    "learning_rate": 0.1,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}


def short_boosting(
    matrix: Floats,
    y: NDArray[Any],
    classes: int,
    seed: int,
    rounds: int,
    *,
    weights: Floats | None = None,
    absolute: bool = False,
    share: float = 0.5,
) -> Any:
    """A LightGBM booster of so many `rounds`.

    Args:
        matrix: rows x columns, NaN where missing.
        y: places of classes, or values.
        classes: how many there are; 0 for values.
        seed: of the columns that trees may look at.
        rounds: trees, of each class where there are more than two.
        weights: of the rows.
        absolute: whether values are learned by their absolute error.
        share: of the columns that each tree may look at.
    """
    import lightgbm

    objective: dict[str, Any] = {"objective": "regression_l1" if absolute else "regression"}
    if classes:
        objective = {"objective": "multiclass", "num_class": classes} if classes > 2 else {"objective": "binary"}
    rows = lightgbm.Dataset(matrix, label=y, weight=weights, params={"verbose": -1, "num_threads": 1})
    settings = _GROWING | objective | {"seed": seed, "feature_fraction": share}
    return lightgbm.train(settings, rows, num_boost_round=rounds)
