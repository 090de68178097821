from __future__ import annotations

import json

import pytest
from automl_agent.tools.bounding import bounded, plain
from automl_agent.tools.contract import Answer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field


class Listing(Answer):
    """Of a test."""

    names: list[str]
    groups: list[list[str]] = Field(default=[])
    text: str = ""


@given(st.text(), st.integers(5, 50))
def test_names_are_one_visible_line(text, limit):
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert not any(ord(letter) < 32 or letter in "\u200b\u202e\ufeff\u2028\u00ad" for letter in shown)


def size(answer):
    return len(json.dumps(answer.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode())


words = st.sampled_from(["", "a", "long " * 20, "ü€", '"'])


@given(st.lists(words, max_size=90), st.lists(st.lists(words, max_size=30), max_size=8), st.integers(600, 4000))
def test_an_answer_is_as_long_as_it_may_be_and_says_what_was_cut(names, groups, limit):
    whole = Listing(names=names, groups=groups)
    cut = bounded(whole, limit)
    if size(whole) <= limit:
        assert cut == whole
        return
    assert size(cut) <= limit
    assert cut.left_out
    assert cut.names == names[: len(cut.names)]


def test_counts_are_told():
    cut = bounded(Listing(names=["x" * 50] * 100), 2000)
    assert cut.left_out == [f"names: {len(cut.names)} of 100 shown"]


def test_an_answer_that_cannot_be_cut_is_a_bug():
    with pytest.raises(ValueError, match="no list to cut"):
        bounded(Listing(names=[], text="x" * 1000), 500)
