"""Histograms of oriented gradients: where in a picture edges run, and in which direction.

Dalal and Triggs, Histograms of Oriented Gradients for Human Detection, 2005: gradients without smoothing, votes
weighted by magnitude and shared between neighbouring orientations and cells, blocks of 2 x 2 cells whose values are
cut off at 0.2 of the length of the block. The four values that a cell has in its blocks are averaged, as Felzenszwalb
et al. (Object Detection with Discriminatively Trained Part-Based Models, 2010, section 6.2) found to lose little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl_runtime.kernels.arrays import Singles

__all__ = ["oriented_gradients"]

_CLIP = 0.2
_LEAST = 1e-3
"""The length of a block in which nothing is to be seen, with light from 0 to 1."""


def oriented_gradients(pictures: Singles, cells: Sequence[int], orientations: int) -> Singles:
    """An array, a row for each picture, of values from 0 to 1; each picture is looked at alone.

    Args:
        pictures: pictures x side x side, light from 0 to 1.
        cells: along a side, for each grid that is laid over the pictures; the values of the grids follow each other,
            those of a coarse one weighed up so that every grid counts the same in a distance.
        orientations: bins of the half circle; from light to dark and from dark to light are one direction.
    """
    votes = _votes(pictures, orientations)
    parts = []
    for count in cells:
        spread = _spread(pictures.shape[1], count)
        # cells x pixels of the columns first: three small products instead of one large.
        rows = np.tensordot(votes, spread, axes=(1, 1))
        found = np.tensordot(rows, spread, axes=(1, 1))
        weight = min(cells) / count
        parts.append(_normalised(found.transpose(0, 2, 3, 1)).reshape(len(pictures), -1) * np.float32(weight))
    return np.hstack(parts)


def _votes(pictures: Singles, orientations: int) -> Singles:
    """pictures x side x side x orientations: the magnitude of the gradient, divided between the two nearest."""
    framed = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = framed[:, 2:, 1:-1] - framed[:, :-2, 1:-1]
    right = framed[:, 1:-1, 2:] - framed[:, 1:-1, :-2]
    magnitude = np.sqrt(down**2 + right**2)
    place = np.arctan2(down, right) * np.float32(orientations / np.pi)
    lower = np.floor(place)
    upper_share = place - lower
    first = lower.astype(np.int64) % orientations
    votes = np.zeros((*pictures.shape, orientations), dtype=np.float32)
    np.put_along_axis(votes, first[..., None], (magnitude * (1 - upper_share))[..., None], axis=-1)
    second = (first + 1) % orientations
    np.put_along_axis(votes, second[..., None], (magnitude * upper_share)[..., None], axis=-1)
    return votes


def _spread(side: int, cells: int) -> Singles:
    """cells x side: the share that a cell has in a pixel, by how near its centre is."""
    size = side / cells
    centers = (np.arange(cells) + 0.5) * size
    distance = np.abs(np.arange(side) + 0.5 - centers[:, None]) / size
    return np.maximum(1.0 - distance, 0.0).astype(np.float32)


def _normalised(histograms: Singles) -> Singles:
    """The mean of each cell's values in the blocks that it belongs to: four, two at an edge, one in a corner."""
    energy = (histograms**2).sum(axis=-1)
    blocks = energy[:, :-1, :-1] + energy[:, 1:, :-1] + energy[:, :-1, 1:] + energy[:, 1:, 1:]
    lengths = np.sqrt(blocks + _LEAST**2)[..., None]
    total = np.zeros_like(histograms)
    counts = np.zeros((*histograms.shape[1:3], 1), dtype=np.float32)
    last = histograms.shape[1] - 1
    for down in (0, 1):
        for right in (0, 1):
            rows, columns = slice(down, last + down), slice(right, last + right)
            total[:, rows, columns] += np.minimum(histograms[:, rows, columns] / lengths, _CLIP)
            counts[rows, columns] += 1
    return np.asarray(total / (counts * np.float32(_CLIP)))
