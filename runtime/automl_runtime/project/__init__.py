"""The steps of a generated project: data, train, evaluate, predict, serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl_runtime.project.layout import Project

__all__ = ["Project"]


def __getattr__(name: str) -> Any:
    """Imports `Project` when it is first used, so that importing a sub-module stays light."""
    if name == "Project":
        from automl_runtime.project.layout import Project

        return Project
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
