"""`python -m automl_runtime.project.job_worker PROJECT MODEL FOLDER`: scores the rows of one job, chunk by chunk.

It is a process of its own with the lowest priority, and ends with the service that started it. A finished chunk is a
file and a line (`serving.job_folder`); whoever runs the job again goes on after the last of them.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from automl_runtime.data.reading.archives import Limits, decompress
from automl_runtime.errors import AutomlError, DataError, RequestError
from automl_runtime.events import ignore
from automl_runtime.files import locked, replace_file
from automl_runtime.project.predicting import answers_of, in_parts, open_sink, parsed_rows
from automl_runtime.project.rows_read import read_chunks
from automl_runtime.serving.job_folder import Job, JobFolder, Part, format_of

if TYPE_CHECKING:
    from automl_runtime.project.layout import Features
    from automl_runtime.registry.bundle import Bundle

__all__ = ["OpenModel", "main", "work"]

OpenModel = Callable[[str | None], tuple["Bundle", "Features"]]
"""The model of a version; None: the one that answers now."""

_ERROR = "error"
_CODECS = {"gz": "gzip", "zst": "zstd"}
_COPIED = 1 << 20
_NAMED = 3
"""Bad cells of a row that its error names."""
_UNBOUNDED = Limits(total=1 << 50)


def main(arguments: list[str]) -> int:
    """Runs the job in a folder with a model of a project: an alias or a version; "" for that in production."""
    from automl_runtime.project.layout import Project
    from automl_runtime.project.live import ProjectModel

    root, name, folder = arguments
    give_way()
    project = Project.load(root)
    work(JobFolder(Path(folder)), lambda version: ProjectModel(project, version or name or None).open()[:2])
    return 0


def give_way() -> None:
    """Lets every other process go first, and ends this one when the one that started it has ended."""
    if hasattr(os, "nice"):
        os.nice(19)

    def watch() -> None:
        # Not sys.stdin, whose lock an ending process would wait for.
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def work(folder: JobFolder, open_model: OpenModel) -> None:
    """Does what is left of the job; notes its outcome, which is that of the job.

    Raises:
        DataError: if another process has been working on it for ten seconds, or the outcome cannot be written.
    """
    with locked(folder.root / "worker.lock"):
        try:
            _score(folder, folder.job(), open_model)
            error = None
        except AutomlError as problem:
            error = str(problem)
        except Exception as problem:  # noqa: BLE001 -- code of the project may raise anything; the job says what
            traceback.print_exc()
            error = f"After {folder.last().rows:,} rows: {type(problem).__name__}: {problem}"
        # Clients know names of files, not where this machine keeps them.
        folder.write_note("outcome", {"error": error and error.replace(f"{folder.root}{os.sep}", "")})


def _score(folder: JobFolder, job: Job, open_model: OpenModel) -> None:
    known = folder.note("model")
    bundle, build_features = open_model(known.get("model_version"))
    if bundle.manifest.task == "forecast":
        raise RequestError("This model forecasts series and does not predict rows; jobs are for rows.")
    state = _state(folder.source(job))
    source = _plain(folder, job)
    if not known:
        # From now on it is this version, whatever is promoted meanwhile.
        noted = {"model_version": bundle.manifest.model_version, "rows_total": _total(source), "source": state}
        folder.write_note("model", noted)
    elif known["source"] != state:
        raise DataError(f"{source} was changed since the job began.", hint="Start another job.")
    chunks = _Chunks(folder, job, bundle, build_features, source)
    done = _kept(folder, job)
    size = max(1, source.stat().st_size)
    with source.open("rb") as stream, closing(read_chunks(source, stream, on_broken=chunks.broken)) as frames:
        for number, chunk in enumerate(in_parts(bundle, frames)):
            if number < len(done):
                chunks.skip(len(chunk), done[number].errors)
            else:
                chunks.add(number, chunk, stream.tell() / size)
    _join(folder, job, list(folder.logged()))


def _plain(folder: JobFolder, job: Job) -> Path:
    """The source, unpacked into the folder of the job where it is compressed."""
    source = folder.source(job)
    if source.is_absolute() and Path(job.source).is_absolute() and source.resolve() != source:
        raise DataError(f"{source} became a link to {source.resolve()} after the job was asked for.")
    found = format_of(source.name)
    if found is None or not found[1]:
        return source
    plain = folder.root / f"plain.{found[0]}"
    if not plain.exists():
        whole = folder.root / f"unpacked.{found[0]}"
        decompress(source, _CODECS[found[1]], whole, file=source.name, limits=_UNBOUNDED)
        whole.replace(plain)
    return plain


def _state(source: Path) -> list[int]:
    """Another value when the file was changed."""
    try:
        found = source.stat()
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror}.") from error
    return [found.st_size, found.st_mtime_ns]


def _total(source: Path) -> int | None:
    """How many rows there are, where the file says so."""
    if source.suffix != ".parquet":
        return None
    try:
        return int(pq.read_metadata(source).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{source.name} is not a Parquet file: {error}") from error


def _kept(folder: JobFolder, job: Job) -> list[Part]:
    """The parts that count; what a kill or a lost disk cache left behind is removed."""
    folder.parts.mkdir(exist_ok=True)

    def is_whole(numbered: tuple[int, Part]) -> bool:
        path = folder.part(numbered[0], job)
        return path.is_file() and path.stat().st_size == numbered[1].size

    kept = [part for _, part in takewhile(is_whole, enumerate(folder.logged()))]
    folder.keep(kept)
    counted = {folder.part(number, job) for number in range(len(kept))}
    for path in folder.parts.iterdir():
        if path not in counted:
            path.unlink()
    return kept


class _Chunks:
    """Scores chunks in order and writes each as a part."""

    def __init__(self, folder: JobFolder, job: Job, bundle: Bundle, build_features: Features, source: Path) -> None:
        self._folder, self._job = folder, job
        self._answer = partial(answers_of, bundle, build_features, job.explain, ignore)
        self._read = partial(parsed_rows, bundle.schema, source)
        self._broken: dict[int, str] = {}
        self._rows = self._errors = 0

    def broken(self, row: int, message: str) -> None:
        """A row of the file, counted from 0, cannot be read at all."""
        self._broken[row] = message

    def skip(self, rows: int, errors: int) -> None:
        """A chunk that an earlier run has finished; `errors` with all before."""
        self._rows, self._errors = self._rows + rows, errors
        self._broken.clear()

    def add(self, number: int, chunk: pd.DataFrame, share: float) -> None:
        """Scores and writes a chunk."""
        rows, problems = self._read(chunk)
        said: dict[int, list[str]] = {row - self._rows: [message] for row, message in self._broken.items()}
        self._broken.clear()
        for problem in problems:
            if self._rows + problem.row not in said:
                said.setdefault(problem.row, []).append(f"{problem.column}: {problem.value} is not {problem.allowed}")
        self._errors += len(said)
        self._check(said)
        path = self._folder.part(number, self._job)
        frame = self._laid_out(_with_answers(chunk, self._answer(rows), said) if len(chunk) else chunk)
        replace_file(path, partial(_write, frame=frame, header=number == 0))
        self._rows += len(chunk)
        part = Part(self._rows, self._errors, path.stat().st_size, min(1.0, share), time.time())
        try:
            self._folder.log(part)
        except OSError as error:
            raise DataError(f"{self._folder.root / 'parts.jsonl'} cannot be written: {error.strerror}.") from error

    def _check(self, said: dict[int, list[str]]) -> None:
        most = self._job.most_errors
        if most is not None and self._errors > most:
            row = min(said)
            message = f"More than {most:,} rows are wrong, as row {self._rows + row + 1:,}: {said[row][0]}."
            raise DataError(message, hint="Allow more with most_errors, or send the rows corrected.")

    def _laid_out(self, frame: pd.DataFrame) -> pd.DataFrame:
        """With the columns of the first part: later JSON objects may have others, for which CSV has no place."""
        first = self._folder.part(0, self._job)
        if first.suffix != ".csv" or not first.exists():
            return frame
        return frame.reindex(columns=pd.read_csv(first, nrows=0, dtype="str").columns)


def _with_answers(chunk: pd.DataFrame, answers: pd.DataFrame, said: dict[int, list[str]]) -> pd.DataFrame:
    """The rows with their answers; those that are wrong have an error instead."""
    bad = np.zeros(len(chunk), dtype=bool)
    errors: list[str | None] = [None] * len(chunk)
    for row, messages in said.items():
        bad[row] = True
        more = f"; {len(messages) - _NAMED} more" if len(messages) > _NAMED else ""
        errors[row] = "; ".join(messages[:_NAMED]) + more
    answers = pd.DataFrame({name: _nullable(answers[name]).mask(bad) for name in answers.columns})
    answers[_ERROR] = pd.Series(errors, dtype="str")
    kept = [name for name in chunk.columns if name not in answers.columns]
    return pd.concat([chunk[kept].reset_index(drop=True), answers], axis=1)


def _nullable(column: Any) -> Any:
    """The same values in a type that stays the same when some are missing."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("boolean")
    return column.astype("Int64") if pd.api.types.is_integer_dtype(column.dtype) else column


