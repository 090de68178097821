"""Every block says of one row what it says of that row among many."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.errors import BundleError
from automl_runtime.inference.blocks import (
    BLOCKS,
    Codes,
    Components,
    Cycles,
    Filled,
    Numbers,
    OneHot,
    Pairs,
    Pieces,
    Raw,
    Scaled,
    TargetMeans,
    Topics,
    Words,
)
from automl_runtime.inference.encoding import Column, Encoded, Encoder
from automl_runtime.inference.groups import GROUP_STATISTICS, CrossedMeans, Grouped
from automl_runtime.inference.parts import Design
from automl_runtime.inference.program import Program
from automl_runtime.inference.records import RecordEncoder, Row
from automl_runtime.inference.steps import Finite, Imputed, Logged, Quantiles, Rescaled, Selected
from automl_runtime.inference.texts import count_ngrams, count_one
from hypothesis import given, settings
from hypothesis import strategies as st

RANDOM = np.random.default_rng(5)
NUMBERS, LEVELS = 6, (2, 4)
OFFSETS = np.array([0, 4, 10])
BOTH = np.array([0, 1])
TEXTS = ("", "free offer, call now", "now see you at home", "naïve Übung 123 free", "ΟΔΟΣ İstanbul")
BUCKETS = np.unique(count_ngrams(TEXTS).indices)[::2]
WEIGHTS = RANDOM.uniform(1, 3, len(BUCKETS))
EVERY = np.arange(NUMBERS)
FILL = RANDOM.normal(size=NUMBERS)
BLOCK_CASES = [
    Numbers(EVERY[::-1]),
    Filled(EVERY, FILL, np.array([1, 4])),
    Scaled(EVERY, FILL, np.arange(NUMBERS) % 2 == 0, FILL, np.abs(FILL) + 0.1, np.array([0, 2, 5])),
    Pieces(BOTH, FILL[:2], np.array([-1.0, 0.0, 0.5, 2.0, -3.0, 3.0]), np.array([0, 4, 6]), np.array([1])),
    Pairs(
        np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([1.0, 2.0, 1.0]), FILL[:3], np.array([False, False, True])
    ),
    Cycles(np.array([0]), np.array([0, 1, 3, 4, 5, 7])),
    Codes(BOTH, np.where(RANDOM.random(10) < 0.2, np.nan, RANDOM.normal(size=10)), OFFSETS),
    OneHot(BOTH, np.array([-1, 0, 1, 2, 3, 3, 4, 5, -1, 4]), OFFSETS, 7, False),
    OneHot(BOTH[1:], np.array([-1, 0, 1, 0, -1, 0]), np.array([0, 6]), 2, True),
    TargetMeans(BOTH, RANDOM.normal(size=(10, 3)), OFFSETS),
    CrossedMeans(
        BOTH, BOTH[::-1], np.array([6, 4]), np.array([2, 7, 13, 3]), np.array([0, 3, 4]), RANDOM.normal(size=(5, 2))
    ),
    Grouped(
        BOTH,
        np.array([2, 0]),
        OFFSETS[:2],
        np.where(np.arange(10) == 3, 0.0, RANDOM.normal(size=10)),
        np.where(np.arange(10) == 5, np.inf, 1.0),
        np.sort(RANDOM.normal(size=(10, 4)), axis=1),
        np.arange(2 * len(GROUP_STATISTICS)),
    ),
    Words(0, BUCKETS, WEIGHTS),
    Topics(0, BUCKETS, WEIGHTS, RANDOM.normal(size=(len(BUCKETS), 3)).astype(np.float32)),
    Components(0, 1, RANDOM.normal(size=4).astype(np.float32), RANDOM.normal(size=(4, 2)).astype(np.float32)),
    Raw(0, 6),
]
STEP_CASES = [
    (Finite(FILL - 9, FILL + 9), Imputed(FILL, np.array([1, -1]), np.array([0, 3]))),
    (Rescaled(FILL, np.abs(FILL) + 1), Logged()),
    (Quantiles(np.sort(RANDOM.normal(size=(5, NUMBERS)), axis=0)), Selected(EVERY[::-1], BOTH, NUMBERS)),
]
ENCODER = RecordEncoder(
    Encoder((Column("text", "text", raw=("words",)), *(Column(name, "category", ("a",)) for name in "bc")))
)
CELLS = st.one_of(st.sampled_from([np.nan, 0.0, -0.0, 1e30, -1e30, 0.5, 2.0]), st.floats(-5, 5))
ROWS = st.builds(
    lambda numbers, codes, text, missing: Row(
        np.array(numbers),
        np.array(codes, np.int32),
        (count_one(text),),
        (np.full((1, 6), np.nan if missing else 0.5, dtype=np.float32),),
        (np.full((1, 6), len(text), dtype=np.float32),),
    ),
    st.lists(CELLS, min_size=NUMBERS, max_size=NUMBERS),
    st.tuples(*(st.integers(-2, levels - 1) for levels in LEVELS)),
    st.sampled_from(TEXTS) | st.text(max_size=20),
    st.booleans(),
)
BLANK = Row(
    np.full(NUMBERS, np.nan),
    np.full(2, -1, np.int32),
    (count_one(""),),
    (np.full((1, 6), np.nan, np.float32),),
    (np.zeros((1, 6), np.float32),),
)


def _by_blocks(design, row):
    data: Encoded = ENCODER.encoded(row)
    made = design.matrix(data)
    return np.asarray(made if isinstance(made, np.ndarray) else made.toarray(), dtype=np.float64)


def test_every_block_is_tried():
    assert {type(block) for block in BLOCK_CASES} == set(BLOCKS.values())


@pytest.mark.parametrize("block", BLOCK_CASES, ids=lambda block: type(block).__name__)
@settings(deadline=None)
@given(row=ROWS)
def test_a_block_of_one_row(block, row):
    design = Design((block,))
    found = Program([design], ENCODER, BLANK).rows(row)
    np.testing.assert_allclose(found, _by_blocks(design, row), rtol=1e-12, atol=1e-12, strict=True)


@pytest.mark.parametrize("steps", STEP_CASES)
@settings(deadline=None)
@given(row=ROWS)
def test_blocks_side_by_side_behind_steps(steps, row):
    design = Design(tuple(BLOCK_CASES), steps)
    found = Program([design], ENCODER, BLANK).rows(row)
    np.testing.assert_allclose(found, _by_blocks(design, row), rtol=1e-12, atol=1e-12, strict=True)


def test_several_designs_lie_side_by_side():
    designs = [Design((BLOCK_CASES[0],)), Design(()), Design(tuple(BLOCK_CASES[5:14]))]
    program = Program(designs, ENCODER, BLANK)
    found = program.rows(BLANK)
    for design, columns in zip(designs, program.slices, strict=True):
        np.testing.assert_allclose(found[:, columns], _by_blocks(design, BLANK), rtol=1e-12, strict=True)


@pytest.mark.parametrize("text", [*TEXTS, "x" * 30_000])
@pytest.mark.parametrize("characters", [True, False])
def test_the_ngrams_of_one_text_are_those_of_a_row(text, characters):
    buckets, counts = count_one(text, characters=characters)
    wanted = count_ngrams([text], characters=characters)
    np.testing.assert_array_equal(buckets, wanted.indices)
    np.testing.assert_array_equal(counts, wanted.data, strict=True)


@pytest.mark.parametrize(
    "block", [Numbers(np.array([NUMBERS])), Numbers(np.array([-1])), Codes(BOTH + 1, FILL, OFFSETS)]
)
def test_a_column_that_is_not_there_is_refused(block):
    with pytest.raises(BundleError, match="reads a column that is not there"):
        Program([Design((block,))], ENCODER, BLANK)


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (Codes(BOTH[1:], np.ones(3), np.array([-1, 3])), -2),
        (Codes(BOTH[1:], np.ones(3), np.array([1, 3])), 0),
        (OneHot(BOTH[1:], np.array([0, 1, 2]), np.array([0, 3]), 2, False), 0),
        (CrossedMeans(BOTH, BOTH, BOTH + 4, np.array([1, 2]), np.array([0, 3]), np.ones((3, 1))), 0),
    ],
)
def test_a_table_is_never_left(block, code):
    with pytest.raises(IndexError, match="outside of its table"):
        Program([Design((block,))], ENCODER, BLANK).rows(BLANK._replace(codes=np.array([0, code], np.int32)))
