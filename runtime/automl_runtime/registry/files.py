"""Reading the files of a bundle without following anything out of it."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from automl_runtime.errors import BundleError

__all__ = ["list_files", "sha256_of"]

_CHUNK = 1 << 20


def sha256_of(path: Path) -> tuple[str, int]:
    """SHA-256 (hexadecimal) and size of the file at `path`."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def list_files(folder: Path) -> list[str]:
    """The files below `folder` as POSIX paths relative to it, sorted.

    Raises:
        BundleError: if there is a link, a pipe or anything else that is neither a file nor a folder.
    """
    found: list[str] = []
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            kind = path.lstat().st_mode
            relative = path.relative_to(folder).as_posix()
            if stat.S_ISREG(kind):
                found.append(relative)
            elif not stat.S_ISDIR(kind):
                what = "a symbolic link" if stat.S_ISLNK(kind) else "no plain file"
                raise BundleError(
                    f"{relative!r} in the bundle {folder} is {what}; a bundle holds plain files only.",
                    hint="Delete it, or take the bundle again from where it was made.",
                )
    return sorted(found)
