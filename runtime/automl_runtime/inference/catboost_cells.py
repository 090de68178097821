"""The cells that CatBoost's trees look at: numbers, whether codes are those of splits, statistics of combinations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import BundleError
from automl_runtime.inference.catboost_ctrs import Statistic, hashes, splits_of, statistics, treated_above
from automl_runtime.inference.encoding import UNSEEN
from automl_runtime.kernels.arrays import Floats, Ints, Records, Singles
from automl_runtime.kernels.categories import (
    ABOVE,
    ELEMENT,
    EQUAL,
    TABLE,
    VALUE,
    fill_equals,
    fill_statistics,
    hash_codes,
)

__all__ = ["Cells", "Places", "pack_tables", "read_cells"]

_CODES = 4_096
"""Among so many those are sought that splits ask for."""
_BEYOND = 3
"""Codes behind those of training that rows are made of to compare."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Makes cells of rows whose first columns are `numbers` numbers; see `kernels.categories` for the arrays."""

    numbers: int
    codes: int
    columns: Ints
    """The column of codes and the hash that each of the cells behind the numbers asks for."""
    hashes: Ints
    elements: Records
    tables: Records
    starts: Ints
    keys: NDArray[np.uint64]
    values: Singles
    width: int
    """How many cells there are."""

    def of(self, rows: Floats) -> Floats:
        """float64, rows x cells, in Fortran order; `rows` float64 in C order."""
        cells = np.empty((self.width, len(rows))).T
        cells[:, : self.numbers] = rows[:, : self.numbers].astype(np.float32)
        if self.codes:
            hashed = np.empty((len(rows), self.codes), dtype=np.int64)
            hash_codes(rows, self.numbers, hashed)
            fill_equals(hashed, self.columns, self.hashes, self.numbers, cells)
            fill_statistics(hashed, self.elements, self.tables, self.starts, self.keys, self.values, cells)
        return cells

    def edges(self, found: list[Floats]) -> list[Floats | Ints]:
        """For each column of rows what to compare on, `found` being the borders of each cell.

        Of numbers the borders (float32), of codes all that training may have seen and some others.
        """
        above = self.elements[self.elements["kind"] == ABOVE]
        borders = [
            np.append(found[place], above["border"][above["column"] == place]).astype(np.float32)
            for place in range(self.numbers)
        ]
        levels, codes = np.zeros(self.codes, np.int64), np.arange(_CODES)
        known = hashes(codes)
        for column, asked in zip(self.columns, self.hashes, strict=True):
            levels[column] = max(levels[column], codes[known == asked].max(initial=0))
        alone = self.tables[self.tables["last"] - self.tables["first"] == 1]
        alone = alone[self.elements["kind"][alone["first"]] == VALUE]
        np.maximum.at(levels, self.elements["column"][alone["first"]], alone["keys"])
        return [*borders, *(np.arange(UNSEEN, int(count) + _BEYOND) for count in levels)]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the cells lie that splits look at."""

    floats: list[int]
    """Of each feature of numbers."""
    hots: dict[tuple[int, int], int]
    """Of each feature of codes and hash."""
    statistics: dict[int, int]
    """Of the number of each split by a statistic."""

    def of(self, split: dict[str, Any]) -> int:
        """The cell that a split looks at."""
        match split["split_type"]:
            case "FloatFeature":
                return self.floats[int(split["float_feature_index"])]
            case "OneHotFeature":
                return self.hots[_hot(split)]
            case _:
                return self.statistics[int(split["split_index"])]


def read_cells(model: dict[str, Any], numbers: int, width: int) -> tuple[Cells, Places]:
    """The cells of a model that is not `strange`.

    Raises:
        BundleError: if the model reads other columns than those of `width`, of which `numbers` are numbers.
    """
    about = model["features_info"]
    floats = [int(each["flat_feature_index"]) for each in about.get("float_features", ())]
    codes = [int(each["flat_feature_index"]) - numbers for each in about.get("categorical_features", ())]
    if not all(0 <= each < numbers for each in floats) or not all(0 <= each < width - numbers for each in codes):
        raise BundleError("The CatBoost model reads columns that its preprocessing does not make.")
    asked = sorted({_hot(split) for split in splits_of(model) if split["split_type"] == "OneHotFeature"})
    ctrs, owners = statistics(model)
    first = numbers + len(asked)
    # Statistics of the same combinations lie side by side.
    order = sorted(range(len(ctrs)), key=lambda number: ctrs[number].combinations)
    place = {number: first + column for column, number in enumerate(order)}
    alike = [
        list(group) for _, group in groupby((ctrs[number] for number in order), key=lambda each: each.combinations)
    ]
    above = [treated_above(each) for each in about.get("float_features", ())]
    parts = [[_element(each, floats, above, codes) for each in group[0].elements] for group in alike]
    cells = Cells(
        numbers,
        width - numbers,
        np.array([codes[feature] for feature, _ in asked], dtype=np.int64),
        np.array([value for _, value in asked], dtype=np.int64),
        np.array([element for part in parts for element in part], dtype=ELEMENT),
        *pack_tables(alike, list(map(len, parts)), first),
        width=first + len(ctrs),
    )
    hots = {each: numbers + column for column, each in enumerate(asked)}
    return cells, Places(floats, hots, {split: place[number] for split, number in owners.items()})


def _hot(split: dict[str, Any]) -> tuple[int, int]:
    return int(split["cat_feature_index"]), int(split["value"])


def _element(element: dict[str, Any], floats: list[int], above: list[bool], codes: list[int]) -> tuple[Any, ...]:
    """As `ELEMENT` wants it."""
    if element["combination_element"] == "float_feature":
        feature = element["float_feature_index"]
        return ABOVE, floats[feature], 0, np.float32(element["border"]), above[feature]
    column = codes[element["cat_feature_index"]]
    if element["combination_element"] == "cat_feature_value":
        return VALUE, column, 0, 0.0, 0
    return EQUAL, column, element["value"], 0.0, 0


def pack_tables(
    alike: list[list[Statistic]], elements: list[int], column: int
) -> tuple[Records, NDArray[np.int32], NDArray[np.uint64], Singles]:
    """The tables, the starts of their buckets, their keys and their values; each has so many `elements`."""
    tables = np.zeros(len(alike), TABLE)
    starts: list[Ints] = [np.empty(0, np.int32)]
    keys: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
    values: list[Singles] = [np.empty(0, np.float32)]
    tables["width"], tables["keys"] = [len(each) for each in alike], [len(each[0].keys) for each in alike]
    tables["last"] = np.cumsum(elements)
    tables["first"] = tables["last"] - elements
    # Two to four times as many buckets as keys: most have one or none.
    bits = [int(count).bit_length() + 1 for count in tables["keys"]]
    tables["shift"] = 64 - np.array(bits, dtype=np.int64)
    for name, sizes in (
        ("start", (1 << np.array(bits, dtype=np.int64)) + 1),
        ("key", tables["keys"]),
        ("value", (tables["keys"] + 1) * tables["width"]),
        ("column", tables["width"]),
    ):
        tables[name] = np.cumsum(sizes) - sizes
    tables["column"] += column
    for group, table, count in zip(alike, tables, bits, strict=True):
        known = group[0].keys
        starts.append(np.searchsorted(known >> table["shift"], np.arange((1 << count) + 1, dtype=np.uint64)))
        keys.append(known)
        values.append(np.column_stack([each.values for each in group]).ravel())
    return tables, np.concatenate(starts).astype(np.int32), np.concatenate(keys), np.concatenate(values)
