"""Words that ask for all labels of a row."""

from __future__ import annotations

import pytest
from automl_agent.requirements import parse_request


@pytest.mark.parametrize(
    ("words", "target", "entity"),
    [
        ("which of these defects occur", "defects", None),
        ("predict which of the defects occur on a plate", "defects", "plate"),
        ("which labels apply to each ticket", "labels", "ticket"),
        ("multi-label classification of tune moods", "tune moods", None),
        ("build a multilabel model for the moods of tunes", "moods", "tune"),
        ("multi-label: hot, wet and windy", "hot, wet and windy", None),
        ("moods of each tune, multi-label", "moods", "tune"),
    ],
)
def test_several_labels_are_asked_for(words, target, entity):
    asked = parse_request(words)
    assert (asked.task, asked.target, asked.entity) == ("multilabel", target, entity)


@pytest.mark.parametrize(
    "words", ["which customers apply for a loan", "which machine occurs most", "predict the label of each ticket"]
)
def test_other_requests_ask_for_one_thing(words):
    assert parse_request(words).task != "multilabel"


def test_names_of_columns_are_no_slips_of_the_pen():
    assert parse_request("predict identity_score and custumer_no").target == "identity_score and custumer_no"
