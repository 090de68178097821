"""The rungs of the ladder: what a model can be trusted with."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["LADDER", "Level"]

Level = Literal["tools", "schema", "json", "text", "none"]
"""`tools` calls a function, `schema` is held to a JSON Schema by its server, `json` writes some JSON, `text` writes
JSON when it is asked to in words, `none` does none of that."""

LADDER: Final[tuple[Level, ...]] = ("tools", "schema", "json", "text")
