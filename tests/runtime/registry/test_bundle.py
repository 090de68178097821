from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from automl_runtime.errors import BundleError
from automl_runtime.registry import bundle as bundles
from automl_runtime.registry.bundle import open_bundle, verify_bundle, write_bundle
from automl_runtime.registry.signing import private_key, public_hex, sign, trust
from automl_schemas.bundle import InputSchema
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WHAT = {"version": "v002", "target": "cured", "created": "2025-01-01T00:00:00+00:00"}


def resigned(folder: Path, change: Callable[[dict[str, Any]], None], key: Ed25519PrivateKey | None = None) -> None:
    """Changes the manifest and signs it again, as somebody with a key would."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    del document["signature"]
    change(document)
    key = key or private_key()
    message = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    document["signature"] = {"algorithm": "ed25519", "public_key": public_hex(key), "value": sign(key, message)}
    path.write_text(json.dumps(document))


def test_a_bundle_opens_as_it_was_written(bundle_folder: Path) -> None:
    bundle = open_bundle(bundle_folder)
    assert bundle.manifest.model_version == "v001"
    assert (bundle.manifest.classes, bundle.manifest.positive) == (["no", "yes"], "yes")
    assert [column.name for column in bundle.schema.columns] == ["dose", "ward"]
    assert bundle.reference == {}
    assert sorted(file.path for file in bundle.manifest.files) == [
        "model/model.json",
        "model/trees/one.txt",
        "reference.json",
        "schema.json",
    ]
    assert [path.name for path in bundle_folder.parent.iterdir()] == ["v001"]


def test_numpy_scalars_of_a_model_become_json(bundle_folder: Path) -> None:
    import numpy as np

    model = bundles.load(bundle_folder / "model")
    model.classes, model.positive = np.array([0, 1]), np.int64(1)
    model.threshold = np.float64(0.25)
    manifest = write_bundle(model, InputSchema(columns=[]), bundle_folder.parent / "v002", **WHAT)
    assert (manifest.classes, manifest.positive, manifest.threshold) == ([0, 1], 1, 0.25)
    assert verify_bundle(bundle_folder.parent / "v002") == manifest


TRIAL = {"model": "m", "learner": "lightgbm", "params": {"depth": 3}, "rounds": [7], "plan": {"seed": 0}}


def write_with_trials(folder: Path) -> Path:
    write_bundle(
        bundles.load(folder / "model"), InputSchema(columns=[]), folder.parent / "v002", trials=[TRIAL], **WHAT
    )
    return folder.parent / "v002"


def test_the_list_of_trials_is_part_of_the_bundle(bundle_folder: Path) -> None:
    folder = write_with_trials(bundle_folder)
    bundle = open_bundle(folder)
    assert [trial.items() >= TRIAL.items() for trial in bundle.trials or ()] == [True]
    assert "trials.jsonl" in {file.path for file in bundle.manifest.files}
    assert open_bundle(bundle_folder).trials is None


def test_a_changed_list_of_trials_is_refused(bundle_folder: Path) -> None:
    folder = write_with_trials(bundle_folder)
    (folder / "trials.jsonl").write_text((folder / "trials.jsonl").read_text().replace("3", "4"))
    with pytest.raises(BundleError, match=r"'trials\.jsonl'.*was changed after it was signed"):
        open_bundle(folder)


def test_a_signed_file_that_is_no_list_of_trials_is_refused(bundle_folder: Path) -> None:
    folder = write_with_trials(bundle_folder)
    (folder / "trials.jsonl").write_text('{"model": "m"}\n')
    digest, size = bundles.sha256_of(folder / "trials.jsonl")

    def change(document: dict[str, Any]) -> None:
        [entry] = [file for file in document["files"] if file["path"] == "trials.jsonl"]
        entry.update(sha256=digest, bytes=size)

    resigned(folder, change)
    with pytest.raises(BundleError, match=r"trials\.jsonl, line 1: `learner`: Field required"):
        open_bundle(folder)


def edit(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def unsigned(folder: Path) -> None:
    document = json.loads((folder / "manifest.json").read_text())
    document["signature"] = None
    (folder / "manifest.json").write_text(json.dumps(document))


def set_field(name: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        document = json.loads((folder / "manifest.json").read_text())
        document[name] = value
        (folder / "manifest.json").write_text(json.dumps(document))

    return change


def as_pipe(folder: Path) -> None:
    os.mkfifo(folder / "model" / "pipe")


def as_link(folder: Path) -> None:
    (folder / "model" / "model.json").unlink()
    (folder / "model" / "model.json").symlink_to("/etc/hostname")


def linked_folder(folder: Path) -> None:
    (folder / "model" / "more").symlink_to("/etc")


def linked_manifest(folder: Path) -> None:
    (folder / "manifest.json").rename(folder / "moved.json")
    (folder / "manifest.json").symlink_to("moved.json")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (edit("model/model.json", "{}"), "'model/model.json'.*was changed"),
        (edit("schema.json", "{}"), "'schema.json'.*was changed"),
        (edit("model/extra.bin", "x"), "'model/extra.bin'.*not listed"),
        (lambda folder: (folder / "reference.json").unlink(), "'reference.json' is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "no manifest.json"),
        (edit("manifest.json", "{"), "manifest.json cannot be read"),
        (edit("manifest.json", "[" * 100_000), "manifest.json cannot be read"),
        (edit("manifest.json", "[]"), "no JSON object"),
        (edit("manifest.json", "{}"), "manifest.json: `model_version`"),
        (unsigned, "is not signed"),
        (set_field("threshold", 0.9), "changed after it was signed"),
        (set_field("signature", {"public_key": "zz", "value": "00"}), "changed after it was signed"),
        (set_field("pickle", "x"), "`pickle`"),
        (set_field("version", 2), "`version`"),
        (as_link, "model.json.*symbolic link"),
        (linked_folder, "more.*symbolic link"),
        (linked_manifest, "is a link"),
        (as_pipe, "pipe.*no plain file"),
    ],
)
def test_a_bundle_that_was_touched_is_refused(bundle_folder: Path, damage: Any, says: str) -> None:
    damage(bundle_folder)
    with pytest.raises(BundleError, match=says) as caught:
        open_bundle(bundle_folder)
    assert caught.value.hint


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "model/../../x", "model//model.json", "C:\\x", "c:x", "./x", "", "a\nb", "manifest.json"],
)
def test_paths_that_lead_out_are_refused_even_when_signed(bundle_folder: Path, path: str) -> None:
    def add(document: dict[str, Any]) -> None:
        document["files"].append({"path": path, "sha256": "0" * 64, "bytes": 1})

    resigned(bundle_folder, add)
    with pytest.raises(BundleError, match="no path inside the bundle"):
        verify_bundle(bundle_folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda document: document["files"].append(document["files"][0]), "twice"),
        (lambda document: document["files"].pop(-1), "does not list schema.json"),
    ],
)
def test_incomplete_lists_are_refused_even_when_signed(bundle_folder: Path, change: Any, says: str) -> None:
    resigned(bundle_folder, change)
    with pytest.raises(BundleError, match=says):
        verify_bundle(bundle_folder)


def test_nothing_is_deserialised_before_the_check(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "load", lambda path: pytest.fail("loaded"))
    (bundle_folder / "model" / "model.json").write_text("{}")
    with pytest.raises(BundleError):
        open_bundle(bundle_folder)


def test_a_stranger_is_trusted_once_his_key_is_listed(bundle_folder: Path, tmp_path: Path) -> None:
    stranger = Ed25519PrivateKey.generate()
    resigned(bundle_folder, lambda document: None, key=stranger)
    listed = tmp_path / ".automl" / "trusted_keys"
    with pytest.raises(BundleError, match="does not trust") as caught:
        open_bundle(bundle_folder, listed)
    assert public_hex(stranger) in str(caught.value)
    assert str(listed) in str(caught.value)
    trust(listed, public_hex(stranger))
    assert open_bundle(bundle_folder, listed).manifest.model_version == "v001"


def test_a_field_of_a_later_version_names_the_version(bundle_folder: Path) -> None:
    resigned(bundle_folder, lambda document: document.update(quantised=True, runtime_version="9.9"))
    with pytest.raises(BundleError, match=r"quantised(.|\n)*automl-runtime '9.9'"):
        open_bundle(bundle_folder)


def test_a_model_that_cannot_be_loaded_names_the_version(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> None:
        raise ValueError(f"no tree in {path.name}")

    monkeypatch.setattr(bundles, "load", broken)
    with pytest.raises(BundleError, match=r"made by automl-runtime 0.1.0.*no tree in model"):
        open_bundle(bundle_folder)


def test_a_version_is_never_overwritten(bundle_folder: Path) -> None:
    model = bundles.load(bundle_folder / "model")
    with pytest.raises(BundleError, match="exists already"):
        write_bundle(model, InputSchema(columns=[]), bundle_folder, **WHAT)


def test_nothing_is_left_when_the_model_cannot_be_saved(bundle_folder: Path) -> None:
    class Stopped(BaseException): ...

    model = bundles.load(bundle_folder / "model")
    for failure, seen in [(OSError(28, "No space left on device"), BundleError), (Stopped(), Stopped)]:

        def save(path: Path, failure: BaseException = failure) -> list[Path]:
            (path / "half").write_text("half")
            raise failure

        model.save = save
        with pytest.raises(seen):
            write_bundle(model, InputSchema(columns=[]), bundle_folder.parent / "v002", **WHAT)
    assert [path.name for path in bundle_folder.parent.iterdir()] == ["v001"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no model bundle at .*nowhere"):
        verify_bundle(tmp_path / "nowhere")
