"""Settings that can be changed by attribute, as `config.training.budget_seconds = 20`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from automl_runtime.contracts import nearest

__all__ = ["Settings"]


class Settings:
    """A changeable copy of nested settings; nothing is checked before they are used.

    Mappings inside are `Settings` too. `to_dict()` gives plain ones.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Copies `values`, at every depth."""
        copied = {name: Settings(value) if isinstance(value, Mapping) else value for name, value in values.items()}
        object.__setattr__(self, "_values", copied)

    def __getattr__(self, name: str) -> Any:
        values: dict[str, Any] = object.__getattribute__(self, "_values")
        if name not in values:
            raise AttributeError(f"There is no setting {name!r}{nearest(name, list(values))}")
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._values[name] = Settings(value) if isinstance(value, Mapping) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Settings({self.to_dict()!r})"

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain mappings."""
        return {name: value.to_dict() if isinstance(value, Settings) else value for name, value in self._values.items()}
