from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.errors import BundleError, SchemaMismatchError
from automl_runtime.inference.encoding import MISSING, UNSEEN, Column, Encoder, spell
from automl_runtime.inference.texts import lower

ENCODER = Encoder((Column("b", "category", ("x", "3")), Column("a", "number"), Column("d", "date")))
ROWS = pd.DataFrame({"d": ["2024-01-05", None], "b": ["x", None], "a": [1.5, np.inf], "extra": [0, 0]})


def test_columns_are_found_by_name_in_any_order():
    data = ENCODER.encode(ROWS)
    again = ENCODER.encode(ROWS[ROWS.columns[::-1]])
    np.testing.assert_array_equal(data.numbers, again.numbers)
    assert data.numbers[0, :2].tolist() == [1.5, 2024.0]
    assert np.isnan(data.numbers[1]).all()
    assert data.codes.tolist() == [[0], [MISSING]]
    assert data.levels == (2,)


def test_a_missing_column_is_named():
    with pytest.raises(SchemaMismatchError, match=r"lack 1 of 3 columns.*'a'"):
        ENCODER.encode(ROWS.drop(columns="a"))


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        (["x", "3", "y", None], [0, 1, UNSEEN, MISSING]),
        ([3, 3.0, 4, None], [1, 1, UNSEEN, MISSING]),
        (["x", 3, True, 1], [0, 1, UNSEEN, UNSEEN]),
        (pd.Categorical(["x", "z", None, "x"]), [0, UNSEEN, MISSING, 0]),
    ],
)
def test_categories_of_any_type(cells, codes):
    rows = pd.DataFrame({"a": 1, "d": None, "b": pd.Series(cells, dtype=object) if isinstance(cells, list) else cells})
    assert ENCODER.encode(rows).codes[:, 0].tolist() == codes


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        ([True, False, None], [1, 0, np.nan]),
        (pd.array([True, None, False], dtype="boolean"), [1, np.nan, 0]),
        (["Yes", " no ", "perhaps"], [1, 0, np.nan]),
        ([1.0, 0.0, np.nan], [1, 0, np.nan]),
    ],
)
def test_booleans_of_any_type(cells, numbers):
    data = Encoder((Column("x", "boolean"),)).encode(pd.DataFrame({"x": cells}))
    np.testing.assert_array_equal(data.numbers[:, 0], numbers)


def test_numbers_of_any_type():
    encoder = Encoder((Column("x", "number"),))
    for cells in (pd.Series(["1", "x", None], dtype=object), pd.Series([1, pd.NA, pd.NA], dtype="Int64")):
        np.testing.assert_array_equal(encoder.encode(pd.DataFrame({"x": cells})).numbers[:, 0], [1, np.nan, np.nan])


def test_a_row_alone_is_encoded_as_among_others():
    encoder = Encoder((Column("t", "text"), Column("b", "category", ("x",))))
    rows = pd.DataFrame({"t": ["one two", None, "three"], "b": ["x", "y", None]})
    data, alone = encoder.encode(rows), encoder.encode(rows.iloc[[2]])
    np.testing.assert_array_equal(data.take(np.array([2])).numbers, alone.numbers)
    np.testing.assert_array_equal(data.take(np.array([2])).codes, alone.codes)
    assert abs(data.texts[0][2] - alone.texts[0]).nnz == 0


def test_words_only_when_texts_are_long():
    words = Encoder((Column("t", "text", characters=False),)).encode(pd.DataFrame({"t": ["one two"]})).texts[0]
    both = Encoder((Column("t", "text"),)).encode(pd.DataFrame({"t": ["one two"]})).texts[0]
    assert words.shape == both.shape
    assert words.nnz == 3 < both.nnz


def test_many_texts_are_counted_in_chunks(monkeypatch):
    from automl_runtime.inference import texts

    cells = [f"text number {i}" for i in range(50)]
    whole = texts.count_ngrams(cells)
    monkeypatch.setattr(texts, "_CHUNK", 40)
    assert abs(texts.count_ngrams(cells) - whole).nnz == 0
    assert texts.count_ngrams([]).shape == (0, texts.BUCKETS)


def test_an_empty_text_is_a_missing_one():
    data = Encoder((Column("t", "text"),)).encode(pd.DataFrame({"t": ["", None, " "]}))
    assert np.isnan(data.numbers[:2]).all()
    assert data.numbers[2, 0] == 1.0


def test_every_letter_has_one_in_lower_case_whatever_surrounds_it():
    letters = [chr(point) for point in range(0x20000) if chr(point).isalpha()]
    assert {len(lower(letter)) for letter in letters} == {1}
    assert lower("".join(letters)) == "".join(map(lower, letters))
    assert lower("ΟΔΟΣ") == lower("οδος") == "οδοσ"


def test_json_round_trip_and_refusals():
    record = ENCODER.to_json()
    assert Encoder.from_json(record).to_json() == record
    for change in ({"kind": "colour"}, {"vocabulary": ["x", "x"]}):
        with pytest.raises(BundleError, match="not valid"):
            Encoder.from_json([record[0] | change])


def test_column_names_that_are_numbers():
    assert Encoder((Column("0", "number"),)).encode(pd.DataFrame({0: [1.0]})).numbers.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("value", "word"), [(3.0, "3"), (3.5, "3.5"), (np.float64(2), "2"), (True, "True"), (b"x", "b'x'")]
)
def test_spelling(value, word):
    assert spell(value) == word
