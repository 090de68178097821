"""A folder that appears as a whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from automl_runtime.errors import Cancelled, DataError, RequestError
from automl_runtime.files import lock

__all__ = ["signals_held", "staged", "unchanged"]

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP) if hasattr(signal, "SIGHUP") else (signal.SIGTERM,)
_HOW_TO_GO_ON: Final = "What was done is kept: the same command with --resume goes on from there."
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


@contextmanager
def staged(
    out: Path, *, force: bool = False, token: str | None = None, resume: bool = False, kept: Path | None = None
) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes `out` when the block ends without an error.

    Whatever else happens, Ctrl-C and SIGTERM included, the temporary folder and the parents made for it are removed
    and `out` is as it was. Signals are caught only in the main thread, where Python delivers them.

    Args:
        out: folder to make; it may exist when it is empty.
        force: move an `out` that is not empty aside, to the first free `<out>.bak-N`.
        token: what the temporary folder is called by, so that the same work finds it again when its process was
            killed; None: by chance.
        resume: go on with what is in that folder, or in `kept`; else it is removed and made anew.
        kept: where the temporary folder is moved to on Ctrl-C and SIGTERM, instead of being removed; needs a `token`.

    Raises:
        RequestError: if `out` is taken, or cannot be written, or another process makes it now.
        DataError: if the disk is full.
        Cancelled: on Ctrl-C and SIGTERM.
    """
    target = out.expanduser().resolve()
    _refuse_taken(target, out, force=force)
    made: list[Path] = []
    temporary: Path | None = None
    with _terminated_as_interrupt(), ExitStack() as held:
        try:
            made = _make_parents(target.parent)
            temporary = _begun(target, token, held, resume=resume, kept=kept)
            yield temporary
            with signals_held():
                _publish(temporary, target, force=force)
        except BaseException as error:
            keep = kept if token is not None and isinstance(error, KeyboardInterrupt | Cancelled) else None
            _remove(temporary, made, keep)
            if keep is not None:
                raise Cancelled(f"cancelled; {out} is as it was.", hint=_HOW_TO_GO_ON) from error
            _explain(error, out)
            raise


def _begun(target: Path, token: str | None, held: ExitStack, *, resume: bool, kept: Path | None) -> Path:
    """The temporary folder; one with a `token` is held by this process until the block ends."""
    if token is None:
        place = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:40]}."))
        place.chmod(0o755)
        return place
    place = target.parent / f".{target.name[:40]}.{token}"
    if place.is_symlink():
        place.unlink()
    if resume and not place.exists() and kept is not None and kept.is_dir():
        shutil.move(kept, place)
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    if not held.enter_context(_held(place)):
        raise RequestError(f"{target} is being made by another process.", hint="Wait for it, or stop it.")
    for left in () if resume else place.iterdir():
        shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    return place


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Whether no other process holds `folder`; it is held inside the block, or until the process ends."""
    if os.name == "nt":
        yield True
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield lock(handle)
    finally:
        os.close(handle)


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


def _remove(temporary: Path | None, made: list[Path], kept: Path | None) -> None:
    # A second Ctrl-C must not stop the cleaning.
    with signals_held():
        if temporary is not None and kept is not None:
            shutil.rmtree(kept, ignore_errors=True)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(temporary, kept)
        elif temporary is not None:
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
def unchanged(place: Path) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the block as `Cancelled`, which says that `place` is as it was."""
    try:
        with _terminated_as_interrupt():
            yield
    except (KeyboardInterrupt, Cancelled) as error:
        raise Cancelled(f"cancelled; {place} is as it was.") from error


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
def signals_held() -> Iterator[None]:
    """Keeps Ctrl-C, SIGTERM and a closed terminal from ending the block."""
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
