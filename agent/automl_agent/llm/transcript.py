"""What was said to a model and by it, without secrets, as lines of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["Transcript", "secrets_of"]

_SHAPES: Final = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|AKIA|AIza)[-_A-Za-z0-9]{12,}|\b(?:Bearer|Basic)\s+[\w.~+/=-]{6,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)",
    re.IGNORECASE,
)
_SECRET_NAMES: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_SHORTEST: Final = 8
_GONE: Final = "[secret]"


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of variables whose names say that they are secret, the longest first."""
    found = [value for name, value in environment.items() if _SECRET_NAMES.search(name) and len(value) >= _SHORTEST]
    return sorted(set(found), key=len, reverse=True)


class Transcript:
    """The calls of one run, in order; secrets are taken out before anything is kept.

    Not safe for several threads.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Takes out `secrets` and whatever has the shape of one."""
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST]
        self._lines: list[str] = []
        self._path: Path | None = None

    def add(self, **entry: Any) -> None:
        """Keeps one entry, and appends it to the file when there is one."""
        line = json.dumps(self._redacted({"n": len(self._lines) + 1, **entry}), ensure_ascii=False)
        self._lines.append(line)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def attach(self, path: Path) -> None:
        """Writes the entries so far to `path`, after what stands there, and those to come as they come."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self._lines)
        self._path = path

    @property
    def lines(self) -> tuple[str, ...]:
        """The entries so far, each a JSON object."""
        return tuple(self._lines)

    def redact(self, text: str) -> str:
        """`text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _GONE)
        return _SHAPES.sub(_GONE, text)

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {str(key): self._redacted(item) for key, item in value.items()}
        return [self._redacted(item) for item in value] if isinstance(value, list | tuple) else value
