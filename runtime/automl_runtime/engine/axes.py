"""The directions in which rows vary most."""

from __future__ import annotations

import numpy as np

from automl_runtime.kernels.arrays import Floats

__all__ = ["main_axes"]

_WIDE = 500


def main_axes(rows: Floats, share: float, most: int) -> Floats:
    """Orthonormal directions (coordinates x directions, float64) that hold `share` of the variance, at most `most`.

    Principal components; of more than 500 coordinates by a randomised decomposition with a fixed seed.
    """
    from sklearn.utils.extmath import randomized_svd

    centered = rows - rows.mean(axis=0)
    total = max(float((centered**2).sum()), np.finfo(float).tiny)
    if rows.shape[1] > _WIDE:
        _, sizes, found = randomized_svd(centered, min(most, *rows.shape), n_iter=3, random_state=0)
        variances, axes = sizes**2, found.T
    else:
        ascending, found = np.linalg.eigh(centered.T @ centered)
        variances, axes = np.maximum(ascending[::-1], 0.0), found[:, ::-1]
    kept = int(np.searchsorted(np.cumsum(variances) / total, share)) + 1
    return np.ascontiguousarray(axes[:, : min(kept, most)])
