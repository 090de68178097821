from __future__ import annotations

import json

import pytest
from automl_agent.feature_code import rounds
from automl_agent.feature_code.proposal import Judged, Proposal
from automl_agent.feature_code.rounds import Added

GOOD = Judged(
    Proposal("a_per_b", "def ...", ("a", "b"), "a divided by b", "rule"),
    "helps",
    "",
    "roc_auc",
    0.02,
    (0.01, 0.03),
    0.001,
)
POOR = Judged(
    Proposal("a_times_b", "def ...", ("a", "b"), "a times b", "rule"),
    "does not help",
    "",
    "roc_auc",
    -0.001,
    (-0.01, 0.01),
    0.6,
)
NONE = Judged(Proposal("x", "def ...", ("a",), "x", "model"), "refused", "depends on other rows")  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    """What the commands ask of the package, and what it answers."""
    calls = []

    def answer(added):
        def call(project, *arguments, on_event, **options):
            calls.append((str(project), *arguments, options))
            return added

        return call

    monkeypatch.setattr(rounds, "add_feature", answer(Added([POOR])))
    monkeypatch.setattr(rounds, "propose", answer([GOOD, POOR, NONE]))
    monkeypatch.setattr(rounds, "propose_and_apply", answer(Added([GOOD, POOR], ("a_per_b",))))
    return calls


def test_a_feature_that_does_not_help_ends_with_one_and_its_gain(asked, automl):
    code, out, _ = automl("add-feature", "here", "a times b", "--budget", "30s")
    assert code == 1
    assert out.splitlines() == [
        "a_times_b: does not help: roc_auc gains -0.001 [-0.01, +0.01], p = 0.6",
        "nothing was changed",
    ]
    assert asked == [("here", "a times b", {"keep": False, "train": True, "budget_seconds": 30.0})]


def test_a_feature_that_was_added_ends_with_zero(asked, automl, monkeypatch):
    monkeypatch.setattr(rounds, "add_feature", lambda *_, **__: Added([GOOD], ("a_per_b",)))
    code, out, _ = automl("add-feature", "here", "a per b", "--keep", "--no-train", "--json")
    assert code == 0
    said = json.loads(out)
    assert said["features"][0]["name"] == "a_per_b"
    assert said["features"][0]["kept"] is True
    assert (said["trained"], said["commit"]) == (None, "")


def test_proposals_are_a_table(asked, automl):
    code, out, _ = automl("propose-features", "here", "--most", "3")
    assert code == 0
    header, _, *lines = out.splitlines()
    assert header.split() == ["feature", "why", "gain", "95", "%", "interval", "p", "fate"]
    assert lines[0].split("  ")[0] == "a_per_b"
    assert "[+0.0100, +0.0300]" in lines[0]
    assert lines[2].endswith("refused: depends on other rows")
    assert asked == [("here", {"also": [], "most": 3})]


def test_proposals_are_json_and_applied(asked, automl):
    said = json.loads(automl("propose-features", "here", "--json")[1])
    assert [each["fate"] for each in said["features"]] == ["helps", "does not help", "refused"]
    assert [each["kept"] for each in said["features"]] == [False, False, False]
    out = automl("propose-features", "here", "--apply", "--no-train")[1]
    assert "a_per_b: helps: roc_auc gains +0.02 [+0.01, +0.03], p = 0.001; added" in out
    assert asked[-1] == ("here", {"also": [], "most": 8, "train": False, "budget_seconds": None})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add-feature",), 2),
        (("add-feature", "nowhere", "a per b"), 3),
        (("propose-features", "nowhere"), 3),
        (("propose-features", ".", "--no-train"), 2),
        (("propose-features", ".", "--budget", "1m"), 2),
        (("propose-features", ".", "--most", "0"), 2),
        (("add-feature", ".", "a per b", "--budget", "soon"), 2),
    ],
)
def test_what_makes_no_sense_has_its_exit_code(automl, arguments, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert automl(*arguments)[0] == code
