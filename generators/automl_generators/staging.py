"""A folder that appears as a whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from automl_runtime.errors import Cancelled, DataError, RequestError

__all__ = ["staged"]

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP) if hasattr(signal, "SIGHUP") else (signal.SIGTERM,)
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


@contextmanager
def staged(out: Path, *, force: bool = False) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes `out` when the block ends without an error.

    Whatever else happens, Ctrl-C and SIGTERM included, the temporary folder and the parents made for it are removed
    and `out` is as it was. Signals are caught only in the main thread, where Python delivers them.

    Args:
        out: folder to make; it may exist when it is empty.
        force: move an `out` that is not empty aside, to the first free `<out>.bak-N`.

    Raises:
        RequestError: if `out` is taken, or cannot be written.
        DataError: if the disk is full.
        Cancelled: on Ctrl-C and SIGTERM.
    """
    target = out.expanduser().resolve()
    _refuse_taken(target, out, force=force)
    made: list[Path] = []
    temporary: Path | None = None
    with _terminated_as_interrupt():
        try:
            made = _make_parents(target.parent)
            temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:40]}."))
            temporary.chmod(0o755)
            yield temporary
            with _signals_held():
                _publish(temporary, target, force=force)
        except BaseException as error:
            _remove(temporary, made)
            _explain(error, out)
            raise


def _refuse_taken(target: Path, out: Path, *, force: bool) -> None:
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise RequestError(f"{out} is a file.", hint="Name a folder that does not exist with --out.")
    if not any(target.iterdir()):
        return
    if not force:
        raise RequestError(
            f"{out} exists and is not empty.",
            hint="Name another folder with --out, or move this one aside with --force.",
        )
    if Path.cwd().resolve().is_relative_to(target):
        raise RequestError(
            f"{out} is the current folder or holds it, and would be moved aside.",
            hint="Name a folder inside it with --out.",
        )


def _make_parents(folder: Path) -> list[Path]:
    """Makes `folder` and returns what was made, innermost first."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _publish(temporary: Path, target: Path, *, force: bool) -> None:
    aside: Path | None = None
    if force and target.is_dir() and any(target.iterdir()):
        aside = _free_backup(target)
        target.rename(aside)
    try:
        # Replaces an empty folder too, in one step on POSIX.
        if os.name == "nt" and target.is_dir():
            target.rmdir()
        temporary.rename(target)
    except OSError as error:
        if aside is not None:
            aside.rename(target)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise RequestError(f"{target} was filled by somebody else meanwhile.", hint="Run it again.") from error
        raise


def _free_backup(target: Path) -> Path:
    number = 1
    while os.path.lexists(place := target.with_name(f"{target.name}.bak-{number}")):
        number += 1
    return place


def _remove(temporary: Path | None, made: list[Path]) -> None:
    # A second Ctrl-C must not stop the cleaning.
    with _signals_held():
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        for folder in made:
            try:
                folder.rmdir()
            except OSError:
                break


def _explain(error: BaseException, out: Path) -> None:
    """Raises the error that a person should read instead of `error`, if there is one."""
    if isinstance(error, KeyboardInterrupt):
        raise Cancelled(f"cancelled; {out} is as it was.") from error
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        raise DataError(
            f"{out} cannot be written: {error.strerror}.", hint="Free some space, or name another place with --out."
        ) from error
    if isinstance(error, PermissionError) and error.filename is not None and _is_beside(Path(error.filename), out):
        raise RequestError(
            f"{out} cannot be written: {error.strerror}.", hint="Name a place that you may write to with --out."
        ) from error


def _is_beside(path: Path, out: Path) -> bool:
    parent = out.expanduser().resolve().parent
    return path.resolve().is_relative_to(parent) or parent.is_relative_to(path.resolve())


@contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """Makes SIGTERM and a closed terminal raise KeyboardInterrupt, as Ctrl-C does, for the time of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        raise KeyboardInterrupt(number)

    with _handling(interrupt, _ENDING):
        yield


@contextmanager
def _signals_held() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _handling(signal.SIG_IGN, (signal.SIGINT, *_ENDING)):
        yield


@contextmanager
def _handling(handler: Any, numbers: tuple[signal.Signals, ...]) -> Iterator[None]:
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, former in zip(numbers, before, strict=True):
            # None: somebody else than Python had set it, and it cannot be set again.
            signal.signal(number, signal.SIG_DFL if former is None else former)
