"""The files below a folder, sorted, and those that are not looked at, each with its reason."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from automl_schemas.catalog import IgnoredFile

from automl_runtime.errors import DataError

__all__ = ["Found", "is_hidden", "walk"]

_DEEPEST = 100
_CLUTTER: Final = {
    "__MACOSX": "made by macOS",
    "Thumbs.db": "made by Windows",
    "desktop.ini": "made by Windows",
    "__pycache__": "made by Python",
    "node_modules": "made by npm",
}


@dataclass(slots=True)
class Found:
    """Regular files with their names below the root (POSIX), and what was left out."""

    files: list[tuple[Path, str]] = field(default_factory=list)
    ignored: list[IgnoredFile] = field(default_factory=list)

    def leave_out(self, name: str, reason: str) -> None:
        """Notes that `name` is not read."""
        self.ignored.append(IgnoredFile(path=name, reason=reason))


def walk(root: Path) -> Found:
    """All regular files below `root`, sorted by name; links are not followed.

    A link to a file or folder below `root` is read where it really lies; one that leads out of it, nowhere or in a
    circle is not read at all. `root` itself may be a link.

    Raises:
        DataError: if `root` is a folder that cannot be listed.
    """
    found = Found()
    if not os.access(root, os.R_OK | os.X_OK):
        raise DataError(f"{root}: no permission to read this folder.", hint=f"chmod -R u+rX {root}")
    _walk(root, "", root.resolve(), found, _DEEPEST)
    return found


def is_hidden(name: str) -> str | None:
    """Why a file or folder of this name is clutter, None when it is not.

    >>> is_hidden("~$report.xlsx"), is_hidden("report.xlsx")
    ('a lock file of an open document', None)
    """
    if name.startswith(("~$", ".~lock.")):
        return "a lock file of an open document"
    if name.startswith("."):
        return "hidden"
    return _CLUTTER.get(name)


def _walk(folder: Path, prefix: str, root: Path, found: Found, levels: int) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as problem:
        found.leave_out(prefix.rstrip("/"), f"cannot be listed: {problem.strerror}")
        return
    for entry in entries:
        name = prefix + _printable(entry.name)
        if (clutter := is_hidden(entry.name)) is not None:
            found.leave_out(name, clutter)
        elif entry.is_symlink():
            found.leave_out(name, _about_link(Path(entry.path), root))
        elif entry.is_dir(follow_symlinks=False):
            if levels:
                _walk(Path(entry.path), name + "/", root, found, levels - 1)
            else:
                found.leave_out(name, f"more than {_DEEPEST} folders deep")
        elif not entry.is_file(follow_symlinks=False):
            found.leave_out(name, f"not a regular file but a {_special(Path(entry.path))}")
        elif not os.access(entry.path, os.R_OK):
            found.leave_out(name, "no permission to read it")
        else:
            found.files.append((Path(entry.path), name))


def _printable(name: str) -> str:
    """A file name that can be written as UTF-8, whatever bytes the file system has."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _about_link(link: Path, root: Path) -> str:
    try:
        target = link.resolve(strict=True)
    except RuntimeError:
        return "a link that leads in a circle"
    except OSError as problem:
        return "a link that leads in a circle" if problem.errno == errno.ELOOP else "a link that leads nowhere"
    if not target.is_relative_to(root):
        return "a link that leads out of the folder"
    if target.is_dir() and link.absolute().parent.resolve().is_relative_to(target):
        return "a link that leads in a circle"
    return f"a link to {target.relative_to(root).as_posix()}, which is read where it lies"


def _special(path: Path) -> str:
    mode = path.lstat().st_mode
    known = ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISBLK, "device"), (stat.S_ISCHR, "device"))
    return next((word for test, word in known if test(mode)), "special file")
