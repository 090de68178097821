"""Model bundles: `models/<version>/`, a folder whose every byte is covered by a signed manifest."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Protocol

from automl_schemas.bundle import BundleManifest, HashedFile, InputSchema, Signature, TrainingSummary
from automl_schemas.vocabulary import MetricName, TaskType
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

import automl_runtime
from automl_runtime.engine.loading import load
from automl_runtime.engine.recorded import read_trials, write_trials
from automl_runtime.errors import BundleError, shorten
from automl_runtime.files import write_text
from automl_runtime.registry import signing
from automl_runtime.registry.encryption import cipher_of, decrypted, encrypt_files
from automl_runtime.registry.files import list_files, sha256_of
from automl_runtime.registry.signing import private_key, public_hex, sign, verify

if TYPE_CHECKING:
    from automl_runtime.engine.anomaly.windows import Windows

__all__ = ["Bundle", "SavedModel", "open_bundle", "verify_bundle", "write_bundle"]

MANIFEST = "manifest.json"
SCHEMA = "schema.json"
REFERENCE = "reference.json"
TRIALS = "trials.jsonl"
MODEL = "model"

_LARGEST_MANIFEST = 16 * 1024 * 1024
_RETRAIN = "Take the bundle again from where it was made, or train a new one: `make train` in the project."


class SavedModel(Protocol):
    """What a model must offer to be put into a bundle: what the manifest says of it, and files."""

    @property
    def task(self) -> TaskType:
        """What kind of prediction it is."""
        ...

    @property
    def metric(self) -> MetricName:
        """The metric that it was chosen by."""
        ...

    @property
    def classes(self) -> Sequence[Any]:
        """The labels, as the columns of `predict_proba` are; empty for numbers."""
        ...

    @property
    def positive(self) -> Any:
        """The class of interest of a binary task."""
        ...

    @property
    def threshold(self) -> float | None:
        """The probability of `positive` from which it is predicted."""
        ...

    @property
    def threshold_by(self) -> str | None:
        """How the threshold was chosen."""
        ...

    @property
    def features(self) -> list[str]:
        """Names of the features."""
        ...

    def save(self, path: Path) -> list[Path]:
        """Writes the model into the folder `path`, in formats that are safe to load."""
        ...


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle, with its model loaded."""

    folder: Path
    manifest: BundleManifest
    schema: InputSchema
    reference: Mapping[str, Any]
    """Sketch of the training inputs, for `automl_runtime.monitoring`."""
    model: Any
    """A `FittedModel`; of a forecast a `Forecaster`, of groups a `ClusterModel`, of strange rows an `AnomalyModel`."""
    trials: Sequence[Mapping[str, Any]] | None = None
    """What the search executed, for `fit(replay=...)`; None: the bundle does not say."""

    @property
    def windows(self) -> Windows | None:
        """Of anomalies in time: how rows look back at those before them; None where each row is looked at alone."""
        return getattr(self.model, "windows", None) if self.manifest.task == "anomaly" else None


