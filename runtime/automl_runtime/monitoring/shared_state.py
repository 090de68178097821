"""A small state that one process holds in memory, or several share in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

import msgspec

from automl_runtime.files import locked

__all__ = ["SharedState"]

T = TypeVar("T", bound=msgspec.Struct)


class SharedState(Generic[T]):
    """Hands the state out to one thread of one process at a time."""

    def __init__(self, kind: type[T], new: Callable[[], T], path: Path | None = None) -> None:
        """Begins with what is in the file at `path`, else with `new()`; None: memory of this process alone."""
        self._new = new
        self._path = path
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._lock = Lock()
        self._state = new()

    @contextmanager
    def held(self) -> Iterator[T]:
        """The state, which is kept as it is left; unless the block ends with an error."""
        with self._lock:
            if self._path is None:
                yield self._state
                return
            with locked(self._path.with_suffix(".lock")):
                state = self._read(self._path)
                yield state
                # Renamed, so that a process that is killed meanwhile leaves a whole file.
                fresh = self._path.with_suffix(".new")
                fresh.write_bytes(msgspec.msgpack.encode(state))
                fresh.replace(self._path)

    def _read(self, path: Path) -> T:
        try:
            return self._decode(path.read_bytes())
        except FileNotFoundError:
            return self._new()
