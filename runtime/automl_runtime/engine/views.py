"""How configurations look at pictures: at edges alone or at colours too, and with how many changed copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from automl_runtime.engine.target_means import Target
from automl_runtime.features.pictures import COPIES, PICTURE_WIDTH, SHAPE_WIDTH
from automl_runtime.inference.blocks import Block, Components
from automl_runtime.inference.encoding import Encoded
from automl_runtime.kernels.arrays import Ints

__all__ = ["PLAIN", "VIEW_PARAMS", "View", "copies_for", "fit_views", "view_of", "with_copies"]

VIEW_PARAMS: Final = ("copies", "colors")
"""The settings of a configuration that say how it looks at pictures."""

_SHAPE, _COLORS = (0, SHAPE_WIDTH, 200, 100.0), (SHAPE_WIDTH, PICTURE_WIDTH, 24, 25.0)
"""Of edges and of colours: first column, last, most components, and their variance together."""
_ROWS = 8_000
_MOST_COPIED = 6_000
"""More pictures show by themselves how they may differ, and their copies would take long."""
_COPYING_SECONDS = 0.002
"""About what one core takes to describe all copies of a picture."""
_SHARE_OF_BUDGET = 0.2
_LEAST_VARIANCE = 1e-5


@dataclass(frozen=True, slots=True)
class View:
    """`copies`: how many of the changed pictures that `Encoded` holds count as further rows of the training."""

    copies: int = 0
    colors: bool = True


PLAIN: Final = View()


def view_of(params: Mapping[str, Any]) -> View:
    """What a configuration says by its `VIEW_PARAMS`."""
    return View(int(params.get("copies", 0)), bool(params.get("colors", True)))


def copies_for(rows: int, budget: float | None) -> int:
    """How many changed copies of each picture a search of so many rows describes; `budget` None: time is no matter."""
    affordable = budget is None or rows * _COPYING_SECONDS <= _SHARE_OF_BUDGET * budget
    return COPIES if rows <= _MOST_COPIED and affordable else 0


def with_copies(data: Encoded, target: Target, view: View) -> tuple[Encoded, Target, Ints | None]:
    """The rows, and after them as many again for each copy; the last tells which row each was made from.

    None says that there are no copies. A row and its copies are one group: no target mean tells them their own class.
    """
    if not view.copies or not data.copies:
        return data, target, None
    rows, copies = len(data), min(view.copies, data.copies[0].shape[1])
    places = np.tile(np.arange(rows), 1 + copies)
    images = tuple(
        np.vstack([image, *(changed[:, copy] for copy in range(copies))])
        for image, changed in zip(data.images, data.copies, strict=True)
    )
    groups = np.arange(rows) if target.groups is None else target.groups
    wide = replace(replace(data, copies=()).take(places), images=images)
    return wide, replace(target, y=target.y[places], groups=groups[places]), places


def fit_views(data: Encoded, view: View) -> tuple[Block, ...]:
    """The main components of what each column of pictures shows, of 8,000 rows at most."""
    parts = (_SHAPE, _COLORS) if view.colors else (_SHAPE,)
    found = [_components(data, image, *part) for image in range(len(data.images)) for part in parts]
    return tuple(block for block in found if block is not None)


def _components(data: Encoded, image: int, start: int, end: int, most: int, variance: float) -> Components | None:
    """Principal components, all scaled alike, so that distances between pictures stay what they are."""
    from scipy.linalg import eigh

    views = data.images[image][:, start:end].astype(np.float64)
    views = views[~np.isnan(views[:, 0])]
    views = views[:: max(1, -(-len(views) // _ROWS))]
    if len(views) < 2:
        return None
    center = views.mean(axis=0)
    centered = views - center
    width = len(center)
    values, axes = eigh(centered.T @ centered / len(views), subset_by_index=(max(0, width - most), width - 1))
    kept = values > _LEAST_VARIANCE * max(values[-1], 1e-12)
    if not kept.any() or values[-1] <= 0:
        return None
    axes = axes[:, kept][:, ::-1] * np.sqrt(variance / values[kept].sum())
    # The sign of an axis is whatever the decomposition happens to give.
    axes *= np.where(axes[np.argmax(np.abs(axes), axis=0), np.arange(axes.shape[1])] < 0, -1.0, 1.0)
    return Components(image, start, center, axes.astype(np.float32))