def write_bundle(
    model: SavedModel,
    schema: InputSchema,
    folder: Path,
    *,
    version: str,
    target: str,
    created: str,
    reference: Mapping[str, Any] | None = None,
    training: TrainingSummary | None = None,
    trials: Sequence[Mapping[str, Any]] | None = None,
    features_sha256: str | None = None,
    key: Ed25519PrivateKey | None = None,
) -> BundleManifest:
    """Writes `folder` as a bundle of `model`, signed with `key` (default: the key of this user).

    The bundle is made in a temporary folder beside and renamed: it is there as a whole or not at all.

    Raises:
        BundleError: if `folder` exists, cannot be written, or the key cannot be used.
    """
    if folder.exists():
        raise BundleError(f"{folder} exists already; versions are never changed.", hint="Use the next version.")
    key = key or private_key()
    staging: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        (staging / MODEL).mkdir()
        model.save(staging / MODEL)
        _write_json(staging / SCHEMA, schema.model_dump(mode="json"))
        _write_json(staging / REFERENCE, dict(reference or {}))
        if trials is not None:
            write_trials(staging / TRIALS, trials)
        cipher = cipher_of(folder.parent)
        if cipher is not None:
            encrypt_files(staging, cipher)
        told = _describe(model, staging, version=version, target=target, created=created, training=training)
        more = {"features_sha256": features_sha256, "encryption": None if cipher is None else "fernet"}
        manifest = _signed(told.model_copy(update=more), key)
        _write_json(staging / MANIFEST, manifest.model_dump(mode="json"))
        staging.chmod(0o755)
        staging.rename(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BundleError(
            f"The bundle {folder} cannot be written: {reason}.", hint="Nothing was left behind; try again."
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return manifest


def verify_bundle(folder: Path, trusted_keys: Path | None = None) -> BundleManifest:
    """Checks that every byte of the bundle is what a trusted key has signed; deserialises nothing of the model.

    Args:
        folder: the bundle.
        trusted_keys: file of public keys (`.automl/trusted_keys`); this user's own key is always trusted.

    Raises:
        BundleError: naming the file that is missing, changed, unlisted or no plain file, or the key that is not
            trusted. Files that somebody changes while they are being read are not noticed.
    """
    document = _read_manifest(folder)
    manifest = _parse_manifest(folder, document)
    for file in manifest.files:
        _check_path(folder, file.path)
    _check_signature(folder, document, manifest, trusted_keys)
    _check_files(folder, manifest)
    return manifest


def open_bundle(folder: Path, trusted_keys: Path | None = None) -> Bundle:
    """The bundle in `folder`, verified as by `verify_bundle` before anything else of it is read.

    Raises:
        BundleError: if the bundle cannot be trusted or its parts do not fit this version of the runtime.
    """
    manifest = verify_bundle(folder, trusted_keys)
    try:
        with nullcontext(folder) if manifest.encryption is None else decrypted(folder) as place:
            schema = InputSchema.model_validate_json((place / SCHEMA).read_bytes())
            reference = json.loads((place / REFERENCE).read_bytes())
            trials = read_trials(place / TRIALS) if (place / TRIALS).is_file() else None
            model = load(place / MODEL)
    except BundleError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(
            f"The bundle {folder} was made by automl-runtime {manifest.runtime_version} and cannot be opened by "
            f"{automl_runtime.__version__}: {shorten(str(error), 200)}",
            hint=f"Install automl-runtime {manifest.runtime_version}, or train a new one: `make train`.",
        ) from error
    return Bundle(folder, manifest, schema, reference, model, trials)


def _describe(
    model: SavedModel, staging: Path, *, version: str, target: str, created: str, training: TrainingSummary | None
) -> BundleManifest:
    files = []
    for name in list_files(staging):
        digest, size = sha256_of(staging / name)
        files.append(HashedFile(path=name, sha256=digest, bytes=size))
    return BundleManifest(
        model_version=version,
        created=created,
        task=model.task,
        metric=model.metric,
        target=target,
        classes=[_plain(value) for value in model.classes],
        positive=_plain(model.positive),
        threshold=_plain(model.threshold),
        threshold_by=model.threshold_by,
        features=list(model.features),
        runtime_version=automl_runtime.__version__,
        training=training,
        files=files,
    )


def _signed(manifest: BundleManifest, key: Ed25519PrivateKey) -> BundleManifest:
    message = _message(manifest.model_dump(mode="json"))
    signature = Signature(public_key=public_hex(key), value=sign(key, message))
    return manifest.model_copy(update={"signature": signature})


def _message(document: Mapping[str, Any]) -> bytes:
    # What is signed is the document as it was read, not as this version's contract would write it: a field that
    # a later version adds does not break the signatures of today.
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise BundleError(f"There is no model bundle at {folder}.", hint="Train one: `make train` in the project.")
    if not path.exists():
        raise BundleError(f"{folder} has no {MANIFEST}; it is no model bundle.", hint=_RETRAIN)
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST_MANIFEST:
        raise BundleError(f"{path} is a link or far too large for a manifest.", hint=_RETRAIN)
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read: {shorten(str(error))}.", hint=_RETRAIN) from error
    if not isinstance(document, dict):
        raise BundleError(f"{path} holds no JSON object.", hint=_RETRAIN)
    return document


def _parse_manifest(folder: Path, document: Mapping[str, Any]) -> BundleManifest:
    try:
        return BundleManifest.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        made_by = document.get("runtime_version")
        raise BundleError(
            f"{folder / MANIFEST}: `{shorten(key)[1:-1]}`: {first['msg']}.",
            hint=f"It was made by automl-runtime {shorten(made_by)}, this is {automl_runtime.__version__}. {_RETRAIN}",
        ) from error


def _check_path(folder: Path, path: str) -> None:
    parts = PurePosixPath(path)
    legal = (
        path not in ("", MANIFEST)
        and path.isprintable()
        and "\\" not in path
        and ".." not in parts.parts
        and not parts.is_absolute()
        and not PureWindowsPath(path).drive
        and str(parts) == path
    )
    if not legal:
        raise BundleError(
            f"{folder / MANIFEST} lists {shorten(path)}, which is no path inside the bundle.",
            hint="Somebody tampered with it: do not use it. " + _RETRAIN,
        )


def _check_signature(
    folder: Path, document: Mapping[str, Any], manifest: BundleManifest, trusted_keys: Path | None
) -> None:
    path, signature = folder / MANIFEST, manifest.signature
    if signature is None:
        raise BundleError(f"{path} is not signed.", hint=_RETRAIN)
    if not verify(signature.public_key, signature.value, _message(document)):
        raise BundleError(f"{path} was changed after it was signed.", hint=_RETRAIN)
    if signature.public_key not in signing.trusted_keys(trusted_keys):
        where = trusted_keys or "the file of trusted keys"
        raise BundleError(
            f"{path} is signed with the key {signature.public_key}, which this project does not trust.",
            hint=f"If you trust who made it, add that key as a line to {where}; else train your own: `make train`.",
        )


def _check_files(folder: Path, manifest: BundleManifest) -> None:
    listed = {file.path: file for file in manifest.files}
    present = set(list_files(folder)) - {MANIFEST}
    if len(listed) != len(manifest.files):
        raise BundleError(f"{folder / MANIFEST} lists a file twice.", hint=_RETRAIN)
    for required in (SCHEMA, REFERENCE):
        if required not in listed:
            raise BundleError(f"{folder / MANIFEST} does not list {required}.", hint=_RETRAIN)
    for name in sorted(present - listed.keys()):
        raise BundleError(
            f"{shorten(name)} in {folder} is not listed in {MANIFEST}.", hint=f"Delete that file. {_RETRAIN}"
        )
    for name, file in sorted(listed.items()):
        if name not in present:
            raise BundleError(f"{shorten(name)} is missing from {folder}.", hint=_RETRAIN)
        try:
            found = sha256_of(folder / name)
        except OSError as error:
            raise BundleError(f"{folder / name} cannot be read: {error.strerror}.") from error
        if found != (file.sha256, file.bytes):
            raise BundleError(f"{shorten(name)} in {folder} was changed after it was signed.", hint=_RETRAIN)


def _write_json(path: Path, content: object) -> None:
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """`value` as Python has it: NumPy scalars become what JSON can hold."""
    return value.item() if hasattr(value, "item") else value
