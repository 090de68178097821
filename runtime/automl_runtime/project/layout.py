"""A generated project on disk: where its parts lie, and its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from automl_schemas.catalog import DataCatalog
from automl_schemas.metrics import Metrics
from automl_schemas.spec import ProjectSpec

from automl_runtime.data.assemble import TrainingColumn
from automl_runtime.data.cleaning import CleanTable
from automl_runtime.data.training_columns import target_name
from automl_runtime.errors import DataError
from automl_runtime.events import EventSink
from automl_runtime.project import data_steps, forecasts, kept, pasts, predicting
from automl_runtime.project.code import code_sha256
from automl_runtime.project.live import ProjectModel, record_features
from automl_runtime.project.reporting import sink_from_environment
from automl_runtime.project.settings import Settings
from automl_runtime.project.specfile import load_spec
from automl_runtime.registry.aliases import PRODUCTION

if TYPE_CHECKING:
    from fastapi import FastAPI

    from automl_runtime.project.training import TrainingRun
    from automl_runtime.registry.bundle import Bundle

__all__ = ["Features", "Project"]

Features = Callable[[pd.DataFrame], pd.DataFrame]
"""Row-wise function from rows of the training table to features (`build_features` of a project)."""


@dataclass(frozen=True)
class Project:
    """A folder with a `project.yaml`, the spec in it, and what can be done there.

    Reading is safe from several threads; `run`, `evaluate` and the `write_*` and `save_*` methods are for one process
    at a time (each writes whole files and renames them).
    """

    root: Path
    spec: ProjectSpec

    @classmethod
    def load(cls, start: Path | str = ".") -> Project:
        """The project that `start` lies in.

        Raises:
            DataError: if neither `start` nor a folder above it holds a `project.yaml`.
            RequestError: if the `project.yaml` is wrong; the message names the key.
        """
        here = Path(start).resolve()
        for folder in (here, *here.parents):
            if (folder / "project.yaml").is_file():
                return cls(root=folder, spec=load_spec(folder / "project.yaml"))
        raise DataError(
            f"{here} is not in a project: no project.yaml here or above.",
            hint="Give the folder that `automl new` wrote, or run the command inside it.",
        )

    @cached_property
    def catalog(self) -> DataCatalog:
        """The catalog of the data that the project was made from, with the cleaning plan of every column."""
        path = self.root / "data" / "catalog.json"
        try:
            return DataCatalog.model_validate_json(path.read_bytes())
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise DataError(f"{path} is not a data catalog: {error}") from error

    @cached_property
    def columns(self) -> list[TrainingColumn]:
        """The columns of the training table, in order."""
        return data_steps.training_columns(self)

    @property
    def target(self) -> str:
        """Name of the target column in the training table."""
        if self.spec.target is None:
            raise DataError(f"{self.root / 'project.yaml'} names no target, and this step needs one.")
        return target_name(self.spec) or self.spec.target.column

    @property
    def source(self) -> Path:
        """Where the raw files are, as the spec says; relative paths count from the project."""
        return (self.root / Path(self.spec.data.source).expanduser()).resolve()

    @property
    def data_source(self) -> Path:
        """Where the files lie that `data/processed` was made from: `source`, or what `make data` was given instead."""
        return (self.root / Path(kept.data_manifest(self).source).expanduser()).resolve()

    def read_tables(
        self, source: Path | str | None = None, *, labelled: bool = True, on_event: EventSink | None = None
    ) -> dict[str, CleanTable]:
        """The tables of the project, read from raw files and cleaned by the plan in `data/catalog.json`.

        Args:
            source: folder or file of raw data of the same layout; None for the recorded one.
            labelled: False when the rows are to be predicted: the target column may then be absent. Else the
                fingerprints of the files are recorded in `data/manifest.json`.
            on_event: gets the progress; None for JSON lines when $AUTOML_EVENTS asks for them.

        Raises:
            DataError: if a file is missing or unreadable.
            SchemaMismatchError: if a table lacks a column; the message names both.
        """
        return data_steps.read_tables(self, source, labelled=labelled, on_event=on_event or sink_from_environment())

    def write_clean(self, tables: Mapping[str, CleanTable]) -> None:
        """Writes `data/clean/<table>.jsonl` and the rejected cells, replacing what was there as a whole."""
        data_steps.write_clean_tables(self, tables)

    def query(self, sql: Path | str, tables: Mapping[str, CleanTable], *, labelled: bool = True) -> pd.DataFrame:
        """The result of the SQL in the file `sql` (relative to the project) over `tables`: one row per entity.

        Rows to predict (`labelled=False`) are looked at from the end of the data, not from a horizon before it.
        """
        return data_steps.query(self, self.root / sql, tables, labelled=labelled)

    def split(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """`rows` that have a target, divided into training rows and the sealed holdout."""
        return data_steps.split(self, rows)

    def save_rows(self, *, train: pd.DataFrame, holdout: pd.DataFrame) -> None:
        """Writes `data/processed/{train,holdout}.parquet`."""
        data_steps.save_rows(self, train=train, holdout=holdout)

    def load_rows(self, part: str) -> pd.DataFrame:
        """The `train` or `holdout` rows; DataError that says how to make them when they are absent."""
        return data_steps.load_rows(self, part)

    def groups(self, rows: pd.DataFrame) -> pd.Series | None:
        """A group label per row that folds must not divide, or None when no entity repeats."""
        return data_steps.groups(self, rows)

    def run(self, *, on_event: EventSink | None = None, resume: bool = False) -> TrainingRun:
        """A new run below `experiments/`, to be used in a `with` statement.

        With `resume` it takes over the finished trials of the last run that was interrupted.
        """
        # Imported where it is needed, as below: what trains and judges takes longer to import than all else.
        from automl_runtime.project.training import TrainingRun

        return TrainingRun(self, on_event=on_event or sink_from_environment(), resume=resume)

    @property
    def data_sha256(self) -> str | None:
        """One hash over the source files in `data/manifest.json`; None before they have been read."""
        path = self.root / "data" / "manifest.json"
        return kept.data_sha256(self) if path.is_file() else None

    @property
    def metrics(self) -> Metrics | None:
        """What the last evaluation measured; None before the first."""
        path = self.root / "reports" / "metrics.json"
        return Metrics.model_validate_json(path.read_bytes()) if path.is_file() else None

    def bundle(self, version: str | None = None) -> Bundle:
        """The verified model bundle of `version` (None: the one in production)."""
        return kept.open_project_bundle(self, version)

    def evaluate(self, build_features: Features, *, on_event: EventSink | None = None) -> Metrics:
        """Scores the model in production on the holdout; writes `reports/`."""
        from automl_runtime.project.evaluating import evaluate

        return evaluate(self, build_features, on_event=on_event or sink_from_environment())

    def predict(
        self,
        build_features: Features,
        source: Path | str,
        output: Path | str | None = None,
        *,
        explain: bool = False,
        on_event: EventSink | None = None,
    ) -> predicting.Predicted:
        """Predicts a file of rows (delimited text, JSON lines, Parquet), or a folder of raw files, into `output`.

        With `explain`, the reasons of each prediction are written beside it.
        """
        sink = on_event or sink_from_environment()
        return predicting.predict(self, build_features, Path(source), output, explain=explain, on_event=sink)

    def forecast(
        self,
        build_features: Features,
        source: Path | str | None = None,
        output: Path | str | None = None,
        *,
        horizon: int | None = None,
        on_event: EventSink | None = None,
    ) -> str:
        """Forecasts the next steps into `output` (.csv, .jsonl, .parquet; None: CSV on standard output).

        Args:
            build_features: of the project.
            source: a file of rows, or a folder of raw files. Rows with a target tell what happened since the model was
                made, and the forecast starts after them; rows without one tell what is known ahead. None: nothing new.
            output: where the forecast goes.
            horizon: how many steps; None: all that the model looks ahead.
            on_event: gets the progress.

        Returns:
            One line for people.

        Raises:
            RequestError: if the horizon is too long, or nothing is told of what must be known ahead.
            SchemaMismatchError: if a column, a step or a series does not fit.
        """
        place = None if source is None else Path(source)
        sink = on_event or sink_from_environment()
        return forecasts.forecast(self, build_features, place, output, horizon, on_event=sink)

    def roll_forward(self, build_features: Features | None = None) -> str:
        """Lets a model of series look back from the end of the data; the version that is now in production.

        Of anomalies in time it needs `build_features`, of a forecast none.
        """
        return pasts.roll_forward(self, build_features)

    def app(self, build_features: Features, settings: Settings | None = None) -> FastAPI:
        """The HTTP service of the project; None: with the usual settings.

        An alias is followed: when it points at another version, that answers from then on.

        Raises:
            RequestError: if other machines would reach it, and nobody has to say who he is.
        """
        from automl_runtime.project.observing import observer_of
        from automl_runtime.serving.app import create_app
        from automl_runtime.serving.dispatching import BatchPolicy
        from automl_runtime.serving.guard import Guard, check_exposure
        from automl_runtime.serving.jobs import JobStore
        from automl_runtime.serving.jobs_app import add_jobs
        from automl_runtime.serving.scorer import Limits
        from automl_runtime.serving.shared_cache import SharedCache

        settings = settings or Settings()
        guard = Guard(self.root / settings.keys, token_key=settings.token_key, per_minute=settings.per_minute)
        check_exposure(guard, settings.host, anonymous=settings.anonymous)
        bundle = self.bundle(settings.model)
        source = ProjectModel(self, settings.model)
        url = settings.cache_redis
        # Other code makes other features of the same row.
        shared = None if url is None else SharedCache(url, salt=code_sha256(self.root) or "")
        app = create_app(
            bundle,
            build_features,
            record_features=record_features(self, bundle),
            metrics=self.metrics,
            limits=Limits(cache_bytes=int(settings.cache_mb * 1e6), shared_cache=shared),
            policy=BatchPolicy(most_rows=settings.batch_rows),
            source=source,
            guard=guard,
            observer=observer_of(settings, self.root),
            name=self.spec.name,
            # A rule is about what is in production; a service of something else has none.
            traffic=source.traffic_source() if settings.model == PRODUCTION else None,
        )
        command = source.job_command()
        if command is not None:
            folders = [self.root / folder for folder in settings.job_folders]
            store = JobStore(
                self.root / settings.jobs, {self.spec.name: command}, allowed=folders, days=settings.job_days
            )
            add_jobs(app, store, workers=settings.job_workers)
        return app
