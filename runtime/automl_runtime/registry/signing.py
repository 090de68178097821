"""Ed25519 keys that sign model bundles (RFC 8032), and the list of keys that a project trusts."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from automl_runtime.errors import BundleError
from automl_runtime.files import write_text

__all__ = ["KEY_VARIABLE", "key_path", "private_key", "public_hex", "sign", "trust", "trusted_keys", "verify"]

KEY_VARIABLE = "AUTOML_SIGNING_KEY"
"""Environment variable that names the file of the private key."""

_HEX_KEY = re.compile(r"[0-9a-f]{64}")


def key_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the private key of this user lies: `$AUTOML_SIGNING_KEY`, else `~/.config/automl/signing.key`."""
    named = environment.get(KEY_VARIABLE)
    if named:
        return Path(named).expanduser()
    try:
        return Path.home() / ".config" / "automl" / "signing.key"
    except RuntimeError as error:
        raise BundleError(
            "There is no home folder to keep the signing key in.", hint=f"Set {KEY_VARIABLE} to a file."
        ) from error


def private_key(path: Path | None = None) -> Ed25519PrivateKey:
    """The private key at `path` (default: `key_path()`), made at its first use with mode 0600.

    Safe when several processes ask at once: all get the key that came first.

    Raises:
        BundleError: if the file cannot be made or read, or holds no Ed25519 key.
    """
    path = path or key_path()
    try:
        if not path.exists():
            _create_key(path)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise BundleError(
            f"The signing key {path} cannot be read or made: {error.strerror}.",
            hint=f"Set {KEY_VARIABLE} to a file that you may read and write.",
        ) from error
    except (ValueError, TypeError) as error:
        raise _no_key(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public key of `key`: 32 bytes, hexadecimal."""
    return key.public_key().public_bytes_raw().hex()


def sign(key: Ed25519PrivateKey, message: bytes) -> str:
    """The signature of `message`: 64 bytes, hexadecimal."""
    return key.sign(message).hex()


def verify(public_key: str, signature: str, message: bytes) -> bool:
    """Whether `signature` over `message` was made by the owner of `public_key` (both hexadecimal)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def trusted_keys(path: Path | None) -> frozenset[str]:
    """The public keys in the file `path` (one a line, `#` starts a comment) and that of this user, if there is one.

    Raises:
        BundleError: if a line is no public key.
    """
    keys = set(_read_keys(path)) if path is not None else set()
    with contextlib.suppress(BundleError):
        # A user who never signed, or whose key is out of reach, can still check what others have signed.
        own = key_path()
        if own.is_file():
            keys.add(public_hex(private_key(own)))
    return frozenset(keys)


def trust(path: Path, public_key: str) -> None:
    """Adds `public_key` to the file of trusted keys at `path`, unless it is there."""
    known = _read_keys(path)
    if public_key not in known:
        lines = path.read_text(encoding="utf-8") if path.is_file() else ""
        separator = "" if not lines or lines.endswith("\n") else "\n"
        write_text(path, f"{lines}{separator}{public_key}\n")


def _read_keys(path: Path) -> list[str]:
    if not path.is_file():
        return []
    keys: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        key = line.split("#", 1)[0].strip().lower()
        if key and not _HEX_KEY.fullmatch(key):
            raise BundleError(
                f"{path}, line {number}: {key[:20]!r} is no public key (64 hexadecimal digits).",
                hint="Correct or delete the line.",
            )
        if key:
            keys.append(key)
    return keys


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces a file: of two processes that start together, the first key stays.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()


def _no_key(path: Path) -> BundleError:
    return BundleError(
        f"{path} holds no Ed25519 private key in PEM form.",
        hint=f"Move it away to have a new one made, or set {KEY_VARIABLE} to the right file.",
    )
