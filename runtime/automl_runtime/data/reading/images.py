"""Folders of pictures, one sub-folder for each class, and the table that they make."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from automl_schemas.catalog import ImageFolder

from automl_runtime.data.pictures import read_picture
from automl_runtime.data.reading.source import Source
from automl_runtime.data.same_pictures import content_column, groups_of_same, signature
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError
from automl_runtime.events import EventSink, Progress

__all__ = [
    "CLASS_COLUMN",
    "Placed",
    "Read",
    "content_names",
    "divisions",
    "image_folders",
    "picture_table",
    "placed",
    "read_sources",
]

CLASS_COLUMN: Final = "label"
_PARTS: Final = frozenset(
    ("train", "training", "test", "testing", "val", "valid", "validation", "eval", "evaluation", "dev", "holdout")
)
"""Names of folders that divide pictures for training and tests, when two or more lie side by side."""
_MOSTLY: Final = 0.9
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture in the folder of its class."""

    source: Source
    root: str | None
    """The folder with a sub-folder for each class; "." at the top, None where the picture lies in no such folder."""
    label: str | None
    """The name of the sub-folder."""


@dataclass(frozen=True, slots=True)
class Read:
    """What could be read: signatures of pictures by the name of their file, and why others could not."""

    signatures: dict[str, np.ndarray]
    broken: dict[str, str]


def placed(sources: Iterable[Source]) -> list[Placed]:
    """The pictures among `sources`, each with its class, in their order.

    The outermost folder in which two or more sub-folders hold pictures is a root, its sub-folders are classes, and
    what lies deeper belongs to them. Folders such as `train` and `test` beside each other count as one, so that their
    classes come together.
    """
    pictures = [source for source in sources if source.kind == "image"]
    below = {source.file: tuple(source.file.split("/")[:-1]) for source in pictures}
    parts = _parts(Counter(below.values()))
    joined = {file: _without_parts(folders, parts) for file, folders in below.items()}
    roots = _roots(Counter(folders for folders in joined.values() if folders is not None))
    return [_place(source, joined[source.file], roots) for source in pictures]


def divisions(sources: Iterable[Source]) -> str:
    """The folders that only divide pictures for training and tests, in words; empty when there are none."""
    parts = _parts(Counter(tuple(source.file.split("/")[:-1]) for source in sources))
    names = sorted("/".join((*folder, name)) for folder, found in parts.items() for name in found)
    return "" if not names else f"The folders {', '.join(names[:-1])} and {names[-1]}"


def image_folders(pictures: Iterable[Placed]) -> list[ImageFolder]:
    """Folders in which two or more sub-folders hold images, with the number of images of each, sorted by path.

    Files count by what their content is (`Source.kind`), not by their extension. The folder at the top is ".".
    """
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for found in pictures:
        if found.root is not None and found.label is not None:
            counts[found.root][found.label] = counts[found.root].get(found.label, 0) + 1
    return [
        ImageFolder(path=folder, classes=dict(sorted(classes.items()))) for folder, classes in sorted(counts.items())
    ]


def read_sources(sources: Sequence[Source], on_event: EventSink) -> Read:
    """Opens every picture once, so that nothing broken waits for the training.

    Raises:
        MissingExtraError: if Pillow is not installed.
    """
    found = Read({}, {})
    for number, source in enumerate(sources):
        if number % 100 == 0:
            on_event(Progress("reading", number, len(sources), source.file))
        if "!/" in source.file:
            found.broken[source.file] = "a picture inside an archive: unpack it to learn from its pictures"
            continue
        if source.file != source.file.strip() or not str(source.path).endswith(source.file):
            found.broken[source.file] = "a picture whose name cannot be written down: give it a plainer one"
            continue
        try:
            found.signatures[source.file] = signature(read_picture(source.path))
        except DataError as problem:
            found.broken[source.file] = f"a picture that cannot be used: {problem.message}"
    if sources:
        on_event(Progress("reading", len(sources), len(sources)))
    return found


