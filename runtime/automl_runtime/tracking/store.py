"""The index of runs: append-only tables in SQLite (WAL) or PostgreSQL.

The folders below `experiments/` stay the detail. The index is made from them, and brought up to date by `sync`: a store
that was lost is made anew.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, exists, func, insert, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import aliased

from automl_runtime.errors import DataError, MissingExtraError, RequestError, shorten
from automl_runtime.tracking.filters import parse_filter
from automl_runtime.tracking.tables import (
    Architecture,
    Base,
    Dataset,
    Evaluation,
    Evaluator,
    Preprocessor,
    Project,
    Run,
)

__all__ = ["FIELDS", "RunFacts", "RunRow", "RunStore", "Score"]

_PATIENCE = 60.0
"""Seconds that a writer waits for the others."""
_BATCH = 500

FIELDS = (
    *("run", "project", "status", "metric", "cv", "holdout", "low", "high", "best_model", "trials", "seconds"),
    *("rows", "seed", "started", "data_sha256", "resumed", "message"),
)
"""What runs can be filtered and sorted by."""


@dataclass(frozen=True, slots=True)
class Score:
    """One score of a run; `part` is `cv` or `holdout`."""

    part: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run."""

    run_id: str
    changed: int
    """When its record was written, in nanoseconds since 1970."""
    started: str
    status: str
    seconds: float
    metric: str
    higher_is_better: bool
    cv: float | None = None
    holdout: float | None = None
    low: float | None = None
    high: float | None = None
    best_model: str | None = None
    trials: int = 0
    rows: int | None = None
    seed: int | None = None
    data_sha256: str | None = None
    resumed: str | None = None
    message: str = ""
    source: str = ""
    evaluator: str = ""
    architecture: tuple[str, str, Mapping[str, Any]] | None = None
    """Name, learner and parameters of the best single model."""
    preprocessor: tuple[str, Mapping[str, Any]] | None = None

    def scores(self) -> list[Score]:
        """Those that there are."""
        found = [] if self.cv is None else [Score("cv", self.cv)]
        return found if self.holdout is None else [*found, Score("holdout", self.holdout, self.low, self.high)]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as it stands, as `RunStore.runs` lists it; the fields are `FIELDS`."""

    run: str
    project: str
    status: str
    metric: str
    cv: float | None
    holdout: float | None
    low: float | None
    high: float | None
    best_model: str | None
    trials: int
    seconds: float
    rows: int | None
    seed: int | None
    started: str
    data_sha256: str | None
    resumed: str | None
    message: str


class RunStore:
    """Runs of one or many projects; safe from several threads and processes at once."""

    def __init__(self, engine: Engine) -> None:
        """Use `open`."""
        self._engine = engine

    @classmethod
    def open(cls, place: Path | str) -> Self:
        """The store at `place`, made when it is absent.

        Args:
            place: a file of SQLite, or a URL as `postgresql+psycopg://user@host/name`.

        Raises:
            RequestError: if the URL is not understood.
            MissingExtraError: if the driver is not installed.
            DataError: if it cannot be opened.
        """
        url = str(place) if "://" in str(place) else f"sqlite:///{place}"
        try:
            lite = url.startswith("sqlite")
            engine = create_engine(url, **({"connect_args": {"timeout": _PATIENCE}} if lite else {}))
        except (ArgumentError, NoSuchModuleError) as error:
            raise RequestError(f"The run store {shorten(place)} is no file and no URL of a database.") from error
        except ModuleNotFoundError as error:
            raise MissingExtraError(package=str(error.name), extra="postgres") from error
        if lite:
            _tell_sqlite(engine)
        try:
            _create(engine)
        except DatabaseError as error:
            engine.dispose()
            hint = "It can be removed: the index is made again from the runs." if lite else "Is the server running?"
            raise DataError(f"The run store {engine.url!r} cannot be used: {error.orig}", hint=hint) from error
        return cls(engine)

    def close(self) -> None:
        """Lets go of the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, root: str, name: str, runs: Sequence[RunFacts]) -> None:
        """Appends what is known of `runs` of the project `name` in the folder `root`.

        Raises:
            DataError: if the store cannot be written.
        """
        for first in range(0, len(runs), _BATCH):
            with self._writing() as connection:
                project = _id_of(connection, Project, "root", {"root": root, "name": name})
                for facts in runs[first : first + _BATCH]:
                    _append(connection, project, facts)

    def changes(self, root: str) -> dict[str, tuple[str, int]]:
        """Status and time of change of each run of a project, as the store knows them."""
        newest = _newest()
        query = select(Run.run_id, Run.status, Run.changed).join(Project).where(Project.root == root, newest)
        with self._reading() as connection:
            return {row.run_id: (row.status, row.changed) for row in connection.execute(query)}

    def runs(
        self, *, where: str | None = None, sort: str | None = None, root: str | None = None, limit: int | None = None
    ) -> list[RunRow]:
        """Runs as they stand.

        Args:
            where: a condition, as `filters` describes it; None for all.
            sort: a field, from small to large, or with a `-` before it from large to small; what has no value comes
                last. None: in the order in which they started.
            root: of one project only.
            limit: at most so many.

        Raises:
            RequestError: if `where` or `sort` is not understood.
        """
        columns: dict[str, Any] = {name: Project.name if name == "project" else _column(name) for name in FIELDS}
        query = select(*[column.label(name) for name, column in columns.items()]).join(Project).where(_newest())
        if root is not None:
            query = query.where(Project.root == root)
        if where is not None:
            query = query.where(parse_filter(where, columns))
        if sort is not None:
            column = columns.get(sort.removeprefix("-"))
            if column is None:
                raise RequestError(
                    f"Runs have no field {shorten(sort)} to sort by.", hint=f"Fields: {', '.join(FIELDS)}."
                )
            ordered = column.desc() if sort.startswith("-") else column.asc()
            query = query.order_by(ordered.nulls_last())
        query = query.order_by(Run.started, Project.root, Run.run_id).limit(limit)
        with self._reading() as connection:
            return [RunRow(*row) for row in connection.execute(query)]

    def scores(self, root: str, run_id: str) -> list[Score]:
        """The scores of a run, the newest of each part."""
        query = (
            select(Evaluation.part, Evaluation.value, Evaluation.low, Evaluation.high)
            .join(Run, Run.id == Evaluation.run)
            .join(Project)
            .where(Project.root == root, Run.run_id == run_id)
            .order_by(Run.revision)
        )
        with self._reading() as connection:
            found = {row.part: Score(*row) for row in connection.execute(query)}
        return list(found.values())

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(reads=True) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    # One writer at a time, as SQLite has it: revisions are then without gaps.
                    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                yield connection
        except (OperationalError, IntegrityError) as error:
            raise DataError(f"The run store {self._engine.url!r} cannot be written: {error.orig}") from error


