"""Pictures that show the same: equal ones, and those that were only saved again in another size or format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from automl_schemas.catalog import TableEntry
from numpy.typing import NDArray

from automl_runtime.data.pictures import SIDE, Picture

__all__ = ["content_column", "groups_of_same", "is_of_folders", "signature"]

_TILES: Final = 16
_COARSE: Final = 4
_MOST_APART: Final = 3.0
"""Mean difference (root of squares, of 255) of tiles; saving as JPEG of middling quality makes less."""
_OF_CONTRAST: Final = 0.1
"""The same as a share of the contrast in a picture, so that pale ones are not all alike."""
_NEIGHBOURS: Final = 8

Signature = NDArray[np.float32]


def content_column(column: str) -> str:
    """The column that names, beside each picture of `column`, the first one that shows the same."""
    return f"{column}_content"


def is_of_folders(table: TableEntry) -> bool:
    """Whether `table` lists the pictures in folders of their classes, rather than being one that names files."""
    return table.names_from == "format" and bool(table.columns) and table.columns[0].type == "image"


def signature(picture: Picture) -> Signature:
    """Mean colours of 16 x 16 tiles, 768 numbers from 0 to 255, of a picture as `read_picture` gives it."""
    size = SIDE // _TILES
    tiles = picture.reshape(_TILES, size, _TILES, size, 3).mean(axis=(1, 3), dtype=np.float32)
    return np.asarray(tiles, dtype=np.float32).reshape(-1)


def groups_of_same(signatures: Sequence[Signature]) -> NDArray[np.int64]:
    """The group of each picture, numbered in the order of their first members.

    Pictures are the same when their tiles differ little, and so are two that are the same as a third. Each is
    compared with its nearest neighbours in a tree of mean brightness, which cannot be further apart than the tiles are.
    """
    if len(signatures) < 2:
        return np.zeros(len(signatures), dtype=np.int64)
    tiles, places = np.unique(np.stack(signatures), axis=0, return_inverse=True)
    found = _components(tiles)[places.reshape(-1)]
    _, first, codes = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes.reshape(-1)]


def _components(tiles: NDArray[np.float32]) -> NDArray[Any]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    size = _TILES // _COARSE
    coarse = tiles.reshape(-1, _COARSE, size, _COARSE, size, 3).mean(axis=(2, 4, 5)).reshape(len(tiles), -1)
    reach = _MOST_APART * np.sqrt(coarse.shape[1])
    near = min(_NEIGHBOURS + 1, len(tiles))
    _, others = cKDTree(coarse).query(coarse, k=near, distance_upper_bound=reach)
    left = np.repeat(np.arange(len(tiles)), near)
    right = others.reshape(-1)
    kept = (right < len(tiles)) & (left != right)
    left, right = left[kept], right[kept]
    apart = np.sqrt(np.mean((tiles[left] - tiles[right]) ** 2, axis=1))
    contrast = np.minimum(tiles[left].std(axis=1), tiles[right].std(axis=1))
    same = apart <= np.minimum(_MOST_APART, _OF_CONTRAST * contrast)
    graph = coo_matrix((np.ones(int(same.sum())), (left[same], right[same])), shape=(len(tiles), len(tiles)))
    return np.asarray(connected_components(graph, directed=False)[1])
