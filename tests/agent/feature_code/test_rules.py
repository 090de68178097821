"""What rules propose: few, the same each time, the useful first."""

from __future__ import annotations

import numpy as np
import pandas as pd
from automl_agent.feature_code.forms import Field
from automl_agent.feature_code.rules import ranked, rule_proposals

FIELDS = [
    *(Field(f"n{number}", "number") for number in range(9)),
    *(Field(f"extras.f{number}", "boolean") for number in range(4)),
    Field("start", "date"),
    Field("end", "datetime"),
    Field("said", "text"),
    Field("kind", "category", ("x", "y")),
]
RNG = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {f"n{number}": RNG.lognormal(number, 1, 400) for number in range(9)}
    | {f"extras.f{number}": RNG.random(400) < 0.5 for number in range(4)}
    | {
        "start": pd.date_range("2021-01-01", periods=400),
        "end": pd.date_range("2020-01-01", periods=400),
        "said": [f"word {number}" for number in range(400)],
        "kind": ["x", "y"] * 200,
    }
).mask(RNG.random((400, 17)) < 0.05)


def test_they_are_bounded_and_the_same_each_time():
    found = rule_proposals(ROWS, FIELDS, {})
    assert found == rule_proposals(ROWS, FIELDS, {})
    assert len(found) <= 40
    assert len({each.name for each in found}) == len(found)
    assert {each.by for each in found} == {"rule"}


def test_each_kind_of_column_has_its_forms():
    names = {each.name for each in rule_proposals(ROWS, FIELDS, {})}
    assert {
        "n1_per_n0",
        "n0_times_n1",
        "n1_minus_n0",
        "days_from_end_to_start",
        "length_of_said",
        "words_in_said",
    } <= names
    assert {"yes_among_extras_f0_and_3_more", "missing_among_n0_and_16_more"} <= names


def test_important_numbers_are_taken_first():
    found = rule_proposals(ROWS, FIELDS, {"n7": 9.0, "n8": 8.0})
    assert any({"n7", "n8"} == set(each.columns) for each in found)
    assert not any("n6" in each.columns for each in found if len(each.columns) == 2)


def test_what_there_is_already_is_not_proposed_again():
    before = rule_proposals(ROWS, FIELDS, {})
    left = rule_proposals(ROWS, FIELDS, {}, taken={before[0].name})
    assert before[0].name not in {each.name for each in left}


def test_a_table_of_labels_alone_gets_none():
    assert rule_proposals(ROWS[["kind"]].fillna("x"), [FIELDS[-1]], {}) == []


def test_the_most_useful_is_ranked_first_and_the_useless_left_out():
    proposals = rule_proposals(ROWS, FIELDS, {})[:3]
    useful = RNG.random((400, 1))
    added = {each.name: np.zeros((400, 1)) for each in proposals} | {proposals[1].name: useful}
    found = ranked(proposals, RNG.random((400, 2)), added, (useful[:, 0] > 0.5).astype(float), 2, 0)
    assert [each.name for each in found] == [proposals[1].name]
