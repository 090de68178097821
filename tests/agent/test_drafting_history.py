"""The past of drivers, shops and the like becomes part of a row when the request says what is known before."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from automl_agent.drafting import Draft, DraftOptions, draft
from automl_runtime.data.history import HISTORY
from automl_runtime.errors import RequestError

ASKED = "predict the place of each rider in a heat from what is known before the start"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Riders of different speed meet on forty days; how many rounds they rode is known afterwards."""
    path = tmp_path_factory.mktemp("heats")
    chance = random.Random(0)
    riders = ["rider_id,team,badge"] + [f"{100 + k},{'blue red green'.split()[k % 3]},B{k:03d}" for k in range(40)]
    rows = ["heat,rider_id,held,lane,rounds,place"]
    for day in range(40):
        order = sorted(range(40), key=lambda k: k + chance.gauss(0, 25))
        for place, rider in enumerate(order, start=1):
            held = f"2024-{1 + day // 28:02d}-{1 + day % 28:02d}"
            rows.append(f"{day * 40 + rider},{100 + rider},{held},{chance.randint(1, 8)},{60 - place // 2},{place}")
    (path / "riders.csv").write_text("\n".join(riders) + "\n")
    (path / "heats.csv").write_text("\n".join(rows) + "\n")
    return path


def _draft(folder: Path, request: str = ASKED, answer: str | None = None) -> Draft:
    answers = {} if answer is None else {HISTORY: answer}
    return draft(request, DraftOptions(data=folder, answers=answers))


def test_the_past_of_an_entity_is_used_and_said(folder: Path) -> None:
    made = _draft(folder)
    (history,) = made.spec.data.history
    assert (history.entity, history.columns[0]) == ("rider_id", "place")
    assert "rounds" in history.columns
    question = next(question for question in made.questions if question.id == HISTORY)
    assert "`place` is known by the next day" in question.text
    assert "rider_id_history.place.past_mean" in made.assembled.frame.columns
    assert len(made.holdout) == len(made.assembled.frame)
    assert made.holdout.sum() > 0


def test_an_answer_leaves_it_out_or_is_refused(folder: Path) -> None:
    made = _draft(folder, answer="none")
    assert made.spec.data.history == []
    assert made.spec.answers[HISTORY] == "none"
    assert not [name for name in made.assembled.frame.columns if "_history." in name]
    with pytest.raises(RequestError, match="allowed are use, none"):
        _draft(folder, answer="maybe")


def test_without_a_moment_before_which_all_is_known_there_is_no_history(folder: Path) -> None:
    assert _draft(folder, "predict the place of each rider").spec.data.history == []


def test_one_more_name_of_a_looked_up_row_is_an_identifier(folder: Path) -> None:
    drops = {(drop.table, drop.column): drop.reason for drop in _draft(folder).spec.data.drop}
    assert drops["riders", "badge"] == "identifier"
    assert ("riders", "team") not in drops
