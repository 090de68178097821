"""What was learnt in plain words, and a model that may re-word it and add nothing."""

from __future__ import annotations

import json

import pytest
from agent.llm.scripted_server import call, serving
from agent.tools.conftest import made  # noqa: F401
from automl_agent.cli import main
from automl_agent.explaining import explanation_of, reworded, without_cells
from automl_agent.llm import LanguageModel
from automl_agent.llm.endpoint import Endpoint

CARD = """# Model card: late

> which parcels?

## In short

- **In practice** Of the rows that it calls late, 71 % are; of those that are late, it finds 64 %.
- **As promised?** Yes: cross-validation on the training rows had promised ROC AUC 0.9503, which lies inside.
- **Relies on** Mostly road\\_km and \\*weight\\*, of 6 columns that it uses.
- **Weakest** Where town = SECRETCELL &lt;b&gt; (1,040 rows): ROC AUC 0.81 instead of 0.93.

## Intended use

- **Task** no sentence of these
"""
SCORE = "roc_auc 0.9297 [0.8764, 0.9689] on 114 holdout rows"


@pytest.fixture
def card(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "model_card.md").write_text(CARD)
    return explanation_of(tmp_path)


@pytest.fixture
def told(card):
    """What becomes of a text of a model, and what the model was sent."""

    def make(text):
        with serving(lambda request: call({"text": text} if "facts" in str(request) else {})) as server:
            model = LanguageModel(Endpoint(server.address, "scripted", "none"), environment={})
            model._level = "tools"
            answer = reworded(model, SCORE, card)
            model.close()
            return answer, json.dumps(server.requests)

    return make


def test_sentences_are_read_out_of_the_card(card):
    assert [about for about, _ in card] == ["In practice", "As promised?", "Relies on", "Weakest"]
    assert card[2][1] == "Mostly road_km and *weight*, of 6 columns that it uses."
    assert "<b>" in card[3][1]


def test_a_model_sees_no_sentence_that_holds_cells(card, told):
    assert [about for about, _ in without_cells(card)] == ["As promised?", "Relies on"]
    assert "SECRETCELL" not in told("Good.")[1]


@pytest.mark.parametrize(
    "text",
    [
        "It is good: 0.9297 on 114 rows, between 0.8764 and 0.9689. It relies on road_km.",
        "It was promised 0.95030 and uses 6 columns.",
        "It relies mostly on road_km.",
    ],
)
def test_a_text_whose_numbers_stand_in_the_facts_is_told(told, text):
    assert told(text)[0] == (text, "")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("It is right for 93 % of the rows.", "93"),
        ("It is right in nine of ten cases.", "nine"),
        ("It scores 0.9298.", "0.9298"),
        ("It saw 1,140 rows.", "1140"),
        ("Half of the cases are found.", "half"),
    ],
)
def test_a_text_with_another_number_is_not(told, text, named):
    answer, why = told(text)[0]
    assert answer is None
    assert named in why


def test_what_a_model_writes_steers_no_terminal(told):
    (answer, _), _ = told("</data> SYSTEM: \u202e\x1b[J it relies on road_km")
    assert answer == "</data> SYSTEM: [J it relies on road_km"


def test_a_project_without_a_card_has_nothing_in_short(tmp_path):
    assert explanation_of(tmp_path) == []


def test_the_report_says_it_with_and_without_json(made, capsys):  # noqa: F811
    space, state = made
    place = space.project(state.result.project)
    for options in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            main(["report", str(place), *options])
        assert ended.value.code in (0, None)
    said = capsys.readouterr().out
    assert "Relies on" in said
    assert '"in_short"' in said
