"""What is compared in meaning, and from when one column is clearly nearer than another."""

from __future__ import annotations

import numpy as np
import pytest
from automl_agent.grounding.likeness import Likeness, leads, likeness_of


class Scripted:
    """Vectors of the plane by the angle that a text has; remembers what it was asked."""

    def __init__(self, **degrees):
        self.degrees = {name.replace("_", " "): angle for name, angle in degrees.items()}
        self.asked = []

    def vectors(self, texts):
        self.asked += texts
        angles = np.radians([self.degrees.get(text, 90.0) for text in texts])
        return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def columns_of(catalog):
    return {column.name: column for table in catalog.tables for column in table.columns}


def test_names_are_spelled_out_and_cosines_have_two_digits(made):
    catalog = made(trips={"boatNo": list("abcdef"), "fuel_qty": [1, 5, 2, 7, 3, 4]})
    embedder = Scripted(fuel_burnt=0.0, how_much_fuel=60.0, fuel_quantity=20.0)
    found = likeness_of(embedder, "fuel burnt", "how much fuel", columns_of(catalog))
    assert embedder.asked == ["fuel burnt", "how much fuel", "boat number", "fuel quantity"]
    assert found["fuel_qty"] == Likeness(0.94, 0.77)
    assert str(found["fuel_qty"]) == "0.94 and 0.77"


def test_a_description_speaks_where_the_name_says_nothing(made):
    catalog = made(trips={"X7": [1, 5, 2, 7, 3, 4], "distance": [3, 1, 2, 5, 9, 8]})
    columns = columns_of(catalog)
    described = {name: column.model_copy(update={"meaning": "fuel burnt"}) for name, column in columns.items()}
    embedder = Scripted()
    likeness_of(embedder, "a", "b", described)
    assert embedder.asked[2:] == ["fuel burnt", "distance"]


@pytest.mark.parametrize(
    ("other", "clearly"),
    [
        (Likeness(0.40, 0.40), True),
        (Likeness(0.41, 0.10), False),
        (Likeness(0.10, 0.41), False),
        (Likeness(0.60, 0.60), False),
    ],
)
def test_a_lead_counts_by_the_phrase_and_by_the_request(other, clearly):
    assert leads(Likeness(0.5, 0.5), other) == clearly
