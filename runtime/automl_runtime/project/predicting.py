"""Predictions for files of rows, and for folders of new raw files."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from automl_schemas.bundle import InputSchema
from automl_schemas.spec import LABEL_JOINT

from automl_runtime.data.cleaning import escape_formula
from automl_runtime.data.records import CellProblem, parse_frame
from automl_runtime.engine.multilabel.model import label_sets
from automl_runtime.engine.reasons import reasons_of
from automl_runtime.errors import DataError, RequestError, SchemaMismatchError
from automl_runtime.events import Event, EventSink, Progress, Warned
from automl_runtime.files import replace_file
from automl_runtime.project.data_steps import with_whole_paths

if TYPE_CHECKING:
    from automl_runtime.engine.multilabel.model import MultilabelModel
    from automl_runtime.project.layout import Features, Project
    from automl_runtime.registry.bundle import Bundle

__all__ = ["Predicted", "Sink", "answers_of", "open_sink", "parsed_rows", "predict", "read_chunks"]

_CHUNK_ROWS = 20_000
_SHOWN_PROBLEMS = 5
_REASONS = 3
_READABLE = (".csv", ".jsonl", ".ndjson", ".parquet")
_WRITABLE = (".csv", ".jsonl", ".parquet")


@dataclass
class Predicted:
    """What a prediction job did."""

    rows: int = 0
    problems: int = 0
    """Cells that could not be read; their rows were predicted with the cell missing."""
    examples: list[CellProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What was said while a folder was read: of files that were left out, for one."""

    def summary(self, output: Path | None) -> str:
        """One line for people, one for each of the first cells that could not be read, and one for each warning."""
        lines = [f"{self.rows:,} rows predicted" + (f" -> {output}" if output else "")]
        if self.problems:
            lines[0] += f"; {self.problems:,} cells could not be read and count as missing"
        lines += [f"row {p.row + 1}, column {p.column!r}: {p.value} is not {p.allowed}" for p in self.examples]
        lines += self.warnings
        return "\n".join(lines)


_Read = Callable[[pd.DataFrame], tuple[pd.DataFrame, list[CellProblem]]]


class Sink(Protocol):
    """Takes predictions, chunk by chunk."""

    def write(self, frame: pd.DataFrame) -> None:
        """Appends rows."""
        ...

    def close(self) -> None:
        """Finishes the file."""
        ...


def predict(
    project: Project,
    build_features: Features,
    source: Path,
    output: Path | str | None,
    *,
    explain: bool = False,
    on_event: EventSink,
) -> Predicted:
    """See `Project.predict`.

    Rows are read, predicted and written in chunks. Each output row holds the input row, `prediction` and, for
    classes, `probability_<class>`; with `explain` also `reason_1` to `reason_3`, the columns that move the prediction
    most, in words. Of several labels a row it is `labels`, those that it has with "|" between them, and a probability
    of each. Of groups it is `cluster`, of anomalies `score`, `anomaly` and the reasons of those. An `output`
    that exists is replaced as a whole at the end; None writes CSV to standard output.

    Raises:
        SchemaMismatchError: if a column that the model needs is absent; nothing is written.
        DataError: if the source cannot be read or the output not be written.
        RequestError: if a format is not one of CSV, JSON lines and Parquet, or the model cannot be explained.
    """
    place = None if output is None else Path(output)
    if place is not None and place.suffix.lower() not in _WRITABLE:
        raise RequestError(f"{place.name!r}: predictions are written as {', '.join(_WRITABLE)}.")
    bundle = project.bundle()
    answer = partial(answers_of, bundle, build_features, explain, on_event)
    done = Predicted()
    if source.is_dir():
        told = partial(_told, done, on_event)
        chunks, read = iter([_assembled(project, source, told)]), partial(_found_below, source, bundle.schema)
    else:
        chunks, read = read_chunks(source), partial(parsed_rows, bundle.schema, source)
    if place is None:
        _run(answer, chunks, read, _CsvSink(sys.stdout), done, on_event)
    else:
        replace_file(place, lambda path: _write_to(path, answer, chunks, read, done, on_event))
    return done


def _write_to(path: Path, *job: Any) -> None:
    answer, chunks, read, done, on_event = job
    with open_sink(path) as sink:
        _run(answer, chunks, read, sink, done, on_event)


