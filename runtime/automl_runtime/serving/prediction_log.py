"""What was asked and what was answered, of a share of the requests: lines of JSON in files that rotate by size.

Each line holds all that leads from a prediction back to its data: the name of the prediction, the version of the model,
the run that trained it, and the fingerprint of the data. Personal data are masked.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import msgspec
from automl_schemas.bundle import InputColumn

from automl_runtime.data.personal import mask, mask_text
from automl_runtime.registry.bundle import Bundle

__all__ = ["PredictionLog", "find_prediction"]

_LOG = logging.getLogger("automl_runtime.serving")
_PATTERN: Final = "predictions-*.ndjson"
_MOST_ROWS: Final = 1_000
"""Rows of one request that are written."""
_MOST_WAITING: Final = 32_000_000
"""Bytes of requests and answers that wait to be written."""
_LONGEST_CELL: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Scored:
    request: str
    moment: float
    bundle: Bundle
    rows: Sequence[Mapping[str, object]]
    many: bool
    body: bytes
    size: int


class PredictionLog:
    """Takes predictions on the event loop at the price of an append; `write` is for one other thread."""

    def __init__(
        self, folder: Path, share: float, *, file_bytes: int = 64_000_000, files: int = 16, seed: int | None = None
    ) -> None:
        """Writes nothing until `write` is called.

        Args:
            folder: where the files go; made when it is absent.
            share: of the requests that are written, 0 to 1.
            file_bytes: size above which a new file is begun.
            files: how many are kept in the folder, over all processes that write there.
            seed: of the choice of requests; None: another one each time.
        """
        self._folder, self._share = folder, share
        self._file_bytes, self._files = file_bytes, files
        self._random = random.Random(seed).random
        self._waiting: deque[_Scored] = deque()
        self._taken = self._done = 0
        self._file: IO[bytes] | None = None
        self._cells: tuple[Bundle, dict[str, Callable[[object], object]]] | None = None
        self.lost = 0
        """Requests that were chosen, but came faster than they could be written."""

    def offer(
        self,
        request: str,
        moment: float,
        bundle: Bundle,
        rows: Sequence[Mapping[str, object]],
        *,
        many: bool,
        body: bytes,
        size: int,
    ) -> None:
        """Chooses the request or does not.

        Args:
            request: its name.
            moment: when it was answered, in seconds since 1970.
            bundle: what answered.
            rows: what was asked, as it came.
            many: whether the answer is one of many rows.
            body: the answer in JSON.
            size: bytes of the request.
        """
        if self._random() >= self._share:
            return
        size += len(body)
        if self._taken - self._done + size > _MOST_WAITING and self._waiting:
            self.lost += 1
            return
        self._taken += size
        self._waiting.append(_Scored(request, moment, bundle, rows, many, body, size))

    def write(self) -> None:
        """Writes what waits; what cannot be written is logged and lost, and the service goes on."""
        while self._waiting:
            scored = self._waiting.popleft()
            self._done += scored.size
            try:
                file = self._opened()
                for line in self._lines(scored):
                    file.write(msgspec.json.encode(line) + b"\n")
                file.flush()
            except OSError as error:
                self.lost += 1
                _LOG.error("Predictions cannot be logged in %s: %s", self._folder, error.strerror)

    def close(self) -> None:
        """Writes what waits and closes the file."""
        self.write()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> IO[bytes]:
        if self._file is not None and self._file.tell() < self._file_bytes:
            return self._file
        if self._file is not None:
            self._file.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        path = self._folder / f"predictions-{stamp}-{os.getpid()}.ndjson"
        # For the owner alone: it tells what the clients sent.
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
        for old in sorted(self._folder.glob(_PATTERN), key=_changed)[: -self._files]:
            old.unlink(missing_ok=True)
        return self._file

    def _lines(self, scored: _Scored) -> Iterator[dict[str, Any]]:
        content = msgspec.json.decode(scored.body)
        outputs = content["predictions"] if scored.many else [content]
        manifest, readers = scored.bundle.manifest, self._readers(scored.bundle)
        training = manifest.training
        for number, (row, output) in enumerate(zip(scored.rows[:_MOST_ROWS], outputs, strict=False)):
            yield {
                "prediction_id": f"{scored.request}.{number}" if scored.many else scored.request,
                "time": datetime.fromtimestamp(scored.moment, UTC).isoformat(timespec="milliseconds"),
                # Of a bundle at PROJECT/models/VERSION; services of many models write into one log.
                "project": scored.bundle.folder.parent.parent.name,
                "model_version": manifest.model_version,
                "run_id": None if training is None else training.run_id,
                "data_sha256": None if training is None else training.data_sha256,
                "inputs": {name: readers.get(name, _cut)(value) for name, value in row.items()},
                # Reasons repeat what the row holds.
                "output": {name: value for name, value in output.items() if name not in ("reasons", "model_version")},
            }

    def _readers(self, bundle: Bundle) -> dict[str, Callable[[object], object]]:
        if self._cells is None or self._cells[0] is not bundle:
            self._cells = bundle, {column.name: _reader(column) for column in bundle.schema.columns}
        return self._cells[1]


def find_prediction(folder: Path, prediction_id: str) -> dict[str, Any] | None:
    """The line of this name in the logs in `folder`; None: it was not chosen, or its file is gone."""
    wanted = msgspec.json.encode(prediction_id)
    for path in sorted(folder.glob(_PATTERN), key=_changed, reverse=True):
        with path.open("rb") as lines:
            for line in lines:
                if wanted in line:
                    found: dict[str, Any] = msgspec.json.decode(line)
                    if found["prediction_id"] == prediction_id:
                        return found
    return None


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        # Another process has just removed it.
        return 0.0


def _reader(column: InputColumn) -> Callable[[object], object]:
    """What may be written of a value of this column."""
    kind = column.personal
    if kind is not None:
        return lambda value: None if value is None else mask(str(value), kind)
    if column.type == "image":
        return lambda value: (
            None if value is None else f"sha256:{hashlib.sha256(str(value).encode(errors='replace')).hexdigest()}"
        )
    if column.type == "text":
        return lambda value: mask_text(value[:_LONGEST_CELL]) if isinstance(value, str) else value
    return _cut


def _cut(value: object) -> object:
    return value[:_LONGEST_CELL] if isinstance(value, str) else value
