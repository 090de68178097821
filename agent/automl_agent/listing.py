"""Runs and scores of projects on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl_runtime.errors import DataError
from automl_runtime.tracking.index import open_index
from automl_runtime.tracking.store import RunRow
from automl_schemas.metrics import Metrics

__all__ = ["Listed", "metrics_of", "projects_below", "runs_below"]

_DEEPEST = 4
_SKIPPED = frozenset({"node_modules", "src", "data", "models", "experiments", "vendor"})


def projects_below(folder: Path) -> list[Path]:
    """The projects at or below `folder` (at most four levels), sorted.

    Raises:
        DataError: if the folder does not exist or holds no project.
    """
    if not folder.is_dir():
        raise DataError(f"{str(folder)!r} is not a folder.")
    found = sorted(_projects(folder, _DEEPEST))
    if not found:
        raise DataError(f"No project (a folder with a project.yaml) lies in {str(folder)!r}.")
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A run and the folder of its project."""

    place: Path
    run: RunRow

    def to_json(self) -> dict[str, Any]:
        """The run as a JSON object; `project` is the folder."""
        return {**asdict(self.run), "project": str(self.place)}


def runs_below(folder: Path, *, where: str | None = None, sort: str | None = None) -> list[Listed]:
    """The runs of all projects at or below `folder`, projects sorted, runs in the order they started.

    Args:
        folder: a project, or a folder with projects below.
        where: a condition, see `tracking.filters`.
        sort: a field, see `RunStore.runs`; it then orders the runs of all projects together.

    Raises:
        DataError: if there is no project.
        RequestError: if `where` or `sort` is not understood.
    """
    found: list[Listed] = []
    for project in projects_below(folder):
        with open_index(project) as index:
            found += [Listed(project, run) for run in index.rows(where=where, sort=sort)]
    if sort is not None:
        name = sort.removeprefix("-")
        known = [listed for listed in found if getattr(listed.run, name) is not None]
        known.sort(key=lambda listed: getattr(listed.run, name), reverse=sort.startswith("-"))
        found = known + [listed for listed in found if getattr(listed.run, name) is None]
    return found


def metrics_of(project: Path) -> tuple[Metrics, Path]:
    """The metrics of a project's last evaluation, and its HTML report."""
    path = project / "reports" / "metrics.json"
    try:
        metrics = Metrics.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", hint="Run `make evaluate` in the project."
        ) from error
    except ValueError as error:
        raise DataError(f"{path} is not what `make evaluate` writes: {error}") from error
    return metrics, project / "reports" / "report.html"


def _projects(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "project.yaml").is_file():
        yield folder
        return
    if depth == 0:
        return
    with os.scandir(folder) as entries:
        below = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    for path in below:
        if not path.name.startswith(".") and path.name not in _SKIPPED:
            yield from _projects(path, depth - 1)
