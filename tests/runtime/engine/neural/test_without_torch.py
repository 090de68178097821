"""What is said where torch, or what a network reads, is missing; and how texts and pictures are kept as they stand."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.errors import BundleError, MissingExtraError, RequestError
from automl_runtime.events import Warned
from automl_runtime.inference.encoding import Column, Encoder
from automl_runtime.inference.neural import Convolutional, Sequential, places_of
from automl_runtime.inference.raw import RAW_PICTURE, RAW_TEXT, VOCABULARY, raw_pictures, raw_texts
from automl_runtime.inference.records import RecordEncoder
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    words = np.array("one two three four five six".split())
    texts = [" ".join(rng.permutation(words)) for _ in range(60)]
    return pd.DataFrame({"text": texts, "x": rng.normal(size=60)}).assign(y=lambda rows: rows["x"] > 0)


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.parametrize("family", ["transformer", "lstm"])
def test_a_missing_torch_is_named_with_its_extra(rows, without_torch, family):
    with pytest.raises(MissingExtraError, match=r'"automl-runtime\[torch\]"'):
        fit(rows, "y", models=[family], trials=1, folds=2)


def test_beside_other_families_it_is_left_out_with_a_warning(rows, without_torch):
    said = []
    model = fit(rows, "y", models=["lstm", "tree"], trials=1, folds=2, on_event=said.append)
    assert model.best_model == "tree"
    assert any(isinstance(event, Warned) and "lstm are left out: `torch`" in event.text for event in said)


def test_a_family_that_finds_nothing_to_read_is_refused(rows):
    with pytest.raises(RequestError, match="cnn reads columns of the kind 'image'"):
        fit(rows, "y", models=["cnn"], trials=1)
    with pytest.raises(RequestError, match="lstm reads columns of the kind 'text'"):
        fit(rows.drop(columns="text"), "y", models=["lstm"], trials=1)


def test_words_keep_their_order_and_pad_with_zero():
    found = raw_texts(["Open, then close", "close open", None, "word " * 300])
    assert found.shape == (4, RAW_TEXT)
    opened, comma, then, closed = found[0, :4]
    assert found[1, :3].tolist() == [closed, opened, 0.0]
    assert not found[2].any()
    assert (found[3] == found[3, 0]).all()
    assert len({opened, comma, then, closed}) == 4


@given(st.lists(st.one_of(st.none(), st.text()), max_size=5))
def test_any_text_has_numbers_below_the_limit(texts):
    found = raw_texts(texts)
    assert ((found >= 0) & (found < VOCABULARY) & (found == np.round(found))).all()
    ended = found == 0
    assert (ended[:, :-1] <= ended[:, 1:]).all()


def test_pictures_are_halved_and_keep_their_places():
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    picture[:2, 62:, 1] = 255
    found = raw_pictures([picture, None]).reshape(2, 3, 32, 32)
    assert found[0, 1, 0, 31] == 1.0
    assert (found[0] == -1.0).sum() == RAW_PICTURE - 1
    assert not found[1].any()


def test_a_record_keeps_what_a_frame_does(rows):
    encoder = Encoder((Column("text", "text", raw=("words",)), Column("x", "number")))
    data, records = encoder.encode(rows), RecordEncoder(encoder)
    alone = records.encoded(records.encode(rows.iloc[3].to_dict()))
    np.testing.assert_array_equal(alone.raws[0], data.raws[0][3:4])
    np.testing.assert_array_equal(data.take(np.array([5])).raws[0], data.raws[0][5:6])
    assert Encoder.from_json(encoder.to_json()).raw_owners == ("text",)
    assert Encoder((Column("text", "text"),)).encode(rows).raws == ()


def test_unknown_words_share_a_place():
    words = np.array([[7, 9, 3, 0, 0]])
    assert places_of(words, np.array([3, 7])).tolist() == [[3, 1, 2, 0, 0]]
    assert places_of(words, np.empty(0, dtype=np.int64)).tolist() == [[1, 1, 1, 0, 0]]


@pytest.mark.parametrize("readings", [["pixels"], ["words", "tea leaves"], ["sentences:384:abc"]])
def test_a_reading_that_is_unknown_or_of_another_kind_is_refused(readings):
    record = Encoder((Column("text", "text", raw=("words",)),)).to_json()
    record[0]["raw"] = readings
    with pytest.raises(BundleError, match="column of the kind text"):
        Encoder.from_json(record)


@pytest.mark.parametrize(
    "network",
    [
        Convolutional(np.zeros(5, np.float32), np.array([4]), 1, np.array([1024, 2, 1])),
        Convolutional(np.zeros(5, np.float32), np.array([0]), 1, np.array([1024, 2, 1])),
        Convolutional(np.zeros(5, np.float32), np.array([4] * 9), 1, np.array([1024, 2, 1])),
        Sequential(np.zeros(5, np.float32), np.array([3]), "lstm", 1, 1, 1, 4, np.array([16, 2, 1])),
        Sequential(np.zeros(5, np.float32), np.array([3]), "spell", 1, 1, 1, 4, np.array([16, 2, 1])),
        Sequential(np.zeros(5, np.float32), np.array([3, 3]), "transformer", 1, 1, 3, 4, np.array([8, 2, 1])),
    ],
)
def test_weights_that_do_not_fit_are_refused(network):
    with pytest.raises(BundleError, match="do not read"):
        network.check(RAW_PICTURE)
