"""Encryption of model bundles at rest, and exchange of the key without a change to any bundle.

A project has one data key, with which new bundles are encrypted (Fernet: AES-128-CBC and HMAC-SHA256). It lies in
`models/keyring.json`, itself encrypted with a key from outside: a Fernet key in $AUTOML_BUNDLE_KEY, or one derived from
the passphrase in $AUTOML_PASSPHRASE by Scrypt (RFC 7914). Another outer key is put in place by writing that file anew;
versions stay as they are. The manifest of a bundle stays readable: it is what signatures are checked against.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from automl_runtime.errors import BundleError, RequestError
from automl_runtime.files import locked, write_text
from automl_runtime.registry.aliases import LOCK
from automl_runtime.registry.files import list_files

__all__ = ["KEY", "PASSPHRASE", "cipher_of", "decrypted", "encrypt_files", "rotate_key", "start_encryption"]

KEY: Final = "AUTOML_BUNDLE_KEY"
"""Environment variable with a Fernet key: 32 bytes in URL-safe base64."""
PASSPHRASE: Final = "AUTOML_PASSPHRASE"
"""Environment variable with a passphrase of 12 letters or more."""
NEW: Final = "AUTOML_NEW_"
"""What stands in place of AUTOML_ in the variable with the key that is to come."""
_KEYRING: Final = "keyring.json"
_LEAST_LETTERS: Final = 12
_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1}


def start_encryption(models: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Has all bundles encrypted that are written from now on; those that there are stay as they are.

    Raises:
        RequestError: if they are encrypted already, or no good key is in the environment.
    """
    models.mkdir(parents=True, exist_ok=True)
    with locked(models / LOCK):
        if (models / _KEYRING).exists():
            raise RequestError(f"New versions in {models} are encrypted already.", hint="Take --rotate for a new key.")
        _write(models, Fernet.generate_key(), environment, "AUTOML_")


def rotate_key(models: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Lets $AUTOML_NEW_BUNDLE_KEY or $AUTOML_NEW_PASSPHRASE open the bundles, and no longer the key of now.

    A copy of the old `keyring.json` can still be opened with the old key.

    Raises:
        RequestError: if there is no encryption, or no good new key is in the environment.
        BundleError: if the key of now is not in the environment, or is wrong.
    """
    with locked(models / LOCK):
        keyring = _read(models)
        if keyring is None:
            raise RequestError(f"Nothing in {models} is encrypted.", hint="`automl encrypt PROJECT` begins it.")
        _write(models, _data_key(models, keyring, environment), environment, NEW)


def cipher_of(models: Path, environment: Mapping[str, str] = os.environ) -> Fernet | None:
    """What encrypts and decrypts the bundles below `models`; None where none are encrypted.

    Raises:
        BundleError: if the key is not in the environment, or is not the right one.
    """
    keyring = _read(models)
    return None if keyring is None else Fernet(_data_key(models, keyring, environment))


def encrypt_files(folder: Path, cipher: Fernet) -> None:
    """Encrypts all files below `folder` in their places."""
    for name in list_files(folder):
        path = folder / name
        path.write_bytes(cipher.encrypt(path.read_bytes()))


@contextmanager
def decrypted(folder: Path) -> Iterator[Path]:
    """The files below `folder` in plain text, in a folder of this user that is gone afterwards; in memory on Linux.

    Raises:
        BundleError: if they cannot be decrypted.
    """
    cipher = cipher_of(folder.parent)
    if cipher is None:
        raise BundleError(f"{folder} is encrypted, and there is no {folder.parent / _KEYRING} to open it with.")
    memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(prefix="automl-", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        for name in list_files(folder):
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if name != "manifest.json":
                target.write_bytes(cipher.decrypt((folder / name).read_bytes()))
        yield place
    except InvalidToken as error:
        raise BundleError(f"{folder} was encrypted with another key than that of {folder.parent}.") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _read(models: Path) -> dict[str, Any] | None:
    path = models / _KEYRING
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content["data_key"], str) or not isinstance(content["salt"], str | None):
            raise ValueError
        bytes.fromhex(content["salt"] or "")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BundleError(f"{path} is broken.", hint="Take it from a backup: without it no bundle opens.") from error
    return dict(content)


def _write(models: Path, data_key: bytes, environment: Mapping[str, str], prefix: str) -> None:
    key = environment.get(prefix + KEY.removeprefix("AUTOML_"))
    phrase = environment.get(prefix + PASSPHRASE.removeprefix("AUTOML_"))
    if bool(key) == bool(phrase):
        names = f"{prefix}BUNDLE_KEY or {prefix}PASSPHRASE"
        raise RequestError(f"Set one of {names}, and not both." if key else f"The key is missing: set {names}.")
    salt = None
    if phrase:
        if len(phrase) < _LEAST_LETTERS:
            raise RequestError(f"The passphrase has fewer than {_LEAST_LETTERS} letters.", hint="Take a longer one.")
        salt = secrets.token_hex(16)
        outer = Fernet(_derived(phrase, salt))
    else:
        try:
            outer = Fernet(str(key))
        except ValueError as error:
            raise RequestError(f"{prefix}BUNDLE_KEY is no Fernet key: 32 bytes in URL-safe base64.") from error
    wrapped = outer.encrypt(data_key).decode()
    write_text(models / _KEYRING, json.dumps({"salt": salt, "data_key": wrapped}, indent=2) + "\n")
    (models / _KEYRING).chmod(0o600)


def _data_key(models: Path, keyring: Mapping[str, Any], environment: Mapping[str, str]) -> bytes:
    salt = keyring["salt"]
    name = KEY if salt is None else PASSPHRASE
    given = environment.get(name)
    if not given:
        raise BundleError(f"The versions in {models} are encrypted; the key is missing.", hint=f"Set {name}.")
    try:
        return Fernet(given if salt is None else _derived(given, salt)).decrypt(keyring["data_key"])
    except (ValueError, InvalidToken) as error:
        raise BundleError(f"{name} does not open {models / _KEYRING}.", hint="It may have been exchanged.") from error


def _derived(phrase: str, salt: str) -> bytes:
    kdf = Scrypt(salt=bytes.fromhex(salt), length=32, n=_SCRYPT["n"], r=_SCRYPT["r"], p=_SCRYPT["p"])
    return base64.urlsafe_b64encode(kdf.derive(phrase.encode()))
