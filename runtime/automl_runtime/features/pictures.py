"""Pictures as numbers: described by their edges and their colours.

Nothing here learns from other pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from automl_runtime.data.pictures import SIDE, Picture
from automl_runtime.features.gradients import oriented_gradients
from automl_runtime.kernels.arrays import Singles

__all__ = ["COPIES", "PICTURE_WIDTH", "SHAPE_WIDTH", "describe", "describe_copies"]

_CELLS = (4, 8)
_ORIENTATIONS = 9
_COLOR_CELLS = 8
SHAPE_WIDTH = sum(cells * cells for cells in _CELLS) * _ORIENTATIONS
"""Columns that speak of edges; those of colours follow."""
PICTURE_WIDTH = SHAPE_WIDTH + 3 * _COLOR_CELLS * _COLOR_CELLS

_TURN = np.deg2rad(10.0)
_COPIES = ((_TURN, 0.0, 0.0), (-_TURN, 0.0, 0.0), (0.0, 0.05, 0.03), (0.0, -0.05, -0.03))
_ZOOM = 0.95
COPIES = len(_COPIES) + 1
"""Turned to the left and to the right, moved to either side, and last mirrored: in this order."""

_CHUNK = 32


def describe(pictures: Sequence[Picture | None]) -> Singles:
    """pictures x `PICTURE_WIDTH`: histograms of oriented gradients, then mean colours; NaN where there is no picture.

    Args:
        pictures: as `read_picture` gives them.
    """
    return _described(pictures, _look)


def describe_copies(pictures: Sequence[Picture | None], copies: int) -> Singles:
    """pictures x `copies` x `PICTURE_WIDTH`: as `describe`, of the first `copies` of `COPIES` changed pictures."""
    return np.stack([_described(pictures, partial(_look_at_copy, copy)) for copy in range(copies)], axis=1)


def _described(pictures: Sequence[Picture | None], look: Callable[[Singles], Singles]) -> Singles:
    found = np.full((len(pictures), PICTURE_WIDTH), np.nan, dtype=np.float32)
    there = [(place, picture) for place, picture in enumerate(pictures) if picture is not None]
    for start in range(0, len(there), _CHUNK):
        chunk = there[start : start + _CHUNK]
        light = np.stack([picture for _, picture in chunk]).astype(np.float32) / np.float32(255)
        found[[place for place, _ in chunk]] = look(light)
    return found


def _look(light: Singles) -> Singles:
    gray = light @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    size = SIDE // _COLOR_CELLS
    tiles = light.reshape(len(light), _COLOR_CELLS, size, _COLOR_CELLS, size, 3).mean(axis=(2, 4))
    return np.hstack([oriented_gradients(gray, _CELLS, _ORIENTATIONS), tiles.reshape(len(light), -1)])


def _look_at_copy(copy: int, light: Singles) -> Singles:
    return _look(_changed(light, copy))


def _changed(light: Singles, copy: int) -> Singles:
    if copy == len(_COPIES):
        return light[:, :, ::-1]
    turn, right, down = _COPIES[copy]
    across = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    x, y = np.meshgrid(across * _ZOOM, across * _ZOOM)
    return _sampled(light, x * np.cos(turn) - y * np.sin(turn) + right, x * np.sin(turn) + y * np.cos(turn) + down)


def _sampled(light: Singles, x: NDArray[np.float64], y: NDArray[np.float64]) -> Singles:
    """The pictures at these places, bilinear; beyond an edge the edge goes on."""
    columns, rows = (np.clip((part + 0.5) * SIDE - 0.5, 0, SIDE - 1) for part in (x, y))
    left, top = (np.minimum(part.astype(np.int64), SIDE - 2) for part in (columns, rows))
    across, along = ((part - whole).astype(np.float32)[..., None] for part, whole in ((columns, left), (rows, top)))
    upper = light[:, top, left] * (1 - across) + light[:, top, left + 1] * across
    lower = light[:, top + 1, left] * (1 - across) + light[:, top + 1, left + 1] * across
    return np.asarray(upper * (1 - along) + lower * along)
