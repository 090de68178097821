"""Columns whose names say nothing are found by what a text beside the data says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_agent.grounding import ground
from automl_agent.requirements import load_request
from automl_runtime.data.catalog import discover
from automl_runtime.errors import RequestError

DICTIONARY = """\
q1.csv: one row for each beehive
X1: altitude of the hive in metres
X2: colour of the box
   1 = white
   2 = green
   3 = blue
X3: honey harvested in the season (kg)
X4: what became of the colony (1 = survived, 2 = collapsed)
X5: amount of varroa treatment
X6: height of the nearest tree
"""


@pytest.fixture(scope="module")
def hives(tmp_path_factory):
    """The catalog of cryptic headers with a dictionary, and without."""
    rng, catalogs = np.random.default_rng(2), {}
    frame = pd.DataFrame(
        {
            "X1": rng.integers(200, 1500, 160),
            "X2": rng.integers(1, 4, 160),
            "X3": rng.normal(20, 5, 160).round(1),
            "X4": np.where(rng.random(160) < 0.3, 2, 1),
            "X5": rng.normal(3, 1, 160).round(2),
            "X6": rng.normal(9, 3, 160).round(1),
        }
    )
    for kind in ("with", "without"):
        folder = tmp_path_factory.mktemp(kind)
        frame.to_csv(folder / "q1.csv", index=False)
        if kind == "with":
            (folder / "dictionary.txt").write_text(DICTIONARY)
        catalogs[kind] = discover(folder).catalog
    return catalogs


@pytest.mark.parametrize(
    ("request_", "column", "task", "positive"),
    [
        ("predict the honey harvested by each hive", "X3", "regression", None),
        ("how many kg of honey will a hive give?", "X3", "regression", None),
        ("which colonies will collapse?", "X4", "binary", 2),
        ("predict whether a colony survives", "X4", "binary", 1),
        ("predict the colour of the box", "X2", "multiclass", None),
        ("predict the altitude", "X1", "regression", None),
    ],
)
def test_a_phrase_finds_the_column_that_is_described_so(hives, request_, column, task, positive):
    found = ground(load_request(request_), hives["with"], source="q1")
    target = found.spec.target
    assert (target.column, found.spec.task.type, target.positive) == (column, task, positive)
    assert any("X" in sentence and "'" in sentence for sentence in found.assumed)


@pytest.mark.parametrize("request_", ["predict the honey harvested by each hive", "predict the colour of the box"])
def test_without_a_dictionary_it_is_not_found(hives, request_):
    with pytest.raises(RequestError, match="Nothing in"):
        ground(load_request(request_), hives["without"], source="q1")


def test_what_is_described_can_be_left_out(hives):
    found = ground(load_request("predict the honey harvested, without the altitude"), hives["with"], source="q1")
    assert [(drop.column, drop.reason) for drop in found.spec.data.drop] == [("X1", "asked")]


def test_what_nobody_describes_is_refused_with_the_descriptions(hives):
    with pytest.raises(RequestError, match="X3' 'honey harvested"):
        ground(load_request("predict the price of each apartment"), hives["with"], source="q1")


def test_a_name_that_is_the_phrase_beats_a_description(tmp_path):
    rng = np.random.default_rng(3)
    frame = {"price": rng.normal(9, 2, 90), "X9": rng.normal(7, 2, 90), "size": rng.integers(1, 9, 90)}
    pd.DataFrame(frame).to_csv(tmp_path / "offers.csv", index=False)
    (tmp_path / "notes.md").write_text("X9: price\nsize: price of it by size\n")
    found = ground(load_request("predict the price"), discover(tmp_path).catalog, source="offers")
    assert found.spec.target.column == "price"
