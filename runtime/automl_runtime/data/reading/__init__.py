"""Reads whatever lies in a folder as tables, cells untouched.

`read_path` is the door; `Source` is what a reader of one format gets.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable, ReadResult
from automl_runtime.events import EventSink, ignore

__all__ = ["Source", "read_path", "write_raw"]


def read_path(source: Path, *, every_picture: bool = False, on_event: EventSink = ignore) -> ReadResult:
    """Every table of a file or folder, with the files they came from and those that were left out.

    Formats are told by content. The order is that of the paths; equal bytes give equal results.

    Args:
        source: the file or folder.
        every_picture: make a table of all pictures, not only of those that lie in folders of their classes.
        on_event: takes progress.

    Raises:
        DataError: if `source` does not exist or nothing in it can be read.
    """
    from automl_runtime.data.reading.folder import read_path as read

    return read(source, every_picture=every_picture, on_event=on_event)


def write_raw(tables: Iterable[RawTable], folder: Path) -> list[Path]:
    """Writes tables as they were found to `folder/<table>.csv`; see `raw_out.write_raw`."""
    from automl_runtime.data.reading.raw_out import write_raw as write

    return write(tables, folder)
