"""What a model may read in a request, and what must stand there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from agent.decisions.conftest import sensible
from automl_agent.decisions.reading import is_quoted

NOTHING = {"thing": "", "known_before": "", "leave_out": [], "look_ahead": None}


def reading(**said):
    return sensible(**{**NOTHING, **said})


@pytest.mark.parametrize(
    ("phrase", "request_", "quoted"),
    [
        ("take off", "before it takes off", True),
        ("Boarding", "before boarding starts", True),
        ("landing", "before boarding starts", False),
        ("starts boarding", "before boarding starts", False),
        ("", "before boarding", False),
        ("...", "before boarding", False),
    ],
)
def test_a_phrase_is_quoted_when_its_words_stand_side_by_side(phrase, request_, quoted):
    assert is_quoted(phrase, request_) is quoted


@pytest.mark.parametrize(
    ("request_", "said", "id_", "choice"),
    [
        ("The ship has not left yet: predict delay_min", {"known_before": "ship"}, "request.known_before", "ship"),
        (
            "Before casting off, predict delay_min",
            {"known_before": "casting off"},
            "request.known_before",
            "casting off",
        ),
        ("Before casting off, predict delay_min", {"known_before": "the storm"}, "request.known_before", ""),
        ("predict delay_min after lunch by the ship", {"known_before": "delay_min"}, "request.known_before", ""),
        ("predict delay_min", {"known_before": "delay_min"}, "request.known_before", ""),
        ("predict delay_min and hide wind", {"leave_out": ["wind", "fuel", "ship_id"]}, "request.exclude", "wind"),
        ("predict delay_min and hide rain", {"leave_out": ["rain"]}, "request.exclude", ""),
        ("predict delay_min", {"thing": "captain"}, "request.entity", ""),
        ("predict delay_min, who knows", {"thing": "who"}, "request.entity", ""),
    ],
)
def test_only_what_the_request_says_is_read(ferries, drafted, by_id, request_, said, id_, choice):
    done, _ = drafted(request_, ferries, reading(**said))
    decision = by_id(done)[id_]
    assert decision.choice == choice
    assert decision.by == ("model" if choice else "rule")


def test_what_is_read_takes_part(ferries, drafted):
    done, _ = drafted("predict delay_min and hide wind", ferries, reading(leave_out=["wind"]))
    assert ("wind", "asked") in {(drop.column, drop.reason) for drop in done.spec.data.drop}


def test_a_limit_that_leaves_nothing_to_learn_from_is_taken_back(tmp_path, drafted, by_id):
    rng = np.random.default_rng(3)
    wind = rng.gamma(2.0, 4.0, 500).round(1)
    frame = pd.DataFrame({"wind": wind, "delay_min": (2 * wind + rng.normal(0, 5, 500)).round()})
    frame.to_csv(tmp_path / "trips.csv", index=False)
    request = "predict delay_min before breakfast"
    done, _ = drafted(request, tmp_path / "trips.csv", reading(known_before="breakfast"))
    assert done.spec.data.drop == []
    decision = by_id(done)["request.known_before"]
    assert (decision.by, decision.choice, decision.alternative) == ("rule", "", "breakfast")