def _write(path: Path, *, frame: pd.DataFrame, header: bool) -> None:
    with open_sink(path, header=header) as sink:
        sink.write(frame)


def _join(folder: JobFolder, job: Job, parts: list[Part]) -> None:
    """All parts as one file, at its place when it is whole."""
    unfinished = folder.unfinished_output(job)
    paths = [folder.part(number, job) for number in range(len(parts))]
    try:
        (_join_parquet if unfinished.suffix == ".parquet" else _join_text)(paths, unfinished)
        unfinished.replace(folder.output(job))
    except OSError as error:
        raise DataError(f"{folder.output(job)} cannot be written: {error.strerror or error}.") from error


def _join_text(paths: list[Path], target: Path) -> None:
    with target.open("wb") as result:
        for path in paths:
            with path.open("rb") as part:
                for block in iter(partial(part.read, _COPIED), b""):
                    result.write(block)


def _join_parquet(paths: list[Path], target: Path) -> None:
    """Columns of which some parts know no value, or only whole numbers, get the type that fits all parts."""
    schemas = [pq.read_schema(path).remove_metadata() for path in paths]
    schema = pa.unify_schemas(schemas or [pa.schema([])], promote_options="permissive")
    with pq.ParquetWriter(target, schema) as writer:
        for path in paths:
            table = pq.read_table(path)
            absent = [field for field in schema if field.name not in table.column_names]
            for field in absent:
                table = table.append_column(field, pa.nulls(len(table), field.type))
            writer.write_table(table.select(schema.names).cast(schema))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