def _run(
    answer: Callable[[pd.DataFrame], pd.DataFrame],
    chunks: Iterator[pd.DataFrame],
    read: _Read,
    sink: Sink,
    done: Predicted,
    on_event: EventSink,
) -> None:
    for chunk in chunks:
        rows, problems = read(chunk)
        sink.write(pd.concat([chunk.reset_index(drop=True), answer(rows)], axis=1))
        for problem in problems[: _SHOWN_PROBLEMS - len(done.examples)]:
            done.examples.append(CellProblem(done.rows + problem.row, problem.column, problem.value, problem.allowed))
        done.rows += len(chunk)
        done.problems += len(problems)
        on_event(Progress("predicting", done.rows, None, f"{done.rows:,} rows"))
    sink.close()


def answers_of(
    bundle: Bundle, build_features: Features, explain: bool, on_event: EventSink, rows: pd.DataFrame
) -> pd.DataFrame:
    """The columns that `predict` adds to clean rows, in their order.

    Raises:
        RequestError: if the model cannot be explained.
    """
    features = build_features(rows)
    answers = _bare_answers(bundle, features)
    wanted = _explained(bundle, answers, explain)
    if wanted is not None:
        words: list[list[str]] = [[] for _ in range(len(features))]
        found = reasons_of(bundle.model, features[wanted], most=_REASONS, on_event=on_event)
        for row, of_row in zip(np.flatnonzero(wanted), found, strict=True):
            words[row] = [reason.words for reason in of_row]
        for place in range(_REASONS):
            column = [row[place] if place < len(row) else None for row in words]
            answers[f"reason_{place + 1}"] = pd.Series(column, dtype="str")
    return answers


def _bare_answers(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    model, task = bundle.model, bundle.manifest.task
    if task == "clustering":
        return pd.DataFrame({"cluster": model.predict(features).to_numpy()})
    if task == "anomaly":
        scores = model.score_samples(features).to_numpy()
        return pd.DataFrame({"score": scores, "anomaly": scores > model.threshold})
    if task == "multilabel":
        return _labels(model, features)
    answers = pd.DataFrame({"prediction": model.predict(features).to_numpy()})
    if task != "regression":
        shares = model.predict_proba(features)
        for label in shares.columns:
            answers[f"probability_{label}"] = shares[label].to_numpy()
    return answers


def _labels(model: MultilabelModel, features: pd.DataFrame) -> pd.DataFrame:
    shares = model.predict_proba(features)
    told = label_sets(model, shares)
    answers = pd.DataFrame({"labels": pd.Series([LABEL_JOINT.join(labels) for labels in told], dtype="str")})
    return answers.assign(**{f"probability_{label}": shares[label].to_numpy() for label in shares.columns})


def _explained(bundle: Bundle, answers: pd.DataFrame, explain: bool) -> np.ndarray | None:
    """Which rows get reasons; None: there are no columns for them."""
    if explain:
        return np.ones(len(answers), dtype=bool)
    return answers["anomaly"].to_numpy() if bundle.manifest.task == "anomaly" else None


def _assembled(project: Project, folder: Path, on_event: EventSink) -> pd.DataFrame:
    tables = project.read_tables(folder, labelled=False, on_event=on_event)
    rows = project.query("sql/training_table.sql", tables, labelled=False)
    return rows if project.spec.target is None else rows.drop(columns=[project.target])


def _told(done: Predicted, on_event: EventSink, event: Event) -> None:
    if isinstance(event, Warned):
        done.warnings.append(event.text)
    on_event(event)


def _found_below(folder: Path, schema: InputSchema, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[CellProblem]]:
    """Clean rows, whose pictures lie below `folder`."""
    pictures = [column.name for column in schema.columns if column.type == "image"]
    return with_whole_paths(rows, pictures, folder), []


def parsed_rows(schema: InputSchema, source: Path, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[CellProblem]]:
    """Clean rows of a chunk of the file `source`, and the cells that could not be read, which are null.

    Raises:
        SchemaMismatchError: if a column that the model needs is absent, naming the file.
    """
    if source.suffix.lower() not in (".csv", ".parquet"):
        # A JSON object may leave out what is null.
        optional = [c.name for c in schema.columns if not c.required and c.name not in rows.columns]
        rows = rows.assign(**dict.fromkeys(optional))
    try:
        parsed, problems = parse_frame(rows, schema)
    except SchemaMismatchError as error:
        raise SchemaMismatchError(f"{source}: {error.message}", hint=error.hint) from error
    return _found_below(source.parent, schema, parsed)[0], problems


def read_chunks(
    source: Path, stream: BinaryIO | None = None, *, on_broken: Callable[[int, str], None] | None = None
) -> Generator[pd.DataFrame]:
    """The rows of a CSV, JSON lines or Parquet file, some thousands at a time, cells as they stand.

    Args:
        source: the file; its name says of what kind it is.
        stream: the open file, for callers who look how far it has been read.
        on_broken: gets the number of each JSON line that is none, from 0 and empty lines aside, and what is said about
            it; the row is then empty. None: such a line ends the reading.

    Raises:
        RequestError: if the file is of another kind.
        DataError: if it cannot be read.
    """
    suffix = source.suffix.lower()
    if suffix not in _READABLE:
        raise RequestError(
            f"{source.name!r} cannot be predicted; rows come as {', '.join(_READABLE)}, raw files as a folder."
        )
    read: Callable[[BinaryIO], Iterator[pd.DataFrame]] = partial(_json_chunks, source, on_broken)
    if suffix in (".csv", ".parquet"):
        read = _csv_chunks if suffix == ".csv" else _parquet_chunks
    try:
        with source.open("rb") if stream is None else nullcontext(stream) as opened:
            yield from read(opened)
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not UTF-8: {error.reason} at byte {error.start}.") from error
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pa.ArrowInvalid) as error:
        raise DataError(f"{source} cannot be read: {error}") from error


