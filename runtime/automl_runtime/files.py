"""Files that are there as a whole or not at all, and locks that end with their process."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from automl_runtime.errors import DataError

__all__ = ["is_locked", "lock", "locked", "replace_file", "stamp_of", "write_text"]


def replace_file(path: Path, write: Callable[..., Any], **options: Any) -> None:
    """Calls `write(temporary_path, **options)` beside `path` and renames the result to `path`.

    Raises:
        DataError: if the file cannot be written (no space, no permission); nothing is left behind, and an older
            `path` stands as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
    temporary = Path(name)
    try:
        write(temporary, **options)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error.strerror or error}.", hint="Free some space and run it again."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Another value when there is another file at `path` or it was changed; None when there is none. Cheap."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8 to `path`, whole or not at all; DataError as `replace_file`."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


if sys.platform == "win32":

    def lock(file: IO[str] | int) -> bool:
        """Always true: Windows refuses to delete or rename what is open; runs that crashed are listed as running."""
        return isinstance(file, int) or not file.closed

    def is_locked(path: Path) -> bool:
        """Always true: whether the process is alive cannot be seen."""
        return path.exists()

else:
    import fcntl

    def lock(file: IO[str] | int) -> bool:
        """Locks the open `file` until it is closed or the process ends, however it ends; False if another has it.

        A descriptor of a folder will do, too.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A file system without locks: who works alone, as nearly all do, should not be refused.
            return True
        return True

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


@contextmanager
def locked(path: Path, *, patience: float = 10.0) -> Iterator[None]:
    """Lets one process (and one thread) at a time into the block; `path` is a file for the lock alone, which stays.

    Raises:
        DataError: if the file cannot be made, or another holds the lock for more than `patience` seconds.
    """
    end = time.monotonic() + patience
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
    with file:
        while not lock(file):
            if time.monotonic() > end:
                raise DataError(f"{path} has been held by another process for {patience:g} seconds.")
            time.sleep(0.01)
        yield
