"""Each step and block makes the same matrix in ONNX Runtime as in the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from automl_runtime.inference import blocks, steps
from automl_runtime.inference.encoding import Column, Encoder
from automl_runtime.inference.exporting.columns import read_columns
from automl_runtime.inference.exporting.designs import design_matrix
from automl_runtime.inference.exporting.graph import Graph
from automl_runtime.inference.exporting.samples import feeds, sample_of
from automl_runtime.inference.groups import GROUP_STATISTICS, CrossedMeans, Grouped
from automl_runtime.inference.parts import Design, encoded_rows
from automl_runtime.inference.texts import BUCKETS, count_ngrams
from hypothesis import given, settings
from hypothesis import strategies as st

RANDOM = np.random.default_rng(11)
ROWS = 60
NUMBERS = pd.DataFrame(
    {
        "a": np.where(RANDOM.random(ROWS) < 0.2, np.nan, RANDOM.integers(0, 5, ROWS)),
        "b": RANDOM.normal(size=ROWS) * 3,
        "c": RANDOM.choice(["x", "y", None, "new"], ROWS),
        "d": RANDOM.choice(["u", "v", "w"], ROWS),
    }
)
NUMBERS_ENCODER = Encoder(
    (
        Column("a", "number"),
        Column("b", "number"),
        Column("c", "category", ("x", "y")),
        Column("d", "category", ("u", "v", "w")),
    )
)
TEXT_ENCODER = Encoder((Column("n", "number"), Column("t", "text"), Column("u", "text", characters=False)))


def both(design: Design, encoder: Encoder, frame: pd.DataFrame) -> tuple[Any, Any]:
    """The matrix by ONNX Runtime, and by the library."""
    graph = Graph()
    blank = encoded_rows(len(encoder.number_owners), len(encoder.code_owners), len(encoder.text_owners))
    rows = design_matrix(graph, design, read_columns(graph, encoder), blank)
    weights = np.random.default_rng(0).normal(size=(rows.starts[-1], 2))
    names = [
        graph.output("matrix", rows.dense(graph), np.float64, ["rows", rows.starts[-1]]),
        graph.output("product", rows.times(graph, weights), np.float64, ["rows", 2]),
    ]
    session = onnxruntime.InferenceSession(graph.model({}).SerializeToString(), providers=["CPUExecutionProvider"])
    sample = sample_of(encoder, frame)
    batches = [session.run(names, cells) for cells in feeds(encoder, sample)]
    matrix, product = (np.vstack(parts) for parts in zip(*batches, strict=True))
    wanted = design.matrix(encoder.encode(frame))
    wanted = wanted if isinstance(wanted, np.ndarray) else wanted.toarray()
    np.testing.assert_allclose(product, matrix @ weights, rtol=1e-9, atol=1e-9)
    return matrix, wanted


@pytest.mark.parametrize("scale", [1.0, 1e-9, 0.0])
def test_quantiles_of_ties_ends_and_constants(scale: float) -> None:
    values = np.sort(np.column_stack([RANDOM.integers(0, 4, 21), RANDOM.normal(size=21) * 2]), axis=0)
    step = steps.Quantiles(values * scale)
    frame = NUMBERS.assign(b=[*values[:, 1], *NUMBERS["b"][21:]]) * [1, 1, 1, 1]
    matrix, wanted = both(Design((blocks.Numbers(np.arange(2)),), (step,)), NUMBERS_ENCODER, frame)
    np.testing.assert_allclose(matrix, wanted, rtol=1e-9, atol=1e-9)


def test_every_statistic_of_a_number_within_the_levels_of_a_category() -> None:
    levels = 4 + 5
    edges = np.sort(RANDOM.integers(0, 5, (levels, 7)).astype(float), axis=1)
    block = Grouped(
        np.array([0, 1]),
        np.array([0, 1]),
        np.array([0, 4, 9]),
        np.r_[0.0, RANDOM.normal(size=levels - 1)],
        RANDOM.random(levels),
        edges,
        np.arange(2 * len(GROUP_STATISTICS)),
    )
    matrix, wanted = both(Design((block,)), NUMBERS_ENCODER, NUMBERS)
    np.testing.assert_allclose(matrix, wanted, rtol=1e-12)


def test_combinations_of_categories_that_were_seen_and_not_seen() -> None:
    keys = np.array([0, 5, 7, 13, 18, 2, 3])
    block = CrossedMeans(
        np.array([0, 1]), np.array([1, 0]), np.array([5, 4]), keys, np.array([0, 5, 7]), RANDOM.normal(size=(8, 2))
    )
    matrix, wanted = both(Design((block,)), NUMBERS_ENCODER, NUMBERS)
    np.testing.assert_allclose(matrix, wanted, rtol=1e-12)
    assert len(np.unique(wanted[:, 0])) > 3


TEXTS = [
    "Win £100 NOW! at https://www.shop.com or WWW.x.y?",
    "",
    None,
    "   ",
    "a",
    "don't\tstop\n\nthe \u00a0 MUSIC\x1f1",
    "ΟΔΟΣ İstanbul STRASSE straße Ⅷ ²",
    "数語 日本語 😀 \ue000 httpſ://z ж-Ж",
    "supercalifragilisticexpialidocious " * 5,
    "x" * 19_990 + " behind the limit of characters",
    "the the the stop stop",
]


def text_design(cells: list[str | None]) -> Design:
    """Half of the n-grams of the texts, weighed, some of them projected; and all numbers."""
    found = []
    for place in range(2):
        seen = np.unique(count_ngrams([text or "" for text in cells]).indices)
        buckets = np.union1d(seen[place::2], [7, BUCKETS - 3]).astype(np.int64)
        weights = 1.0 + np.arange(len(buckets)) % 7
        axes = np.random.default_rng(1).normal(size=(len(buckets), 3)).astype(np.float32)
        found += [blocks.Words(place, buckets, weights), blocks.Topics(place, buckets, weights, axes)]
    return Design((blocks.Numbers(np.arange(17)), *found))


def test_texts_are_taken_apart_as_the_library_does() -> None:
    frame = pd.DataFrame({"n": 1.0, "t": TEXTS, "u": TEXTS[::-1]})
    matrix, wanted = both(text_design(TEXTS), TEXT_ENCODER, frame)
    np.testing.assert_allclose(matrix, wanted, rtol=1e-9, atol=1e-12)
    assert (wanted[:, 17:] != 0).any(axis=1).sum() >= 8


@pytest.mark.parametrize("cells", [[], [None, ""], ["!", " "]])
def test_rows_without_a_word(cells: list[str | None]) -> None:
    frame = pd.DataFrame({"n": np.zeros(len(cells)), "t": pd.Series(cells, dtype=object), "u": None})
    matrix, wanted = both(text_design(["some words"]), TEXT_ENCODER, frame)
    np.testing.assert_allclose(matrix, wanted, rtol=1e-9)


CHARACTERS = st.characters(codec="utf-8", max_codepoint=0x3347F, exclude_characters="\0")


@pytest.fixture(scope="module")
def grams() -> onnxruntime.InferenceSession:
    graph = Graph()
    columns = read_columns(graph, TEXT_ENCODER)
    graph.output("numbers", str(columns.numbers), np.float64, ["rows", 17])
    for place, found in enumerate(columns.texts):
        graph.output(f"places{place}", found.places, np.int64, [None])
        graph.output(f"buckets{place}", found.buckets, np.int64, [None])
    return onnxruntime.InferenceSession(graph.model({}).SerializeToString(), providers=["CPUExecutionProvider"])


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.one_of(st.none(), st.text(CHARACTERS)), min_size=1))
def test_any_text(grams: onnxruntime.InferenceSession, texts: list[str | None]) -> None:
    sample = sample_of(TEXT_ENCODER, pd.DataFrame({"n": 0.0, "t": pd.Series(texts, dtype=object), "u": texts[::-1]}))
    [cells] = feeds(TEXT_ENCODER, sample)
    numbers, *found = grams.run(None, cells)
    np.testing.assert_array_equal(numbers.astype(np.float32), sample.data.numbers.astype(np.float32))
    for text, places, buckets in zip(sample.data.texts, found[::2], found[1::2], strict=True):
        counts = np.zeros(text.shape, dtype=np.float32)
        np.add.at(counts, (places, buckets), 1)
        np.testing.assert_array_equal(counts, text.toarray())
