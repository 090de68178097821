"""Fits the preprocessing of each family of learners on the rows that train.

Recipes: `trees` (LightGBM: numbers as they are, categories by native codes), `catboost` (all categories
native), both also with sums and ratios of numbers (`_pairs`) and with what two columns say together of which one is a
category (`_groups`), `forest` (imputed, one-hot or target means),
`linear` (scaled, one-hot, words), `splines` (linear over piecewise linear numbers), `network` (those numbers,
one-hot, topics; always dense), `scaled` (as linear, but topics; always dense), `pixels` and `words` (as network, but
pictures or texts as they stand) and `sentences` (as scaled, but texts by a network that others trained). Categories
with many levels become out-of-fold target means; texts become topics, or words for linear models; pictures their
main components (`engine.views`). What was asked for (`PreprocessingSpec`)
takes the place of the recipe's own way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from automl_schemas.preprocessing import PreprocessingSpec

from automl_runtime.engine.encodings import MOST_CATEGORIES, fit_encoding
from automl_runtime.engine.groups import fit_groups
from automl_runtime.engine.pairs import fit_pairs
from automl_runtime.engine.target_means import Target, by_frequency, fit_target_means, flatten_tables, level_counts
from automl_runtime.engine.topics import fit_topics, fit_words
from automl_runtime.inference.blocks import Block, Codes, Cycles, Filled, Numbers, OneHot, Pieces, Raw, Scaled
from automl_runtime.inference.encoding import UNSEEN, Encoded
from automl_runtime.inference.parts import Design
from automl_runtime.inference.raw import PIXELS, SENTENCES, WORDS, kind_of
from automl_runtime.kernels.arrays import Floats, Ints, Matrix

__all__ = [
    "AS_THE_RECIPE",
    "RECIPES",
    "FittedDesign",
    "Recipe",
    "boosted_recipe",
    "depends_on_fold",
    "fit_design",
    "varies",
]

Recipe = Literal[
    "trees",
    "trees_pairs",
    "trees_groups",
    "trees_pairs_groups",
    "catboost",
    "catboost_pairs",
    "catboost_groups",
    "catboost_pairs_groups",
    "forest",
    "linear",
    "splines",
    "network",
    "scaled",
    "pixels",
    "words",
    "sentences",
]

AS_THE_RECIPE = PreprocessingSpec()
"""Nothing was asked for."""

_NATIVE = ("trees", "catboost")
_MOST_LEVELS = {
    "trees": 50,
    "catboost": 1 << 30,
    "forest": 8,
    "linear": 50,
    "splines": 50,
    "network": 50,
    "scaled": 50,
    "pixels": 50,
    "words": 50,
    "sentences": 50,
}
"""Categories with more levels become target means."""
_RAREST = {
    "trees": 3,
    "catboost": 1,
    "forest": 5,
    "linear": 5,
    "splines": 5,
    "network": 5,
    "scaled": 5,
    "pixels": 5,
    "words": 5,
    "sentences": 5,
}
_RAW: dict[str, tuple[str, str]] = {
    "pixels": ("image", PIXELS),
    "words": ("text", WORDS),
    "sentences": ("text", SENTENCES),
}
"""The kind of column that a recipe reads as networks do, and how."""
_SINGLE = ("forest", "network", *_RAW)
"""What their learners read is rounded to float32."""
_SPARSE = ("linear", "splines")
_WEIGHING = ("linear", "splines", "network", "scaled", *_RAW)
_KNOTS = 12
_SKEWED = 2.0
_BESIDE_WORDS = 0.1
_FLAT = 1e-9
_SPARSE_WIDTH = 400


@dataclass(frozen=True, slots=True)
class FittedDesign:
    """A design, and its matrix for the rows it was fitted on (target means out of fold).

    The first `numbers` columns of the matrix are numbers, the others native codes.
    """

    design: Design
    matrix: Matrix
    numbers: int
    rows: Ints | None = None
    """The place among the rows given of each row of the matrix; None: all, as they came."""

    @property
    def nbytes(self) -> int:
        """Bytes of the matrix."""
        matrix = self.matrix
        return int(matrix.nbytes if isinstance(matrix, np.ndarray) else matrix.data.nbytes + matrix.indices.nbytes)


def depends_on_fold(recipe: Recipe, data: Encoded, asked: PreprocessingSpec = AS_THE_RECIPE) -> bool:
    """Whether the matrix of a recipe holds anything that was learned from the rows that train."""
    if asked.chosen or recipe not in ("trees", "catboost"):
        return True
    if data.texts or data.images:
        return True
    return recipe == "trees" and len(_split_by_levels(data, _MOST_LEVELS[recipe])[1]) > 0


def fit_design(
    recipe: Recipe,
    data: Encoded,
    target: Target,
    seed: int,
    asked: PreprocessingSpec = AS_THE_RECIPE,
    pictures: Sequence[Block] = (),
) -> FittedDesign:
    """Fits `recipe` on `data`, prepared as `asked` but for the encoding; deterministic for a seed.

    `pictures` have been fitted on the same rows.
    """
    blocks: list[Block] = []
    parts: list[Matrix] = []

    def add(block: Block | None, matrix: Matrix | None = None) -> None:
        if block is not None:
            blocks.append(block)
            part = block.transform(data) if matrix is None else matrix
            single = recipe in _SINGLE and isinstance(part, np.ndarray)
            parts.append(part.astype(np.float32, copy=False) if single else part)

    kind, _ = _RAW.get(recipe, ("", 0))
    for raw_block in _raws(recipe, data):
        add(raw_block)
    for numbers_block in (*_number_blocks(recipe, asked)(data), *(() if kind == "image" else pictures)):
        add(numbers_block)
    base, *made = recipe.split("_")
    if base in ("linear", "network", "scaled", *_RAW) and not asked.chosen:
        add(_fit_cycles(data))
    for block, matrix in _fit_made(made, data, target, seed):
        add(block, matrix)
    for text in range(0 if kind == "text" else len(data.texts)):
        if recipe in ("linear", "splines"):
            add(fit_words(data, text))
        else:
            add(fit_topics(data, text, seed))
    few, many = _split_by_levels(data, _MOST_LEVELS[base])
    if asked.encoding is not None and len(few) + len(many):
        add(*_fit_asked(recipe, data, np.union1d(few, many), target, seed, asked))
        few = many = few[:0]
    if len(many):
        add(*fit_target_means(data, many, target, seed))
    numbers = sum(part.shape[1] for part in parts)
    if len(few):
        add(_fit_native(base, data, few) if base in _NATIVE else _fit_one_hot(base, data, few))
    design = Design(tuple(blocks))
    return FittedDesign(design, _stack(parts, len(data)), numbers)


def _fit_cycles(data: Encoded) -> Cycles | None:
    """The waves of dates that differ between rows; None when there are none."""
    dates = np.array(data.dates, dtype=np.int64)
    every = Cycles(dates, np.arange(8 * len(dates)))
    kept = np.flatnonzero(np.ptp(np.asarray(every.transform(data)), axis=0) > _FLAT) if len(dates) else dates
    return replace(every, kept=kept) if len(kept) else None


def _fit_made(made: list[str], data: Encoded, target: Target, seed: int) -> list[tuple[Block, Matrix]]:
    found: list[tuple[Block, Matrix]] = []
    if "pairs" in made and (pairs := fit_pairs(data, target, seed)) is not None:
        found.append((pairs, pairs.transform(data)))
    if "groups" in made:
        found += fit_groups(data, target, seed)
    return found


def _fit_asked(
    recipe: Recipe, data: Encoded, columns: Ints, target: Target, seed: int, asked: PreprocessingSpec
) -> tuple[Block, Matrix | None]:
    assert asked.encoding is not None
    most = asked.max_categories or MOST_CATEGORIES
    wide = len(data.texts) > 0 or sum(min(data.levels[column], most) for column in columns) > _SPARSE_WIDTH
    sparse = recipe in _SPARSE and wide
    unit = recipe in _WEIGHING
    return fit_encoding(asked.encoding, data, columns, target, most=most, unit=unit, sparse=sparse, seed=seed)


def _stack(parts: list[Matrix], rows: int) -> Matrix:
    if any(not isinstance(part, np.ndarray) for part in parts):
        from scipy import sparse

        return sparse.hstack(parts, format="csr")
    return np.hstack(parts) if len(parts) > 1 else parts[0] if parts else np.empty((rows, 0))


def varies(data: Encoded) -> bool:
    """Whether any column tells two rows apart."""
    return bool(
        len(_varying(data))
        or any((image != image[0]).any() for image in data.images)
        or (data.codes != data.codes[0]).any()
        or any((np.bincount(text.indices, minlength=1) % len(data)).any() for text in data.texts)
    )


def _split_by_levels(data: Encoded, most: int) -> tuple[Ints, Ints]:
    """Categories with at most `most` levels, and those with more; columns that do not vary are in neither."""
    levels = np.array([len(np.unique(column)) for column in data.codes.T], dtype=np.int64)
    return np.flatnonzero((levels > 1) & (levels <= most)), np.flatnonzero(levels > most)


def _varying(data: Encoded) -> Ints:
    """Numbers that do not have one value (or none) in all rows."""
    kept = []
    for place, column in enumerate(data.numbers.T):
        known = column[~np.isnan(column)]
        if len(known) and (len(known) < len(column) or known.min() < known.max()):
            kept.append(place)
    return np.array(kept, dtype=np.int64)


def _raws(recipe: Recipe, data: Encoded) -> list[Block]:
    """What the recipe reads as networks do: the first columns of its matrix."""
    wanted = _RAW[recipe][1] if recipe in _RAW else None
    return [
        Raw(place, raw.shape[1])
        for place, (reading, raw) in enumerate(zip(data.readings, data.raws, strict=True))
        if kind_of(reading) == wanted
    ]


def _raw(data: Encoded) -> list[Block]:
    return [Numbers(_varying(data))]


def _medians(data: Encoded, columns: Ints) -> tuple[Floats, Ints]:
    values = data.numbers[:, columns]
    missing = np.isnan(values)
    fill = np.array([np.median(column[~np.isnan(column)]) for column in values.T], dtype=np.float64)
    return fill, np.flatnonzero(missing.any(axis=0))


def _filled(data: Encoded) -> list[Block]:
    columns = _varying(data)
    return [Filled(columns, *_medians(data, columns))]


def _scaled(data: Encoded) -> list[Block]:
    return [_standardised(data, _varying(data))]


def _standardised(data: Encoded, columns: Ints) -> Scaled:
    fill, flagged = _medians(data, columns)
    values = np.where(np.isnan(data.numbers[:, columns]), fill, data.numbers[:, columns])
    logs = np.sign(values) * np.log1p(np.abs(values))
    logged = np.abs(_skewness(values)) > np.maximum(_SKEWED, np.abs(_skewness(logs)))
    values = np.where(logged, logs, values)
    scale = values.std(axis=0)
    return Scaled(columns, fill, logged, values.mean(axis=0), np.where(scale > 0, scale, 1.0), flagged)


def _beside_words(data: Encoded) -> list[Block]:
    """Scaled; beside texts to a tenth, for each n-gram of a row is as small, and one penalty holds for all columns."""
    block = _standardised(data, _varying(data))
    return [replace(block, scale=block.scale / _BESIDE_WORDS) if data.texts else block]


def _skewness(values: Floats) -> Floats:
    centered = values - values.mean(axis=0)
    spread = centered.std(axis=0)
    return np.asarray((centered**3).mean(axis=0) / np.where(spread > 0, spread, 1.0) ** 3)


def _pieces(data: Encoded) -> list[Block]:
    """Numbers with many values become piecewise linear, the others are scaled."""
    columns = _varying(data)
    fill, flagged = _medians(data, columns)
    values = np.where(np.isnan(data.numbers[:, columns]), fill, data.numbers[:, columns])
    quantiles = np.linspace(0, 1, _KNOTS + 1)
    edges = [np.unique(np.quantile(column, quantiles)) for column in values.T]
    fine = np.array([len(found) > 2 for found in edges], dtype=bool)
    blocks: list[Block] = [_standardised(data, columns[~fine])] if (~fine).any() else []
    chosen = np.flatnonzero(fine)
    if len(chosen):
        kept = [edges[place] for place in chosen]
        offsets = np.concatenate([[0], np.cumsum([len(found) for found in kept])])
        flags = np.flatnonzero(np.isin(chosen, flagged))
        blocks.append(Pieces(columns[chosen], fill[chosen], np.concatenate(kept), offsets, flags))
    return blocks


_NUMBER_BLOCKS: dict[str, Callable[[Encoded], list[Block]]] = {
    "trees": _raw,
    "catboost": _raw,
    "forest": _filled,
    "linear": _beside_words,
    "splines": _pieces,
    "network": _pieces,
    "scaled": _scaled,
    "pixels": _pieces,
    "words": _pieces,
    "sentences": _scaled,
}


def _number_blocks(recipe: Recipe, asked: PreprocessingSpec) -> Callable[[Encoded], list[Block]]:
    """Numbers that were scaled as asked are not scaled again; without a scale there is no basis for a network."""
    return (
        _filled
        if asked.scaling is not None and recipe in ("linear", "network", "scaled", *_RAW)
        else _NUMBER_BLOCKS[recipe.partition("_")[0]]
    )


RECIPES: tuple[Recipe, ...] = get_args(Recipe)


def boosted_recipe(base: Literal["trees", "catboost"], params: Mapping[str, Any]) -> Recipe:
    """`base` with what `params` ask for: `pairs`, `groups`."""
    name = "_".join([base, *(made for made in ("pairs", "groups") if params.get(made))])
    return next(recipe for recipe in RECIPES if recipe == name)


def _fit_native(recipe: str, data: Encoded, columns: Ints) -> Codes:
    """Codes ordered by frequency; levels rarer than the recipe's limit share one code, unseen ones are missing."""
    tables = []
    for column in columns:
        counts, order = level_counts(data, column), by_frequency(data, column)
        if recipe == "catboost":
            # CatBoost looks spellings up itself and knows what it has not seen.
            table = np.full(len(counts), float(UNSEEN))
            table[order] = np.arange(len(order))
        else:
            table = np.full(len(counts), np.nan)
            common = order[counts[order] >= _RAREST[recipe]]
            table[common] = np.arange(len(common))
            table[(counts > 0) & (counts < _RAREST[recipe])] = len(common)
        tables.append(table)
    return Codes(columns, *flatten_tables(tables))


def _fit_one_hot(recipe: str, data: Encoded, columns: Ints) -> OneHot:
    """A column for each level that is not rare, one for the rare together; unseen levels have none."""
    tables = []
    width = 0
    for column in columns:
        counts, order = level_counts(data, column), by_frequency(data, column)
        table = np.full(len(counts), -1, dtype=np.int64)
        common = order[counts[order] >= _RAREST[recipe]]
        table[common] = width + np.arange(len(common))
        width += len(common)
        rare = (counts > 0) & (counts < _RAREST[recipe])
        if counts[rare].sum() >= _RAREST[recipe]:
            table[rare] = width
            width += 1
        tables.append(table)
    table, offsets = flatten_tables(tables)
    sparse = recipe in _SPARSE and (width > _SPARSE_WIDTH or bool(data.texts))
    return OneHot(columns, table, offsets, width, sparse)
