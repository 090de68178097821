"""What is remembered between runs, in the user's cache folder: what endpoints can do, and answers by their content."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from automl_runtime.errors import DataError
from automl_runtime.files import write_text

__all__ = ["Store", "key_of"]

_DAY: Final = 86_400.0
_MOST_FILES: Final = 5_000


def key_of(content: Any) -> str:
    """A name for `content`, which is JSON: the same content has the same name."""
    return sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Store:
    """JSON objects in files that expire; a file that cannot be read or written counts as absent."""

    def __init__(self, folder: Path, *, days: float) -> None:
        """Keeps files in `folder` for `days`."""
        self._folder, self._seconds = folder, days * _DAY

    def get(self, key: str) -> dict[str, Any] | None:
        """What was stored under `key`; None when there is nothing, or it is too old."""
        path = self._folder / f"{key}.json"
        try:
            if time.time() - path.stat().st_mtime > self._seconds:
                return None
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: str, content: Mapping[str, Any]) -> None:
        """Stores `content` under `key`; only its owner can read it."""
        path = self._folder / f"{key}.json"
        try:
            write_text(path, json.dumps(content, ensure_ascii=False))
            path.chmod(0o600)
            self._thin_out()
        except (OSError, DataError):
            return  # A cache that cannot be written is slow, not wrong.

    def _thin_out(self) -> None:
        files = list(os.scandir(self._folder))
        if len(files) > _MOST_FILES:
            for entry in sorted(files, key=lambda file: file.stat().st_mtime)[: _MOST_FILES // 2]:
                Path(entry.path).unlink(missing_ok=True)
