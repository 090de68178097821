"""The kernels that make cells of categories and their twins do the same."""

from __future__ import annotations

import numpy as np
from automl_runtime.inference.catboost_cells import pack_tables
from automl_runtime.inference.catboost_ctrs import Statistic
from automl_runtime.kernels.categories import (
    ABOVE,
    ELEMENT,
    EQUAL,
    VALUE,
    fill_equals,
    fill_statistics,
    fill_statistics_numpy,
    hash_codes,
    hash_codes_python,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NUMBERS, CODES = 2, 3


@settings(deadline=None)
@given(st.lists(st.integers(-9_999_999, 99_999_999), min_size=1))
def test_hashes_of_codes_are_those_of_their_spelling(codes):
    rows = np.column_stack([np.zeros(len(codes)), codes]).astype(float)
    found = np.empty((len(codes), 1), np.int64)
    hash_codes(rows, 1, found)
    assert found[:, 0].tolist() == [hash_codes_python(code) for code in codes]


def test_codes_are_compared_for_equality():
    hashed, cells = np.array([[5, 7], [6, -7], [5, -7]]), np.full((3, 4), 9.0)
    fill_equals(hashed, np.array([0, 1, 0]), np.array([5, -7, 6]), 1, cells)
    assert cells.tolist() == [[9, 1, 0, 0], [9, 0, 1, 1], [9, 1, 1, 0]]


def elements_of(rng, hashed):
    """Between none and four elements of all kinds."""
    made = np.zeros(rng.integers(0, 5), ELEMENT)
    made["kind"] = rng.choice([VALUE, ABOVE, EQUAL], len(made))
    made["column"] = rng.integers(0, np.where(made["kind"] == ABOVE, NUMBERS, CODES))
    made["hash"], made["missing"] = rng.choice(hashed.ravel(), len(made)), rng.integers(0, 2, len(made))
    made["border"] = rng.normal(size=len(made))
    return made


def combined(element, cells, hashes):
    """What one element says of one row, plainly."""
    if element["kind"] == ABOVE:
        cell = cells[element["column"]]
        return int(element["missing"] if np.isnan(cell) else cell > element["border"])
    found = int(hashes[element["column"]])
    return found if element["kind"] == VALUE else int(found == element["hash"])


def key_of(elements, cells, hashes):
    key = 0
    for element in elements:
        key = (key + combined(element, cells, hashes) * 0x4906BA494954CB65) * 0x4906BA494954CB65 % 2**64
    return key


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 5), rows=st.integers(1, 40))
def test_statistics_of_combinations_are_looked_up_by_their_hash(seed, count, rows):
    rng = np.random.default_rng(seed)
    hashed = rng.integers(-(2**31), 2**31, 4)[rng.integers(0, 4, (rows, CODES))]
    parts = [elements_of(rng, hashed) for _ in range(count)]
    numbers = np.where(rng.random((rows, NUMBERS)) < 0.2, np.nan, rng.normal(size=(rows, NUMBERS)))
    wanted, alike = [numbers], []
    for part in parts:
        told = [key_of(part, *each) for each in zip(numbers, hashed, strict=True)]
        seen = np.unique(np.array([key for key in told if rng.random() < 0.6] + [7], np.uint64))
        values = rng.normal(size=(rng.integers(1, 4), len(seen) + 1)).astype(np.float32)
        alike.append([Statistic((), seen, each, each[:0]) for each in values])
        entry = [seen.tolist().index(key) if key in seen.tolist() else len(seen) for key in told]
        wanted.append(values[:, entry].T)
    arrays = pack_tables(alike, [len(part) for part in parts], NUMBERS)
    width = sum(each.shape[1] for each in wanted)
    cells = [np.full((width, rows), np.nan).T for _ in range(2)]
    for made, fill in zip(cells, (fill_statistics, fill_statistics_numpy), strict=True):
        made[:, :NUMBERS] = numbers
        fill(hashed, np.concatenate(parts), *arrays, made)
        np.testing.assert_array_equal(made, np.hstack(wanted))
