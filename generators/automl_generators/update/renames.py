"""Generated files that the user has renamed, as git tells them: by their likeness."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from automl_runtime.errors import AutomlError

from automl_generators.git import run_git, try_git

__all__ = ["find_renames", "list_files"]

_LIKENESS: Final = "--find-renames=60%"
_OTHERS: Final = (".git", ".automl", ".venv", "data", "experiments", "models", "reports", "vendor")
"""Folders that hold no file a person would rename a generated one to."""
_LARGEST: Final = 1_000_000


def list_files(folder: Path) -> dict[str, Path]:
    """The files in `folder` that a person may have written, by POSIX path; what git ignores is left out."""
    if (folder / ".git").exists():
        listed = run_git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = [name for name in listed.split("\0") if name]
    else:
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    kept = {name: folder / name for name in names if name.split("/")[0] not in _OTHERS}
    return {name: path for name, path in kept.items() if path.is_file() and not path.is_symlink()}


def find_renames(gone: Mapping[str, bytes], others: Mapping[str, Path]) -> dict[str, str]:
    """Old name -> new name of the files in `gone` (with their text) that are now among `others`.

    Raises:
        RequestError: if git is not installed.
    """
    readable = {name: path for name, path in others.items() if path.stat().st_size <= _LARGEST}
    if not gone or not readable:
        return {}
    with tempfile.TemporaryDirectory() as place:
        before, after = Path(place) / "a", Path(place) / "b"
        _write(before, gone)
        _write(after, {name: path.read_bytes() for name, path in readable.items()})
        arguments = ["--no-index", _LIKENESS, "--diff-filter=R", "--name-status", "-z", "a", "b"]
        done = try_git(Path(place), "diff", *arguments)
    if done.returncode not in (0, 1):
        raise AutomlError(f"git diff failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    parts = [part.decode("utf-8", "surrogateescape") for part in done.stdout.split(b"\0") if part]
    pairs = zip(parts[1::3], parts[2::3], strict=True)
    return {old.removeprefix("a/"): new.removeprefix("b/") for old, new in pairs}


def _write(folder: Path, texts: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