def content_names(files: Sequence[str | None], signatures: Mapping[str, np.ndarray]) -> list[str | None]:
    """For each file the name of the first one that shows the same; None where there is no picture."""
    there = list(dict.fromkeys(file for file in files if file is not None))
    groups = groups_of_same([signatures[file] for file in there])
    first: dict[int, str] = {}
    names = {file: first.setdefault(int(group), file) for file, group in zip(there, groups, strict=True)}
    return [None if file is None else names[file] for file in files]


def picture_table(found: Sequence[Placed], signatures: Mapping[str, np.ndarray]) -> RawTable | None:
    """A row for each picture that could be read: its path, its class and the first picture that shows the same.

    With several roots, `folder` says in which of them it lies. None where nothing could be read.
    """
    rows = [each for each in found if each.source.file in signatures]
    if not rows:
        return None
    files = [each.source.file for each in rows]
    columns: dict[str, Sequence[str | None]] = {"picture": files, CLASS_COLUMN: [each.label for each in rows]}
    roots = sorted({each.root for each in rows if each.root is not None})
    if len(roots) > 1:
        columns["folder"] = [each.root for each in rows]
    content = content_names(files, signatures)
    columns[content_column("picture")] = content
    return RawTable(
        name="pictures",
        file=roots[0] if len(roots) == 1 else ".",
        data=pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()}),
        names_from="format",
        warnings=_of_two_classes([each.label for each in rows], content),
        types={name: "image" if name == "picture" else "category" for name in columns},
    )


def _of_two_classes(labels: Sequence[str | None], content: Sequence[str | None]) -> tuple[str, ...]:
    """A warning on pictures that lie in the folders of several classes."""
    classes: dict[str, set[str]] = defaultdict(set)
    for label, name in zip(labels, content, strict=True):
        if label is not None and name is not None:
            classes[name].add(label)
    found = [f"{name} ({', '.join(sorted(names))})" for name, names in classes.items() if len(names) > 1]
    if not found:
        return ()
    shown = "; ".join(found[:_MOST_NAMED])
    return (f"{len(found):,} of the pictures lie in the folders of several classes: {shown}.",)


def _parts(counts: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], set[str]]:
    """By folder: its sub-folders that divide nearly all of its pictures for training and tests."""
    held: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for folders, count in counts.items():
        for depth, name in enumerate(folders):
            held[folders[:depth]][name] += count
    found = {}
    for folder, names in held.items():
        parts = {name for name in names if name.casefold() in _PARTS}
        if len(parts) > 1 and sum(names[name] for name in parts) >= _MOSTLY * sum(names.values()):
            found[folder] = parts
    return found


def _without_parts(folders: tuple[str, ...], parts: Mapping[tuple[str, ...], set[str]]) -> tuple[str, ...] | None:
    """`folders` without those that only divide; None for what lies beside them."""
    kept = []
    for depth, name in enumerate(folders):
        dividing = parts.get(folders[:depth])
        if dividing is None:
            kept.append(name)
        elif name not in dividing:
            return None
    return tuple(kept)


def _roots(counts: Mapping[tuple[str, ...], int]) -> set[tuple[str, ...]]:
    """Folders with a sub-folder for each class: two or more that hold pictures, themselves or, failing that, below."""
    direct: dict[tuple[str, ...], set[str]] = defaultdict(set)
    below: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in counts:
        for depth, name in enumerate(path):
            below[path[:depth]].add(name)
        if path:
            direct[path[:-1]].add(path[-1])
    roots = {folder for folder, names in direct.items() if len(names) > 1}
    reached = sum(count for path, count in counts.items() if _root_of(path, roots) is not None)
    if reached >= _MOSTLY * sum(counts.values()):
        return roots
    return {folder for folder, names in below.items() if len(names) > 1}


def _root_of(folders: tuple[str, ...], roots: set[tuple[str, ...]]) -> tuple[str, ...] | None:
    """The outermost of `roots` around `folders`."""
    return next((folders[:depth] for depth in range(len(folders)) if folders[:depth] in roots), None)


def _place(source: Source, folders: tuple[str, ...] | None, roots: set[tuple[str, ...]]) -> Placed:
    root = None if folders is None else _root_of(folders, roots)
    if folders is None or root is None:
        return Placed(source, None, None)
    return Placed(source, "/".join(root) or ".", folders[len(root)])
