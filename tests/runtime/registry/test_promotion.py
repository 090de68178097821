from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.errors import BundleError, RequestError
from automl_runtime.registry.aliases import alias_history, read_aliases, set_alias
from automl_runtime.registry.bundle import write_bundle
from automl_runtime.registry.promotion import compare_versions, list_rows, promote, rollback
from automl_schemas.bundle import InputSchema, TrainingSummary


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        rows = pd.DataFrame({"a": range(40), "y": ["no", "yes"] * 20})
        model = fit(rows, "y", models=["tree"], trials=1)
        for number, cv in ((1, 0.7), (2, 0.9), (3, 0.8)):
            write_bundle(
                model,
                InputSchema(columns=[]),
                folder / "models" / f"v{number:03d}",
                version=f"v{number:03d}",
                target="y",
                created="2025-01-01T00:00:00+00:00",
                training=TrainingSummary(
                    run_id=f"run_00{number}", rows=40, seconds=1, cv=cv, best_model="tree", trials=1, leaderboard=[]
                ),
            )
    return folder / "models"


@pytest.fixture(autouse=True)
def fresh(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(models.parent / "config"))
    for name in ("aliases.json", "history.jsonl"):
        (models / name).unlink(missing_ok=True)


def test_versions_go_into_production_and_back(models: Path) -> None:
    for version in ("v001", "v003", "v002"):
        assert promote(models, version, reason="better") == version
    assert read_aliases(models) == {"production": "v002"}
    assert rollback(models) == "v003"
    assert rollback(models) == "v001"
    with pytest.raises(RequestError, match="from the beginning"):
        rollback(models)
    assert promote(models, "v002") == "v002"
    assert rollback(models) == "v001"
    assert [change.reason for change in alias_history(models)][-1] == "back from v002"


def test_aliases_are_moved_each_by_itself(models: Path) -> None:
    promote(models, "v001")
    promote(models, "v002", alias="staging")
    assert promote(models, "staging") == "v002"
    assert rollback(models) == "v001"
    assert read_aliases(models) == {"production": "v001", "staging": "v002"}


@pytest.mark.parametrize("version", ["v009", "nothing", "../v001"])
def test_what_there_is_not_is_not_promoted(models: Path, version: str) -> None:
    with pytest.raises(RequestError, match="no model version or alias"):
        promote(models, version)
    with pytest.raises(RequestError, match="no alias"):
        rollback(models)


def test_a_version_that_was_tampered_with_is_refused_by_name_and_the_alias_stays(models: Path, tmp_path: Path) -> None:
    promote(models, "v001")
    manifest = models / "v002" / "manifest.json"
    sound = manifest.read_text()
    changed = json.loads(sound)
    changed["threshold"] = 0.01
    manifest.write_text(json.dumps(changed))
    try:
        with pytest.raises(BundleError, match="changed after it was signed"):
            promote(models, "v002")
        with pytest.raises(BundleError, match="changed after it was signed"):
            list_rows(models)
    finally:
        manifest.write_text(sound)
    assert read_aliases(models) == {"production": "v001"}


def test_versions_are_listed_and_compared(models: Path) -> None:
    promote(models, "v001")
    first, second, third = list_rows(models)
    assert (first.version, first.aliases, first.cv, first.rows) == ("v001", ("production",), 0.7, 40)
    assert second.bytes == third.bytes > 0
    found = compare_versions(models, "production", "v002")
    assert found["better"] == (False, True)
    assert found["cv"] == (0.7, 0.9)
    assert "metric" not in found
    assert compare_versions(models, "v002", "v003")["better"] == (True, False)


def test_an_alias_of_a_version_that_was_removed_goes_back_past_it(models: Path) -> None:
    promote(models, "v001")
    promote(models, "v002")
    hidden = models.parent / "v002"
    promote(models, "v003")
    (models / "v002").rename(hidden)
    try:
        assert rollback(models) == "v001"
    finally:
        hidden.rename(models / "v002")
    set_alias(models, "production", "v002")
