"""Rows of a mixed table as points, where no target says which columns matter.

`fit_likeness` makes the space of distances: two rows that differ in one column are about as far apart whatever it
holds. `fit_rarity` keeps numbers as they are and turns categories into how frequent they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl_runtime.engine.axes import main_axes
from automl_runtime.engine.kinds import make_columns, refuse_pictures
from automl_runtime.engine.problem import FEWEST_ROWS
from automl_runtime.engine.target_means import flatten_tables, level_counts
from automl_runtime.engine.topics import fit_topics
from automl_runtime.errors import BundleError, TrainingError, shorten
from automl_runtime.inference.blocks import Block, Codes, Filled, OneHot, Scaled, read_block, write_block
from automl_runtime.inference.encoding import MISSING, UNSEEN, Encoded, Encoder, FeatureKind
from automl_runtime.inference.parts import Design, encoded_rows
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = [
    "Space",
    "encoded_chunks",
    "fit_encoder",
    "fit_filling",
    "fit_likeness",
    "fit_rarity",
    "read_space",
    "write_space",
]

_CHUNK = 20_000
_ARRAYS = ("owners", "scale", "center", "axes")
_TAIL = 0.01
_SKEWED = 2.0
_RAREST = 0.01
_FILLING_SHARE = 0.8
_FILLING_AXES = 10
_LEAST_OF_OTHERS = 0.1
_STEPS = 5
_REFITS = 3


@dataclass(frozen=True, slots=True)
class Space:
    """A design whose columns are cut off at `limit` and multiplied by `scale`.

    `owners[j]` is the place, among the encoder's columns, of the input column that coordinate `j` was made from.
    With `axes` (coordinates x directions, orthonormal) through `center`, missing numbers are filled in by the others:
    as those directions rebuild them.
    """

    design: Design
    owners: Ints
    scale: Floats
    limit: float
    center: Floats
    axes: Floats

    def coordinates(self, data: Encoded) -> Floats:
        """float64, rows x coordinates."""
        cells = np.asarray(np.clip(self.design.matrix(data), -self.limit, self.limit) * self.scale)
        missing = self._missing(data)
        rows = np.flatnonzero(missing.any(axis=1)) if self.axes.shape[1] else np.empty(0, dtype=np.int64)
        if len(rows):
            cells[rows] = self._filled(cells[rows], missing[rows])
        return cells

    def _missing(self, data: Encoded) -> Bools:
        missing = np.zeros((len(data), len(self.owners)), dtype=bool)
        for block in self.design.blocks[:1]:
            if isinstance(block, Scaled):
                missing[:, : len(block.columns)] = np.isnan(data.numbers[:, block.columns])
        return missing

    def _filled(self, cells: Floats, missing: Bools) -> Floats:
        """Solves for the cells that the directions rebuild as they are, by Jacobi's steps."""
        own = (self.axes**2).sum(axis=1)
        damping = np.maximum(1.0 - own, _LEAST_OF_OTHERS)
        centered = np.where(missing, 0.0, cells - self.center)
        for _ in range(_STEPS):
            rebuilt = (centered @ self.axes) @ self.axes.T
            found = (rebuilt - own * centered) / damping
            centered = np.where(missing, np.clip(found, -self.limit, self.limit), centered)
        return centered + self.center


def fit_encoder(frame: pd.DataFrame, kinds: Mapping[str, FeatureKind] | None) -> Encoder:
    """The encoder of the columns that can tell rows apart; one that only numbers the rows tells nothing.

    Raises:
        RequestError: if `kinds` names an unknown kind.
        TrainingError: if the rows are too few, names repeat, or no column is left.
    """
    names = frame.columns.astype("str")
    if names.has_duplicates:
        raise TrainingError(f"Column names repeat: {shorten(names[names.duplicated()][0])}.")
    if len(frame) < FEWEST_ROWS:
        raise TrainingError(f"There are {len(frame)} rows to learn from; at least {FEWEST_ROWS} are needed.")
    frame = frame.set_axis(names, axis=1)
    columns = make_columns(frame, kinds)
    refuse_pictures(columns, "Groups and strange rows are found")
    kept = tuple(column for column in columns if not _numbers_rows(frame[column.name]))
    if not kept:
        raise TrainingError("There is no column to learn from.")
    return Encoder(kept)


def _numbers_rows(values: pd.Series) -> bool:
    if values.dtype.kind not in "iu" or values.isna().any():
        return False
    return int(values.max()) - int(values.min()) == len(values) - 1 and values.is_unique


def encoded_chunks(encoder: Encoder, frame: pd.DataFrame) -> Iterator[Encoded]:
    """The rows of `frame` in order, some thousands at a time."""
    for start in range(0, len(frame), _CHUNK):
        yield encoder.encode(frame.iloc[start : start + _CHUNK])


