"""Predictions for files of rows, and for folders of new raw files."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

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
from automl_runtime.errors import RequestError, SchemaMismatchError
from automl_runtime.events import Event, EventSink, Progress, Warned
from automl_runtime.files import replace_file
from automl_runtime.project.data_steps import with_whole_paths
from automl_runtime.project.rows_read import DELIMITED, read_chunks

if TYPE_CHECKING:
    from automl_runtime.engine.multilabel.model import MultilabelModel
    from automl_runtime.project.layout import Features, Project
    from automl_runtime.registry.bundle import Bundle

__all__ = ["Predicted", "Sink", "answers_of", "in_parts", "open_sink", "parsed_rows", "predict"]

_SHOWN_PROBLEMS = 5
_REASONS = 3
_WRITABLE = (".csv", ".jsonl", ".parquet")


@dataclass
class Predicted:
    """What a prediction job did."""

    rows: int = 0
    problems: int = 0
    """Cells that could not be read; their rows were predicted with the cell missing."""
    examples: list[CellProblem] = field(default_factory=list)
    undated: int = 0
    """Rows of series that have no answer, because their moment or their series is missing or cannot be read."""
    alone: int = 0
    """Rows of series before which nothing is known: they are compared by their own values alone."""
    warnings: list[str] = field(default_factory=list)
    """What was said while a folder was read: of files that were left out, for one."""

    def summary(self, output: Path | None) -> str:
        """One line for people, one for each of the first cells that could not be read, and one for each warning."""
        lines = [f"{self.rows:,} rows predicted" + (f" -> {output}" if output else "")]
        if self.problems:
            lines[0] += f"; {self.problems:,} cells could not be read and count as missing"
        if self.undated:
            lines.append(f"rows without a moment or a series, which have no score: {self.undated:,}")
        if self.alone:
            lines.append(f"rows before which nothing is known, compared by their own values alone: {self.alone:,}")
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
    of each. Of groups it is `cluster`, of anomalies `score`, `anomaly` and the reasons of those. Rows of series are
    read as a whole and look back at each other; `past_known` says of how much of what lies before each something is
    known, and a row without a moment or a series has no score. An `output` that exists is replaced as a whole at the
    end; None writes CSV to standard output.

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
    told = partial(_told, done, on_event)
    if source.is_dir():
        chunks, read = iter([_assembled(project, source, told)]), partial(_found_below, source, bundle.schema)
    else:
        needed = [column.name for column in bundle.schema.columns]
        chunks = in_parts(bundle, read_chunks(source, needed=needed, on_event=told))
        read = partial(parsed_rows, bundle.schema, source)
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
        answers = answer(rows)
        sink.write(pd.concat([chunk.reset_index(drop=True), answers], axis=1))
        if "past_known" in answers:
            done.undated += int(answers["score"].isna().sum())
            done.alone += int((answers["past_known"] == 0).sum())
        for problem in problems[: _SHOWN_PROBLEMS - len(done.examples)]:
            done.examples.append(CellProblem(done.rows + problem.row, problem.column, problem.value, problem.allowed))
        done.rows += len(chunk)
        done.problems += len(problems)
        on_event(Progress("predicting", done.rows, None, f"{done.rows:,} rows"))
    sink.close()


def in_parts(bundle: Bundle, chunks: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """`chunks`, or all of them as one where rows look back at each other, which those in another chunk could not."""
    if bundle.windows is None:
        yield from chunks
        return
    found = list(chunks)
    if found:
        yield pd.concat(found, ignore_index=True)


def answers_of(
    bundle: Bundle, build_features: Features, explain: bool, on_event: EventSink, rows: pd.DataFrame
) -> pd.DataFrame:
    """The columns that `predict` adds to clean rows, in their order.

    Raises:
        RequestError: if the model cannot be explained.
    """
    if bundle.windows is not None:
        placed = rows[[bundle.windows.time, *bundle.windows.series]].notna().all(axis=1).to_numpy()
        if not placed.all():
            answers = answers_of(bundle, build_features, explain, on_event, rows[placed].reset_index(drop=True))
            answers["anomaly"] = answers["anomaly"].astype("boolean")
            return answers.set_axis(np.flatnonzero(placed)).reindex(range(len(rows)))
    features = build_features(rows)
    answers = _bare_answers(bundle, features)
    wanted = _explained(bundle, answers, explain)
    if wanted is not None:
        words: list[list[str]] = [[] for _ in range(len(features))]
        places = np.flatnonzero(wanted)
        found = reasons_of(bundle.model, features, most=_REASONS, places=places, on_event=on_event)
        for row, of_row in zip(places, found, strict=True):
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
        answers = pd.DataFrame({"score": scores, "anomaly": scores > model.threshold})
        known = model.past_known(features)
        return answers if known is None else answers.assign(past_known=known.to_numpy())
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
    if source.suffix.lower() not in (*DELIMITED, ".parquet"):
        # A JSON object may leave out what is null.
        optional = [c.name for c in schema.columns if not c.required and c.name not in rows.columns]
        rows = rows.assign(**dict.fromkeys(optional))
    try:
        parsed, problems = parse_frame(rows, schema)
    except SchemaMismatchError as error:
        raise SchemaMismatchError(f"{source}: {error.message}", hint=error.hint) from error
    return _found_below(source.parent, schema, parsed)[0], problems


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
