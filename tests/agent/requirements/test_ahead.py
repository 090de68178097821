"""What a request says will be known when a forecast is made."""

from __future__ import annotations

import pytest
from automl_agent.requirements.parsing import parse_request


@pytest.mark.parametrize(
    ("request_", "known", "target"),
    [
        ("forecast daily sales for the next 28 days, weather known ahead", ["weather"], "sales"),
        ("forecast the hourly load, temperature known", ["temperature"], "load"),
        ("forecast daily sales for the next 4 weeks, knowing the promotions in advance", ["promotions"], "sales"),
        ("forecast daily sales, given that the weather and the price are known", ["weather", "price"], "sales"),
        ("forecast weekly sales. known ahead: promo, price", ["promo", "price"], "sales"),
        ("forecast hourly load for the next 48 hours", [], "load"),
        ("predict which patients with known allergies will return", [], "return"),
    ],
)
def test_what_is_known_is_taken_out_of_the_sentence(request_, known, target):
    asked = parse_request(request_)
    assert asked.known_ahead == known
    assert asked.target == target


def test_what_is_known_before_an_event_is_another_thing():
    asked = parse_request("predict the delay tomorrow using only what is known before departure")
    assert (asked.known_ahead, asked.known_before) == ([], "departure")
