from __future__ import annotations

from pathlib import Path

import pytest
from automl_runtime.registry.aliases import alias_history, set_alias
from automl_runtime.registry.history import read_changes
from automl_runtime.registry.pausing import Pause, PauseChange, pause, read_pause, resume


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "v001").mkdir()
    set_alias(tmp_path, "production", "v001")
    return tmp_path


def test_a_model_is_paused_until_it_is_resumed_and_the_history_tells(models: Path) -> None:
    assert read_pause(models) is None
    made = pause(models, reason="prices are wrong", by="ann")
    assert read_pause(models) == made
    assert (made.by, made.reason) == ("ann", "prices are wrong")
    assert resume(models, reason="mended", by="ben") == made
    assert read_pause(models) is None
    told = [(change.paused, change.by, change.reason) for change in read_changes(models, PauseChange)]
    assert told == [(True, "ann", "prices are wrong"), (False, "ben", "mended")]
    assert [change.after for change in alias_history(models)] == ["v001"]


def test_the_first_pause_stands(models: Path) -> None:
    first = pause(models, reason="first")
    assert pause(models, reason="second") == first
    assert len(read_changes(models, PauseChange)) == 1


def test_what_is_not_paused_is_not_resumed(models: Path) -> None:
    assert resume(models) is None
    assert read_changes(models, PauseChange) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"since": "now"}', '{"since": 1, "by": 2, "more": 3}'])
def test_a_broken_file_pauses_until_it_is_resumed(models: Path, content: str) -> None:
    (models / "paused.json").write_text(content)
    found = read_pause(models)
    assert found is not None
    assert "broken" in str(found)
    resume(models)
    assert read_pause(models) is None


def test_a_client_is_told_since_when_and_why() -> None:
    assert str(Pause("noon", "ann")) == "The model has been paused since noon."
    assert str(Pause("noon", "ann", "a reason")) == "The model has been paused since noon: a reason"
