"""API keys: made once, kept as hashes, with what they allow.

A key is `aml_<id>_<secret>` with 256 random bits: there is nothing to guess, so that its plain SHA-256 can be stored.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from automl_runtime.errors import DataError, RequestError, shorten
from automl_runtime.files import locked, write_text

__all__ = ["SCOPES", "ApiKey", "add_key", "read_keys", "revoke_key", "verify_key"]

SCOPES = ("predict", "manage")
"""What a key may allow: to ask for predictions and what the model is; to load, unload and change models."""
_NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is stored of a key."""

    id: str
    name: str
    sha256: str
    scopes: tuple[str, ...]
    per_minute: int | None
    """Requests that it may send in a minute; None: as many as it likes."""
    created: str


def add_key(
    path: Path, name: str, *, scopes: Sequence[str] = ("predict",), per_minute: int | None = None
) -> tuple[ApiKey, str]:
    """Adds a key to the file at `path`, which only its owner may read.

    Returns:
        What is stored, and the key itself, which is shown here and never again.

    Raises:
        RequestError: if the name is empty, taken or too long, or there is no such scope.
        DataError: if the file cannot be read or written.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise RequestError(f"There is no scope {shorten(unknown[0] if unknown else '')}; scopes: {', '.join(SCOPES)}.")
    if not name.strip() or len(name) > _NAME_LENGTH or not name.isprintable():
        raise RequestError(f"A key needs a name of 1 to {_NAME_LENGTH} printable letters, not {shorten(name)}.")
    if per_minute is not None and per_minute < 1:
        raise RequestError(f"{per_minute} requests a minute are too few; leave the limit out for none.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):
        known = read_keys(path)
        if any(key.name == name for key in known):
            raise RequestError(f"There is a key called {shorten(name)}.", hint="Revoke it first, or take another name.")
        identity = secrets.token_hex(4)
        secret = f"aml_{identity}_{secrets.token_urlsafe(32)}"
        made = ApiKey(
            identity,
            name,
            hashlib.sha256(secret.encode()).hexdigest(),
            tuple(dict.fromkeys(scopes)),
            per_minute,
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        _write(path, [*known, made])
    return made, secret


def revoke_key(path: Path, name: str) -> ApiKey:
    """Takes the key called `name` out of the file; services notice within a second.

    Raises:
        RequestError: if there is none.
        DataError: if the file cannot be read or written.
    """
    with locked(path.with_suffix(".lock")):
        known = read_keys(path)
        gone = next((key for key in known if key.name == name), None)
        if gone is None:
            names = ", ".join(shorten(key.name) for key in known) or "none"
            raise RequestError(f"There is no key called {shorten(name)}; keys: {names}.")
        _write(path, [key for key in known if key.name != name])
    return gone


def read_keys(path: Path) -> list[ApiKey]:
    """The keys in the file at `path`; none when it does not exist.

    Raises:
        DataError: if it cannot be read, naming it: a service must not be open because its keys are broken.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [ApiKey(**{**entry, "scopes": tuple(entry["scopes"])}) for entry in content["keys"]]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"The API keys in {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} does not hold API keys as `automl keys --add` writes them.") from error


def verify_key(given: str, keys: dict[str, ApiKey]) -> ApiKey | None:
    """The key that `given` is, by its id in `keys`; None when it is none. Takes as long for each wrong one."""
    parts = given.split("_", 2)
    key = keys.get(parts[1]) if len(parts) == 3 and parts[0] == "aml" else None
    digest = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    right = hmac.compare_digest(digest, key.sha256 if key is not None else "0" * 64)
    return key if right else None


def _write(path: Path, keys: Sequence[ApiKey]) -> None:
    content = {"keys": [asdict(key) for key in keys]}
    write_text(path, json.dumps(content, indent=1) + "\n")
    path.chmod(0o600)
