"""Versions of a model (`models/v001`, ...), the names that point at them (`models/aliases.json`), and their history."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from automl_runtime.errors import BundleError, RequestError, shorten
from automl_runtime.files import locked, write_text
from automl_runtime.registry.history import add_change, now, read_changes, user_name

__all__ = [
    "LOCK",
    "PRODUCTION",
    "AliasChange",
    "alias_history",
    "find_version",
    "list_versions",
    "next_version",
    "read_aliases",
    "set_alias",
]

PRODUCTION = "production"
"""The alias that serving and evaluation follow when nothing else is asked."""

LOCK = ".lock"
"""File below `models` that is locked while an alias or a traffic rule changes."""
_VERSION = re.compile(r"v(\d{3,9})")
_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class AliasChange:
    """An alias that was pointed at another version."""

    at: str
    """In UTC."""
    alias: str
    before: str | None
    after: str
    by: str
    """Login name."""
    reason: str


def list_versions(models: Path) -> list[str]:
    """The versions below `models`, oldest first."""
    if not models.is_dir():
        return []
    found = [path.name for path in models.iterdir() if path.is_dir() and _VERSION.fullmatch(path.name)]
    return sorted(found, key=lambda name: int(name[1:]))


def next_version(models: Path) -> str:
    """The version after the newest below `models`: `v001` when there is none.

    >>> next_version(Path("/nonexistent"))
    'v001'
    """
    versions = list_versions(models)
    return f"v{int(versions[-1][1:]) + 1 if versions else 1:03d}"


def read_aliases(models: Path) -> dict[str, str]:
    """The aliases of the project: name to version; empty when none was set.

    Raises:
        BundleError: if `aliases.json` is broken.
    """
    path = models / "aliases.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _broken(path) from error
    if not isinstance(content, dict) or not all(
        _ALIAS.fullmatch(name) and isinstance(version, str) and _VERSION.fullmatch(version)
        for name, version in content.items()
    ):
        raise _broken(path)
    return content


def set_alias(models: Path, alias: str, version: str, *, reason: str = "") -> None:
    """Points `alias` at `version`; readers see the old or the new file, never a part of one.

    What was changed, when, by whom and why is added to `history.jsonl`; of several processes one goes after the other.

    Raises:
        RequestError: if the version does not exist or the alias is no lower-case word.
        DataError: if a file cannot be written.
    """
    if not _ALIAS.fullmatch(alias):
        raise RequestError(f"{shorten(alias)} cannot be an alias: lower-case letters, digits, `-` and `_` are allowed.")
    _require(models, version)
    with locked(models / LOCK):
        aliases = read_aliases(models)
        add_change(models, AliasChange(now(), alias, aliases.get(alias), version, user_name(), reason))
        write_text(models / "aliases.json", json.dumps(aliases | {alias: version}, indent=2, sort_keys=True) + "\n")


def alias_history(models: Path) -> list[AliasChange]:
    """The changes of aliases, oldest first."""
    return read_changes(models, AliasChange)


def find_version(models: Path, name: str | None = None) -> str:
    """The version that `name` (a version or an alias; None: `production`) stands for.

    Raises:
        RequestError: if there is no such version or alias; the message lists what there is.
    """
    aliases = read_aliases(models)
    if name is not None and name not in aliases:
        return _require(models, name)
    alias = name or PRODUCTION
    if alias not in aliases:
        raise RequestError(
            f"No model of {models} is in production yet.", hint="Train one: `make train` in the project."
        )
    return _require(models, aliases[alias])


def _require(models: Path, version: str) -> str:
    versions = list_versions(models)
    if version in versions:
        return version
    known = ", ".join([*versions, *sorted(read_aliases(models))]) or "none yet"
    raise RequestError(f"There is no model version or alias {shorten(version)} in {models}; known: {known}.")


def _broken(path: Path) -> BundleError:
    example = json.dumps({PRODUCTION: "v001"})
    return BundleError(
        f"{path} is broken; it maps aliases to versions, as {example}.",
        hint="Correct it, or delete it and train again.",
    )
