"""Tables that name the files of pictures in a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.data.pictures import ENDINGS
from automl_runtime.data.reading.images import content_names
from automl_runtime.data.same_pictures import content_column
from automl_runtime.data.tables import RawTable

__all__ = ["Named", "named_pictures", "with_pictures"]

_MOST_NAMED: Final = 0.5
"""Share of different cells that must name a file when they are written with its ending."""
_NEARLY_ALL: Final = 0.9
_FEWEST: Final = 2


@dataclass(frozen=True, slots=True)
class Named:
    """A column that names pictures: cell -> path of the file below the source."""

    column: str
    files: dict[str, str]


def named_pictures(table: RawTable, files: Sequence[str]) -> list[Named]:
    """The columns of `table` whose cells name some of the picture `files`.

    A cell is a path from the folder of the table or from the top, or a name that only one file has, with its ending or
    without. Without endings nearly all cells must name a file, and most files must be named: numbers that count rows
    may be called like a picture here and there.
    """
    if not files:
        return []
    known = _known(table.file, files)
    found = []
    for name in table.data.column_names:
        cells = _cells(table.data[name])
        matched = {cell: known[_key(cell)] for cell in cells if _key(cell) in known}
        ended = sum(cell.strip().lower().endswith(ENDINGS) for cell in matched)
        plain = len(matched) >= _NEARLY_ALL * len(cells) and len(set(matched.values())) >= _MOST_NAMED * len(files)
        if len(matched) >= _FEWEST and ((ended == len(matched) and ended >= _MOST_NAMED * len(cells)) or plain):
            found.append(Named(name, matched))
    return found


def with_pictures(table: RawTable, named: Iterable[Named], signatures: Mapping[str, np.ndarray]) -> RawTable:
    """`table` with the paths of files in the columns of pictures, and a column each of which show the same.

    A cell whose file is not there or cannot be read is empty, and a warning counts them.
    """
    for each in named:
        cells = pc.cast(table.data[each.column], pa.string()).to_pylist()
        paths = [None if cell is None else each.files.get(cell) for cell in cells]
        read = [path if path in signatures else None for path in paths]
        lost = sum(path is None and bool((cell or "").strip()) for path, cell in zip(read, cells, strict=True))
        place = table.data.column_names.index(each.column)
        data = table.data.set_column(place, each.column, pa.array(read, pa.string()))
        content = content_column(each.column)
        types = {**table.types, each.column: "image"}
        if content not in data.column_names:
            data = data.append_column(content, pa.array(content_names(read, signatures), pa.string()))
            types[content] = "category"
        told = [f"{lost:,} of {len(cells):,} cells of {each.column!r} name no picture that can be read"] if lost else []
        table = replace(table, data=data, types=types, warnings=(*table.warnings, *told))
    return table


def _known(table: str, files: Sequence[str]) -> dict[str, str]:
    """Spelling of a file -> the file; names that several files share are no spelling."""
    folder = PurePosixPath(table).parent
    names = Counter(PurePosixPath(file).name for file in files)
    stems = Counter(PurePosixPath(file).stem for file in files)
    known: dict[str, str] = {}
    for file in files:
        path = PurePosixPath(file)
        if stems[path.stem] == 1:
            known[path.stem] = file
        if names[path.name] == 1:
            known[path.name] = file
    for file in files:
        known[file] = file
        if PurePosixPath(file).is_relative_to(folder):
            known[PurePosixPath(file).relative_to(folder).as_posix()] = file
    return known


def _cells(values: pa.ChunkedArray) -> list[str]:
    """The different cells that hold text; none of a column of another type."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return []
    return [cell for cell in pc.unique(values).to_pylist() if cell is not None and cell.strip()]


def _key(cell: str) -> str:
    return cell.strip().replace("\\", "/").removeprefix("./")
