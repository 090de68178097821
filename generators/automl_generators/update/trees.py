"""The three-way merge of a whole project: what becomes of each generated file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from automl_generators.ownership import REPLACED, owner_of
from automl_generators.update.merging import Conflict, Merged, merge_texts
from automl_generators.update.pristine import Pristine
from automl_generators.update.renames import find_renames, list_files

__all__ = ["Action", "FileChange", "apply_changes", "merge_trees"]

Action = Literal["added", "replaced", "merged", "removed", "kept"]
"""`added`, `removed`: by the update; `replaced`: the user had not changed it; `merged`: both had; `kept`: as the user
has it, changed, deleted or owned."""

_NOTHING: Final[Mapping[str, Merged]] = {}


@dataclass(frozen=True, slots=True)
class FileChange:
    """What becomes of one file of a project."""

    path: str
    """POSIX, from the root; where the user has moved the file to."""
    action: Action
    content: bytes | None = None
    """What is written; None when nothing is."""
    conflicts: tuple[Conflict, ...] = ()


def merge_trees(mine: Path, new: Path, package: str, *, settled: Mapping[str, Merged] = _NOTHING) -> list[FileChange]:
    """What an update to the files generated in `new` makes of the project in `mine`; nothing is written.

    Files of the user are never touched, deleted ones stay deleted, renamed ones are merged where they are now, and a
    file that is no longer generated goes unless the user changed it. Unchanged files are left out.

    Args:
        mine: the project with the user's edits; its `.automl` says what it was generated as.
        new: what `render_project` wrote.
        package: the import package of the project.
        settled: files whose merge has been made already.

    Raises:
        DataError: if `.automl` of either is broken.
        RequestError: if git is not installed.
    """
    old, fresh = Pristine.load(mine), Pristine.load(new)
    renamed = _renamed(old, fresh, mine)
    changes = []
    for name in sorted({*old.names, *fresh.names}):
        place = renamed.get(name, name)
        known = name in old.names
        if name.startswith(REPLACED):
            change = _replaced(name, mine, new / name, known=known)
        elif owner_of(name, package) == "user":
            change = _left(name, old.text(name), mine / name, new / name, known=known)
        elif name in settled:
            change = _settled(name, settled[name], mine / name, new / name)
        else:
            change = _merged(place, old.text(name), mine, _content(new / name), known=known)
        if change is not None:
            changes.append(change)
    return changes


def apply_changes(changes: Sequence[FileChange], folder: Path) -> None:
    """Writes `changes` into the project in `folder`; where there are conflicts, with their markers."""
    for change in changes:
        path = folder / change.path
        if change.action == "removed":
            path.unlink()
            _drop_empty(path.parent, folder)
        elif change.content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(change.content)


def _renamed(old: Pristine, fresh: Pristine, mine: Path) -> dict[str, str]:
    """Name -> where it is now, of files that the update changes and the user has moved."""
    gone = {}
    for name in {*old.names} & {*fresh.names}:
        text = old.text(name)
        if text is not None and text != fresh.text(name) and not os.path.lexists(mine / name):
            gone[name] = text
    if not gone:
        return {}
    return find_renames(gone, {name: path for name, path in list_files(mine).items() if name not in old.names})


def _merged(place: str, base: bytes | None, root: Path, new: bytes | None, *, known: bool) -> FileChange | None:
    """A file that is merged; `base` None: it was not generated before."""
    if _blocked(root, place):
        wanted = new is not None and new != base
        return FileChange(place, "kept", conflicts=(Conflict(place, "taken"),)) if wanted else None
    text = _content(root / place)
    if text is None:
        if known:
            return FileChange(place, "kept") if new is not None else None
        return FileChange(place, "added", new) if new is not None else None
    if new is None:
        return FileChange(place, "removed") if text == base else FileChange(place, "kept")
    merged = merge_texts(place, base, text, new)
    if merged.conflicts:
        return FileChange(place, "merged", merged.content, merged.conflicts)
    if merged.content == text:
        return FileChange(place, "kept") if text != new else None
    return FileChange(place, "replaced" if text == base else "merged", merged.content)


def _settled(name: str, merged: Merged, mine: Path, new: Path) -> FileChange | None:
    text = _content(mine)
    if merged.content == text and not merged.conflicts:
        return None if text == _content(new) else FileChange(name, "kept")
    return FileChange(name, "merged", merged.content, merged.conflicts)


def _replaced(name: str, root: Path, new: Path, *, known: bool) -> FileChange | None:
    """Records and wheels, which nobody edits."""
    mine = root / name
    if not new.is_file():
        return FileChange(name, "removed") if mine.is_file() else None
    content = new.read_bytes()
    if not os.path.lexists(mine):
        return FileChange(name, "kept") if known else FileChange(name, "added", content)
    if _blocked(root, name):
        return FileChange(name, "kept", conflicts=(Conflict(name, "taken"),))
    same = mine.read_bytes() == content or _same_wheel(mine, new)
    return None if same else FileChange(name, "replaced", content)


def _left(name: str, base: bytes | None, mine: Path, new: Path, *, known: bool) -> FileChange | None:
    """A file of the user."""
    if known or os.path.lexists(mine):
        return FileChange(name, "kept") if _content(mine) != base else None
    return FileChange(name, "added", new.read_bytes())


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _blocked(root: Path, name: str) -> bool:
    """Whether something else than a file lies there, or a link or a file stands on the way to it."""
    path = root / name
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        return True
    folders = [root / parent for parent in PurePosixPath(name).parents if parent.parts]
    return any(os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()) for folder in folders)


def _same_wheel(one: Path, other: Path) -> bool:
    """Whether two wheels hold the same files, however they are compressed."""
    if one.suffix != ".whl":
        return False
    try:
        with zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
            members = [sorted((item.filename, item.CRC) for item in each.infolist()) for each in (first, second)]
    except (OSError, zipfile.BadZipFile):
        return False
    return members[0] == members[1]


def _drop_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
