"""What a project was generated as: the names, hashes and texts below `.automl/`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from automl_runtime.errors import DataError

__all__ = ["Pristine", "adopt_pristine"]

_STATE: Final = ".automl"
_RESTORE: Final = "Restore the folder .automl from git; only `automl update` writes there."


@dataclass(frozen=True, slots=True)
class Pristine:
    """The files of a project as they were generated."""

    root: Path
    content: Mapping[str, Any]
    """`.automl/manifest.json`."""

    @classmethod
    def load(cls, root: Path) -> Pristine:
        """What `.automl/manifest.json` of the project at `root` says.

        Raises:
            DataError: if it is missing or broken, or names a file outside the project.
        """
        path = root / _STATE / "manifest.json"
        try:
            content = json.loads(path.read_bytes())
            names = list(content["files"])
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.", hint=_RESTORE) from error
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path} is not a list of generated files: {error!r}.", hint=_RESTORE) from error
        for name in names:
            place = PurePosixPath(name)
            if place.is_absolute() or ".." in place.parts or place.parts[:1] in ((".git",), ()):
                raise DataError(f"{path} names the file {name!r}, which is not of the project.", hint=_RESTORE)
        return cls(root, content)

    @property
    def names(self) -> list[str]:
        """The paths of all generated files, POSIX, from the root of the project."""
        return list(self.content["files"])

    @property
    def generator(self) -> str:
        """What generated them, as `automl 0.1.0`."""
        return str(self.content.get("generator", ""))

    @property
    def rendered(self) -> Mapping[str, Any]:
        """What the texts were made from besides the records of the project; see `recorded_plan`."""
        return dict(self.content.get("rendered", {}))

    def text(self, name: str) -> bytes | None:
        """The file as it was generated; None when it was not, or when no copy is kept (records and wheels)."""
        path = self.root / _STATE / "base" / name
        return path.read_bytes() if path.is_file() and name in self.content["files"] else None


def adopt_pristine(new: Path, folder: Path) -> None:
    """Makes what was generated in `new` the pristine text of the project in `folder`."""
    base = folder / _STATE / "base"
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(new / _STATE / "base", base)
    shutil.copyfile(new / _STATE / "manifest.json", folder / _STATE / "manifest.json")
