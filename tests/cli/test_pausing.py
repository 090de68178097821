from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from automl_runtime.project import Project
from automl_runtime.registry.pausing import read_pause


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setattr(Project, "load", lambda folder: SimpleNamespace(root=folder))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_a_project_is_paused_and_answers_again(models, automl):
    code, out, _ = automl("pause", ".", "--reason", "prices are wrong")
    assert code == 0
    assert out.startswith("The model has been paused since ")
    assert out.endswith(": prices are wrong\n")
    assert read_pause(models).reason == "prices are wrong"
    assert automl("unpause", ".")[1].startswith("it answers again; it was paused since ")
    assert automl("unpause", ".")[1] == "it was not paused\n"
    assert read_pause(models) is None


def test_programs_are_told_in_json(models, automl):
    made = json.loads(automl("pause", ".", "--json")[1])
    assert made["paused"] is True
    ended = json.loads(automl("unpause", ".", "--json")[1])
    assert (ended["paused"], ended["ended"]["since"]) == (False, made["since"])