_LOCK = 0x6175746F


def _tell_sqlite(engine: Engine) -> None:
    """Transactions that write take their place at the beginning: then they wait, and never fail, for the others."""

    @event.listens_for(engine, "connect")
    def connect(connection: Any, *_: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _create(engine: Engine) -> None:
    """Makes the tables; of several processes that find none, one does."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            with engine.connect().execution_options(reads=True) as connection:
                if inspect(connection).has_table(Evaluation.__tablename__):
                    return
            if engine.dialect.name == "sqlite":
                with closing(engine.raw_connection()) as raw:
                    raw.cursor().execute("PRAGMA journal_mode = WAL")
            with engine.begin() as connection:
                if engine.dialect.name == "postgresql":
                    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                Base.metadata.create_all(connection)
            return
        except OperationalError as error:
            # Changing the journal does not wait for others by itself.
            if "locked" not in str(error.orig) or time.monotonic() > end:
                raise
            time.sleep(0.02)


def _newest() -> Any:
    later = aliased(Run)
    same = (later.project_id == Run.project_id, later.run_id == Run.run_id, later.revision == Run.revision + 1)
    return ~exists().where(*same).correlate(Run)


def _column(name: str) -> Any:
    return getattr(Run, "run_id" if name == "run" else name)


def _append(connection: Connection, project: int, facts: RunFacts) -> None:
    known = select(func.coalesce(func.max(Run.revision), 0)).where(
        Run.project_id == project, Run.run_id == facts.run_id
    )
    values = {name: getattr(facts, name) for name in ("run_id", "changed", *(n for n in FIELDS if n not in _ELSEWHERE))}
    row = connection.execute(
        insert(Run)
        .values(
            **values,
            project_id=project,
            revision=connection.execute(known).scalar_one() + 1,
            dataset_id=_dataset(connection, facts),
            architecture_id=_architecture(connection, facts),
            preprocessor_id=_preprocessor(connection, facts),
        )
        .returning(Run.id)
    ).scalar_one()
    scores = facts.scores()
    if not scores:
        return
    judged = {"name": facts.evaluator, "metric": facts.metric, "higher_is_better": facts.higher_is_better}
    evaluator = _id_of(connection, Evaluator, "digest", {"digest": _digest(judged), **judged})
    connection.execute(
        insert(Evaluation),
        [
            {"run": row, "evaluator_id": evaluator, "part": s.part, "value": s.value, "low": s.low, "high": s.high}
            for s in scores
        ],
    )


_ELSEWHERE = ("run", "project")


def _dataset(connection: Connection, facts: RunFacts) -> int | None:
    if facts.data_sha256 is None:
        return None
    return _id_of(connection, Dataset, "sha256", {"sha256": facts.data_sha256, "source": facts.source})


def _architecture(connection: Connection, facts: RunFacts) -> int | None:
    if facts.architecture is None:
        return None
    name, learner, parameters = facts.architecture
    digest = _digest([learner, dict(parameters)])
    values = {"digest": digest, "name": name, "learner": learner, "parameters": dict(parameters)}
    return _id_of(connection, Architecture, "digest", values)


def _preprocessor(connection: Connection, facts: RunFacts) -> int | None:
    if facts.preprocessor is None:
        return None
    name, parameters = facts.preprocessor
    values = {"digest": _digest([name, dict(parameters)]), "name": name, "parameters": dict(parameters)}
    return _id_of(connection, Preprocessor, "digest", values)


def _id_of(connection: Connection, table: type[Base], key: str, values: Mapping[str, Any]) -> int:
    """The id of the row whose `key` is that of `values`, which is made when it is absent."""
    column = getattr(table, key)
    query = select(table.id).where(column == values[key])  # type: ignore[attr-defined]
    found: int | None = connection.execute(query).scalar_one_or_none()
    if found is not None:
        return found
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).values(**values).on_conflict_do_nothing())
    else:
        connection.execute(sqlite.insert(table).values(**values).on_conflict_do_nothing())
    made: int = connection.execute(query).scalar_one()
    return made


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
