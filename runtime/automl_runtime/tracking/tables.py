"""The tables of the run store, for SQLite and PostgreSQL alike.

Nothing is ever changed: what is learned later about a run is a new revision of its row, and triggers refuse the rest.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Connection, ForeignKey, Integer, MetaData, Table, UniqueConstraint, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Architecture", "Base", "Dataset", "Evaluation", "Evaluator", "Preprocessor", "Project", "Run"]


class Base(DeclarativeBase):
    """All tables of the store."""

    type_annotation_map = {int: Integer, dict[str, Any]: JSON}  # noqa: RUF012 -- as SQLAlchemy wants it


class Dataset(Base):
    """The source files of a run, all together."""

    __tablename__ = "dataset"
    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    """Folder or file, as the project names it."""


class Architecture(Base):
    """A configuration of a learner."""

    __tablename__ = "architecture"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    learner: Mapped[str]
    parameters: Mapped[dict[str, Any]]


class Preprocessor(Base):
    """How the rows were prepared: the recipe that the learner reads, and how they were divided."""

    __tablename__ = "preprocessor"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    parameters: Mapped[dict[str, Any]]


class Evaluator(Base):
    """What judges a model."""

    __tablename__ = "evaluator"
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    """`classification`, `regression`, `forecast`, `clustering` or `anomaly`."""
    metric: Mapped[str]
    higher_is_better: Mapped[bool]


class Project(Base):
    """A generated project."""

    __tablename__ = "project"
    id: Mapped[int] = mapped_column(primary_key=True)
    root: Mapped[str] = mapped_column(unique=True)
    """Its folder; `.` in the project's own store, which moves with it."""
    name: Mapped[str]


class Run(Base):
    """What was known of a run at one moment; the highest revision is how it stands."""

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("project_id", "run_id", "revision"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    run_id: Mapped[str]
    revision: Mapped[int]
    changed: Mapped[int] = mapped_column(BigInteger)
    """When the record in the run's folder was written, in nanoseconds since 1970."""
    started: Mapped[str]
    status: Mapped[str]
    seconds: Mapped[float]
    metric: Mapped[str]
    cv: Mapped[float | None]
    holdout: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    best_model: Mapped[str | None]
    trials: Mapped[int]
    rows: Mapped[int | None]
    seed: Mapped[int | None]
    data_sha256: Mapped[str | None]
    resumed: Mapped[str | None]
    message: Mapped[str]
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("dataset.id"))
    architecture_id: Mapped[int | None] = mapped_column(ForeignKey("architecture.id"))
    """Of the best single model."""
    preprocessor_id: Mapped[int | None] = mapped_column(ForeignKey("preprocessor.id"))


class Evaluation(Base):
    """One score of a run."""

    __tablename__ = "evaluation"
    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    """The revision that brought it."""
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("evaluator.id"))
    part: Mapped[str]
    """`cv` or `holdout`."""
    value: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]


_MESSAGE = "the run store is append-only"


@event.listens_for(Base.metadata, "after_create")
def _append_only(target: MetaData, connection: Connection, tables: list[Table], **more: Any) -> None:
    del target, more
    action = f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
    if connection.dialect.name == "postgresql":
        body = f"BEGIN RAISE EXCEPTION '{_MESSAGE}'; END"
        connection.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        )
        action = "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    for table in tables:
        for change in ("UPDATE", "DELETE"):
            name = f"no_{change.lower()}_of_{table.name}"
            connection.exec_driver_sql(f"CREATE TRIGGER {name} BEFORE {change} ON {table.name} {action}")