def fit_likeness(encoder: Encoder, data: Encoded, seed: int, *, limit: float) -> Space:
    """Numbers standardised robustly, categories one-hot, texts as topics; each input column varies by 1 at most.

    Standardised 0/1 columns, plain one-hot and unit-length texts all put two random rows at a squared distance of
    about 2, the idea of Gower's coefficient (1971). That cells are missing makes no rows alike. Coordinates are cut
    off at `limit` standard deviations.

    Raises:
        TrainingError: if every column has the same value in all rows.
    """
    maker = _Maker(encoder, data)
    # Of texts, topics are enough: how long they are would outweigh what they speak of.
    columns = np.array([column for column in _varying(data) if maker.numbers[column] not in maker.texts], np.int64)
    if len(columns):
        block = _scaled(data, columns)
        maker.add(block, list(maker.numbers[columns]))
    if data.codes.shape[1]:
        maker.add(*_one_hot(data, maker.codes))
    maker.add_topics(seed)
    return maker.space(limit, level=True)


def fit_filling(space: Space, data: Encoded) -> Space:
    """The same with missing numbers filled in by the columns they go with.

    Directions with 80 % of the variance, fitted to what they filled in, a few times over (Josse and Husson, 2012).

    Without, they are medians. A third of the coordinates and ten at most: with more, a row would be rebuilt from its
    own gaps.
    """
    if not np.isnan(data.numbers).any():
        return space
    for _ in range(_REFITS):
        coordinates = space.coordinates(data)
        center = coordinates.mean(axis=0)
        axes = main_axes(coordinates, _FILLING_SHARE, min(_FILLING_AXES, -(-len(center) // 3)))
        space = replace(space, center=center, axes=axes)
    return space


def fit_rarity(encoder: Encoder, data: Encoded, seed: int) -> tuple[Space, Bools]:
    """Numbers, flags of missing ones, topics, and log counts of categories; and which are counts (little is rare).

    A level that never occurred is as rare as those that occurred once (Good, The population frequencies of species,
    1953).
    """
    maker = _Maker(encoder, data)
    columns = _varying(data)
    if len(columns):
        values = data.numbers[:, columns]
        flagged = np.flatnonzero(np.isnan(values).any(axis=0))
        maker.add(
            Filled(columns, np.nanmedian(values, axis=0), flagged),
            [*maker.numbers[columns], *maker.numbers[columns[flagged]]],
        )
    maker.add_topics(seed)
    width = len(maker.owners)
    tables = [level_counts(data, column) for column in range(data.codes.shape[1])]
    several = np.array([j for j, counts in enumerate(tables) if (counts > 0).sum() > 1], dtype=np.int64)
    if len(several):
        logs = [_log_counts(tables[column]) for column in several]
        maker.add(Codes(several, *flatten_tables(logs)), list(maker.codes[several]))
    return maker.space(np.inf, level=False), np.arange(len(maker.owners)) >= width


def _log_counts(counts: Ints) -> Floats:
    once = bool((counts == 1).any())
    return np.log1p(np.where(counts > 0, counts, 1.0 if once else 0.0))


class _Maker:
    """Collects blocks, and the input column of each of their columns."""

    def __init__(self, encoder: Encoder, data: Encoded) -> None:
        places = {column.name: place for place, column in enumerate(encoder.columns)}
        self.numbers = np.array([places[name] for name in encoder.number_owners], dtype=np.int64)
        self.codes = np.array([places[name] for name in encoder.code_owners], dtype=np.int64)
        self.texts = [places[name] for name in encoder.text_owners]
        self.data = data
        self.blocks: list[Block] = []
        self.owners: list[int] = []

    def add(self, block: Block, owners: list[int]) -> None:
        self.blocks.append(block)
        self.owners += owners

    def add_topics(self, seed: int) -> None:
        for place, owner in enumerate(self.texts):
            block = fit_topics(self.data, place, seed)
            if block is not None:
                self.add(block, [owner] * block.components.shape[1])

    def space(self, limit: float, *, level: bool) -> Space:
        owners = np.array(self.owners, dtype=np.int64)
        width = len(owners)
        space = Space(Design(tuple(self.blocks)), owners, np.ones(width), limit, np.zeros(width), np.empty((width, 0)))
        if not level:
            return space
        variance = space.coordinates(self.data).var(axis=0)
        if not (variance > 0).any():
            raise TrainingError("Every column has the same value in all rows: there is nothing to learn from.")
        # The main topics of a text count more: the many small ones are the chance of words.
        texts = np.isin(owners, self.texts)
        weights = np.where(texts, np.sqrt(variance), 1.0)
        total = np.bincount(owners, variance * weights**2)[owners]
        least = np.where(texts & (total > 0), 0.0, 1.0)
        return replace(space, scale=weights / np.sqrt(np.maximum(total, least)))


def _varying(data: Encoded) -> Ints:
    missing = np.isnan(data.numbers)
    some = ~missing.all(axis=0)
    values = np.where(missing, 0.0, data.numbers)
    low = np.where(missing, np.inf, values).min(axis=0, initial=np.inf)
    high = np.where(missing, -np.inf, values).max(axis=0, initial=-np.inf)
    return np.flatnonzero(some & ((low < high) | missing.any(axis=0)))


def _scaled(data: Encoded, columns: Ints) -> Scaled:
    """Scales by what lies between the first and the last percent, so that wild values do not flatten the others."""
    values = data.numbers[:, columns]
    missing = np.isnan(values)
    fill = np.nanmedian(values, axis=0)
    values = np.where(missing, fill, values)
    logs = np.sign(values) * np.log1p(np.abs(values))
    logged = np.abs(_skewness(values)) > np.maximum(_SKEWED, np.abs(_skewness(logs)))
    values = np.where(logged, logs, values)
    inner = np.clip(values, *np.quantile(values, [_TAIL, 1 - _TAIL], axis=0))
    spread = np.where(inner.std(axis=0) > 0, inner.std(axis=0), values.std(axis=0))
    flagged = np.empty(0, dtype=np.int64)
    return Scaled(columns, fill, logged, inner.mean(axis=0), np.where(spread > 0, spread, 1.0), flagged)


def _skewness(values: Floats) -> Floats:
    centered = values - values.mean(axis=0)
    largest = np.abs(centered).max(axis=0, initial=0.0)
    # Cubes of the largest numbers would overflow.
    centered = centered / np.where(largest > 0, largest, 1.0)
    spread = centered.std(axis=0)
    return np.asarray((centered**3).mean(axis=0) / np.where(spread > 0, spread, 1.0) ** 3)


def _one_hot(data: Encoded, owners: Ints) -> tuple[OneHot, list[int]]:
    """A column for each level of at least a percent of the rows, one for the rarer together; none where missing."""
    least = max(2.0, _RAREST * len(data))
    tables: list[Ints] = []
    found: list[int] = []
    for column, owner in enumerate(owners):
        counts = level_counts(data, column)
        counts[MISSING - UNSEEN] = 0
        table = np.full(len(counts), -1, dtype=np.int64)
        common = np.flatnonzero(counts >= least)
        rare = (counts > 0) & (counts < least)
        table[common] = len(found) + np.arange(len(common))
        found += [int(owner)] * len(common)
        if len(common) and counts[rare].sum() >= least:
            table[rare] = len(found)
            found.append(int(owner))
        tables.append(table)
    table, offsets = flatten_tables(tables)
    return OneHot(np.arange(len(owners)), table, offsets, len(found), sparse=False), found


def write_space(space: Space, prefix: str, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Puts the arrays of `space` into `arrays` below `prefix`; returns the rest as JSON."""
    arrays |= {f"{prefix}.{name}": getattr(space, name) for name in _ARRAYS}
    blocks = [write_block(block, f"{prefix}.{place}", arrays) for place, block in enumerate(space.design.blocks)]
    return {"blocks": blocks, "limit": space.limit if np.isfinite(space.limit) else None}


def read_space(
    record: Mapping[str, Any], prefix: str, arrays: dict[str, np.ndarray[Any, Any]], encoder: Encoder
) -> Space:
    """The space that `write_space` wrote.

    Raises:
        BundleError: if its parts do not fit together, or not the encoder.
    """
    blocks = tuple(read_block(block, f"{prefix}.{place}", arrays) for place, block in enumerate(record["blocks"]))
    limit = float(record["limit"]) if record["limit"] is not None else np.inf
    space = Space(Design(blocks), limit=limit, **{name: arrays[f"{prefix}.{name}"] for name in _ARRAYS})
    blank = encoded_rows(len(encoder.number_owners), len(encoder.code_owners), len(encoder.text_owners))
    width = space.design.matrix(blank).shape[1]
    owners = space.owners
    sound = (
        owners.dtype.kind == "i"
        and bool(((owners >= 0) & (owners < len(encoder.columns))).all())
        and owners.shape == space.scale.shape == space.center.shape == (width,)
        and space.axes.ndim == 2
        and len(space.axes) == width
        and all(array.dtype == np.float64 for array in (space.scale, space.center, space.axes))
    )
    if not sound:
        raise BundleError(f"The space {prefix!r} of the model does not fit its columns.")
    _check_tables(blocks, encoder)
    return space


def _check_tables(blocks: tuple[Block, ...], encoder: Encoder) -> None:
    """Refuses tables of codes that are shorter than the vocabularies: a code would lead out of them."""
    for block in blocks:
        if isinstance(block, Codes | OneHot):
            sizes = np.array([encoder.levels[column] - UNSEEN for column in block.columns], dtype=np.int64)
            starts = np.concatenate([[0], np.cumsum(sizes)])
            if not np.array_equal(starts, block.offsets) or len(block.table) != starts[-1]:
                raise BundleError("A table of the model does not fit the levels of its categories.")
            if isinstance(block, OneHot) and bool((block.table >= block.width).any()):
                raise BundleError("A table of the model points out of its columns.")