def _csv_chunks(stream: BinaryIO) -> Iterator[pd.DataFrame]:
    with pd.read_csv(
        stream, dtype="str", keep_default_na=False, na_values=[], chunksize=_CHUNK_ROWS, encoding="utf-8-sig"
    ) as reader:
        for chunk in reader:
            yield chunk.reset_index(drop=True)


def _parquet_chunks(stream: BinaryIO) -> Iterator[pd.DataFrame]:
    with pq.ParquetFile(stream) as file:
        for batch in file.iter_batches(batch_size=_CHUNK_ROWS):
            yield batch.to_pandas()


def _json_chunks(
    source: Path, on_broken: Callable[[int, str], None] | None, stream: BinaryIO
) -> Iterator[pd.DataFrame]:
    records: list[dict[str, Any]] = []
    done = 0
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            records.append(_json_record(source, number, line))
        except DataError as error:
            if on_broken is None:
                raise
            on_broken(done + len(records), str(error))
            records.append({})
        if len(records) == _CHUNK_ROWS:
            yield pd.DataFrame(records, dtype=object)
            done, records = done + len(records), []
    if records:
        yield pd.DataFrame(records, dtype=object)


def _json_record(source: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        said = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"
        raise DataError(f"{source}, line {number}: {said} ({error}).") from error
    if not isinstance(record, dict):
        raise DataError(f"{source}, line {number}: one JSON object a line is needed.")
    return record


class _CsvSink:
    """CSV for people: cells and names that a spreadsheet would run as formulas are escaped."""

    def __init__(self, stream: io.TextIOBase | Any, header: bool = True) -> None:
        self._stream = stream
        self._header = header

    def write(self, frame: pd.DataFrame) -> None:
        safe = frame.copy()
        for name in safe.columns[safe.dtypes.map(pd.api.types.is_string_dtype)]:
            # Of JSON values, a column holds texts and others.
            safe[name] = safe[name].map(lambda cell: escape_formula(cell) if isinstance(cell, str) else cell)
        header = [escape_formula(str(name)) for name in safe.columns] if self._header else False
        safe.to_csv(self._stream, index=False, header=header, lineterminator="\n")
        self._header = False

    def close(self) -> None:
        self._stream.flush()


class _JsonSink:
    def __init__(self, stream: io.TextIOBase | Any) -> None:
        self._stream = stream

    def write(self, frame: pd.DataFrame) -> None:
        frame.to_json(self._stream, orient="records", lines=True, date_format="iso", force_ascii=False)

    def close(self) -> None:
        self._stream.flush()


class _ParquetSink:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def write(self, frame: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table.cast(self._writer.schema))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


@contextmanager
def open_sink(path: Path | None, *, header: bool = True) -> Iterator[Sink]:
    """Where predictions go: a CSV, JSON lines or Parquet file, by its name; None: CSV on standard output.

    Without `header` a CSV file begins with its first row.

    Raises:
        RequestError: if the name ends otherwise.
    """
    if path is None:
        yield _CsvSink(sys.stdout)
        return
    if path.suffix.lower() not in _WRITABLE:
        raise RequestError(f"{path.name!r}: predictions are written as {', '.join(_WRITABLE)}.")
    if path.suffix.lower() == ".parquet":
        sink = _ParquetSink(path)
        try:
            yield sink
        finally:
            sink.close()
        return
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield _CsvSink(stream, header) if path.suffix.lower() == ".csv" else _JsonSink(stream)
