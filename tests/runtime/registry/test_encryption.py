"""Bundles that nobody reads without the key, and keys that are exchanged without a change to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from automl_runtime.errors import BundleError, RequestError
from automl_runtime.registry.bundle import open_bundle, verify_bundle, write_bundle
from automl_runtime.registry.encryption import rotate_key, start_encryption
from cryptography.fernet import Fernet

from tests.runtime.registry.conftest import TinyModel, tiny_schema

PHRASE = "correct horse battery"
TRIAL = {"model": "above", "learner": "lightgbm", "plan": {}}


def publish(models: Path, version: str) -> Path:
    told: dict[str, Any] = {"version": version, "target": "cured", "created": "2025-01-01T00:00:00+00:00"}
    write_bundle(TinyModel(), tiny_schema(), models / version, trials=[TRIAL], **told)
    return models / version


@pytest.fixture
def models(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOML_PASSPHRASE", PHRASE)
    start_encryption(bundle_folder.parent)
    return bundle_folder.parent


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_of_the_model_can_be_read_on_disk_and_all_of_it_with_the_key(models: Path) -> None:
    folder = publish(models, "v002")
    readable = [name for name, content in contents(folder).items() if b"dose" in content or b"above" in content]
    assert readable == [str(folder / "manifest.json")]
    bundle = open_bundle(folder)
    assert bundle.manifest.encryption == "fernet"
    assert [column.name for column in bundle.schema.columns] == ["dose", "ward"]
    assert [trial["model"] for trial in bundle.trials or ()] == ["above"]
    assert open_bundle(models / "v001").manifest.encryption is None
    assert (models / "keyring.json").stat().st_mode & 0o777 == 0o600


def test_after_a_rotation_the_old_key_is_of_no_use_and_no_bundle_has_changed(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = publish(models, "v002")
    before, key = contents(folder), Fernet.generate_key().decode()
    monkeypatch.setenv("AUTOML_NEW_BUNDLE_KEY", key)
    rotate_key(models)
    with pytest.raises(BundleError, match="key is missing"):
        open_bundle(folder)
    monkeypatch.setenv("AUTOML_BUNDLE_KEY", key)
    assert open_bundle(folder).manifest.model_version == "v002"
    assert contents(folder) == before
    monkeypatch.delenv("AUTOML_NEW_BUNDLE_KEY")
    monkeypatch.setenv("AUTOML_NEW_PASSPHRASE", PHRASE + " staple")
    rotate_key(models)
    with pytest.raises(BundleError, match="AUTOML_PASSPHRASE does not open"):
        open_bundle(folder)
    monkeypatch.setenv("AUTOML_PASSPHRASE", PHRASE + " staple")
    assert open_bundle(folder).manifest.model_version == "v002"


def test_a_tampered_file_is_refused_before_it_is_decrypted(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = publish(models, "v002")
    file = folder / "model" / "model.json"
    file.write_bytes(file.read_bytes()[:-1] + b"A")
    monkeypatch.delenv("AUTOML_PASSPHRASE")
    for check in (verify_bundle, open_bundle):
        with pytest.raises(BundleError, match="was changed after it was signed"):
            check(folder)


def test_without_the_key_nothing_is_written_or_opened_but_signatures_can_be_checked(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = publish(models, "v002")
    monkeypatch.delenv("AUTOML_PASSPHRASE")
    assert verify_bundle(folder).model_version == "v002"
    with pytest.raises(BundleError, match="key is missing"):
        open_bundle(folder)
    with pytest.raises(BundleError, match="key is missing"):
        publish(models, "v003")
    assert not (models / "v003").exists()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "key is missing"),
        ({"AUTOML_PASSPHRASE": "short"}, "fewer than 12"),
        ({"AUTOML_BUNDLE_KEY": "abc"}, "no Fernet key"),
        ({"AUTOML_BUNDLE_KEY": "abc", "AUTOML_PASSPHRASE": PHRASE}, "not both"),
    ],
)
def test_a_bad_key_begins_no_encryption(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        start_encryption(tmp_path, environment)
    assert not (tmp_path / "keyring.json").exists()


def test_what_is_there_already_or_not_yet_is_said(models: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="encrypted already"):
        start_encryption(models)
    with pytest.raises(RequestError, match="Nothing in"):
        rotate_key(tmp_path)


def test_a_broken_or_lost_keyring_is_named(models: Path) -> None:
    folder = publish(models, "v002")
    (models / "keyring.json").write_text("{}")
    with pytest.raises(BundleError, match=r"keyring\.json is broken"):
        open_bundle(folder)
    (models / "keyring.json").unlink()
    with pytest.raises(BundleError, match="to open it with"):
        open_bundle(folder)
