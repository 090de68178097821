"""`models/history.jsonl`: what was changed about the versions of a model, when, by whom and why; only ever added to."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from automl_runtime.errors import DataError

__all__ = ["HISTORY", "add_change", "now", "read_changes", "user_name"]

T = TypeVar("T")

HISTORY = "history.jsonl"
_LONGEST_REASON = 500


def add_change(models: Path, change: Any) -> None:
    """Adds a line with the fields of the dataclass `change`; the caller holds the lock of the versions.

    It is added before what it tells of is done: nothing is ever as it is without anybody who can tell why.

    Raises:
        DataError: if the file cannot be written.
    """
    content = asdict(change) | {"reason": change.reason[:_LONGEST_REASON]}
    try:
        with (models / HISTORY).open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(content, ensure_ascii=False) + "\n")
    except OSError as error:
        raise DataError(f"{models / HISTORY} cannot be written: {error.strerror}.") from error


def read_changes(models: Path, kind: type[T]) -> list[T]:
    """The changes of this `kind` (a dataclass), oldest first; lines of others, or that are broken, are left out."""
    found = []
    try:
        lines = (models / HISTORY).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            found.append(kind(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def user_name() -> str:
    """The login name of this process; empty where there is none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
