"""Where tools may read and write."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from automl_generators.names import clean_name
from automl_runtime.errors import shorten

from automl_agent.tools.contract import ToolError

__all__ = ["Workspace"]

_STATE = ".automl"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder that tools write in and nowhere else, and the folders that they may read.

    `readable` is None where whatever the user may read can be read (a server on standard input that the user started
    himself); else data are read from below the workspace and those folders only.
    """

    root: Path
    readable: tuple[Path, ...] | None = None

    @classmethod
    def open(cls, root: Path | str, *, readable: Sequence[Path | str] | None = None) -> Workspace:
        """The workspace at `root`, made if it is missing.

        Raises:
            ToolError: if it is a file, or cannot be made.
        """
        place = Path(root).expanduser()
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ToolError("ask_user", f"The workspace {place} cannot be made: {error.strerror}.") from error
        allowed = None if readable is None else tuple(Path(folder).expanduser().resolve() for folder in readable)
        return cls(place.resolve(), allowed)

    @property
    def runs(self) -> Path:
        """Where the runs of tools are kept."""
        return self.root / _STATE / "runs"

    def new_project(self, name: str) -> Path:
        """Where a project called `name` goes: `projects/USER/NAME`."""
        return self.root / "projects" / clean_name(getpass.getuser()) / clean_name(name)

    def projects(self) -> list[Path]:
        """All projects in the workspace, sorted; none is no error."""
        from automl_runtime.errors import DataError

        from automl_agent.listing import projects_below

        try:
            return projects_below(self.root)
        except DataError:
            return []

    def name_of(self, project: Path) -> str:
        """What tools call the project in the folder `project`: its path below the workspace."""
        return project.resolve().relative_to(self.root).as_posix()

    def project(self, name: str) -> Path:
        """The folder of the project that `name` stands for: its path below the workspace, or its last part.

        Raises:
            ToolError: if there is none, more than one, or it lies outside.
        """
        place = self._below(name)
        if (place / "project.yaml").is_file():
            return place
        known = self.projects()
        found = [project for project in known if project.name == name]
        if len(found) == 1 and found[0].resolve().is_relative_to(self.root):
            return found[0].resolve()
        names = ", ".join(self.name_of(project) for project in (found or known)[:20]) or "none yet"
        what = "names more than one project" if found else "is no project of this workspace"
        raise ToolError("fix", f"{shorten(name)} {what}.", hint=f"Projects: {names}.", exit_code=2)

    def source(self, path: str) -> Path:
        """The data at `path`, which counts from the workspace when it is relative.

        Raises:
            ToolError: if there is nothing, or it may not be read.
        """
        try:
            place = (self.root / Path(path).expanduser()).resolve()
            place.exists()
        except (OSError, ValueError, RuntimeError) as error:
            raise ToolError("fix", f"{shorten(path)} is no path.", exit_code=2) from error
        if self.readable is not None and not any(place.is_relative_to(root) for root in (self.root, *self.readable)):
            raise ToolError(
                "ask_user",
                f"{shorten(path)} lies outside the folders that this server may read.",
                hint="Put the data below the workspace, or start the server with --allow-read FOLDER.",
                exit_code=2,
            )
        if not place.exists():
            raise ToolError("fix", f"{shorten(path)} does not exist.", hint="Give a file or folder.", exit_code=3)
        return place

    def output(self, path: str) -> Path:
        """A file to write at `path`, below the workspace.

        Raises:
            ToolError: if it lies outside, in a repository's or our own state, or is a folder.
        """
        place = self._below(path)
        inside = place.relative_to(self.root).parts
        if place.is_dir() or not inside or any(part in (_STATE, ".git") for part in inside):
            raise ToolError("fix", f"{shorten(path)} is no place for a file.", hint="Name a new file.", exit_code=2)
        return place

    def _below(self, path: str) -> Path:
        try:
            place = (self.root / path).resolve()
            place.exists()
        except (OSError, ValueError) as error:
            raise ToolError("fix", f"{shorten(path)} is no path.", exit_code=2) from error
        if not place.is_relative_to(self.root):
            raise ToolError(
                "ask_user",
                f"{shorten(path)} lies outside the workspace {self.root}; tools write and find projects only there.",
                exit_code=2,
            )
        return place
