"""Locks that end with their process, and CSV that a spreadsheet does not execute."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

__all__ = ["csv_text", "is_locked", "lock"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """RFC 4180 text; text cells that begin like a formula get a leading apostrophe (OWASP, CSV injection).

    >>> csv_text(["model", "cv"], [["=1+1", -0.5]])
    "model,cv\\r\\n'=1+1,-0.5\\r\\n"
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_harmless(cell) for cell in header])
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


if sys.platform == "win32":

    def lock(file: IO[str]) -> None:
        """Windows refuses to delete or rename what is open; runs that crashed there are listed as running."""

    def is_locked(path: Path) -> bool:
        """Always true: whether the process is alive cannot be seen."""
        return path.exists()

else:
    import fcntl

    def lock(file: IO[str]) -> None:
        """Locks the open `file` until it is closed or the process ends, however it ends."""
        # File systems without locks: the run is then listed as failed while it goes on, which its end corrects.
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def is_locked(path: Path) -> bool:
        """Whether a living process holds the lock of the file at `path`."""
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False
