"""Runs in MLflow (the extra `mlflow`): live while they go on, or exported from their folders; the same comes out.

An MLflow run has the name of ours, its settings as parameters, the score of every trial and the losses of epochs as
metrics with steps, and the files of the run and its model as artifacts.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from automl_runtime.errors import DataError, MissingExtraError
from automl_runtime.events import Delivery, EpochCompleted, Event, TrialFinished
from automl_runtime.tracking.compare import flatten
from automl_runtime.tracking.index import read_config
from automl_runtime.tracking.runs import LoggedEvent, read_events, read_run

__all__ = ["MlflowRun", "export_run", "live_run", "update_live_run"]

_TAG = "automl.run"
_STATUS = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}
_FILES = ("run.json", "config.yaml", "events.jsonl", "metrics.json", "leaderboard.csv")
_NOT_IN_NAMES = re.compile(r"[^\w\-. /:]")
_SECRETS = re.compile(r"//[^/@]*@")
_LONGEST_VALUE = 500
_BATCH = 100
_log = logging.getLogger(__name__)


class MlflowRun:
    """One of our runs in MLflow. Not thread-safe: hand events on through a `Delivery`."""

    def __init__(self, client: Any, mlflow_id: str) -> None:
        """Use `open`."""
        self._client = client
        self._id = mlflow_id

    @classmethod
    def open(cls, uri: str, project: Path, run: Path) -> tuple[Self, bool]:
        """The run of ours in the folder `run` in MLflow, and whether it was made now.

        Args:
            uri: of the tracking server or database; a folder means the SQLite database `mlflow.db` in it.
            project: folder of the project; its name is that of the experiment.
            run: folder of the run.

        Raises:
            MissingExtraError: if MLflow is not installed.
            DataError: if the server says no.
        """
        with _errors(uri):
            client, home = _client(uri)
            experiment = client.get_experiment_by_name(project.resolve().name)
            if experiment is None:
                experiment_id = client.create_experiment(project.resolve().name, artifact_location=home)
            else:
                experiment_id = experiment.experiment_id
            tag = f"{project.resolve()}/{run.name}"
            found = client.search_runs([experiment_id], f"tags.`{_TAG}` = '{tag.replace(chr(39), '_')}'", max_results=1)
            if found:
                return cls(client, found[0].info.run_id), False
            record = read_run(run)
            if record is None:
                raise DataError(f"{run} holds no record of a run.")
            started = int(datetime.fromisoformat(record.started).timestamp() * 1000)
            tags = {_TAG: tag.replace(chr(39), "_")}
            made = client.create_run(experiment_id, start_time=started, tags=tags, run_name=run.name)
            return cls(client, made.info.run_id), True

    def on_event(self, event: Event) -> None:
        """Logs what has a number, as of now."""
        self._log([_metrics_of(event, int(time.time() * 1000))])

    def replay(self, events: Iterator[LoggedEvent], started: str) -> None:
        """Logs events that were recorded, at the time when they came."""
        begin = datetime.fromisoformat(started).timestamp()
        self._log(_metrics_of(logged.event, int((begin + logged.at) * 1000)) for logged in events)

    def finish(self, project: Path, run: Path) -> None:
        """Logs parameters, final scores and files of the run in the folder `run`, as far as they are there."""
        record, config = read_run(run), read_config(run)
        if record is None:
            return
        known = self._client.get_run(self._id).data
        parameters = {**dict(flatten(config.get("spec", {}))), "best_model": record.best_model, "rows": record.rows}
        self._parameters({name: value for name, value in parameters.items() if value is not None}, known.params)
        scores = {name: getattr(record, name) for name in ("cv", "holdout", "seconds", "trials")}
        for name, value in scores.items():
            if value is not None and known.metrics.get(name) != float(value):
                self._client.log_metric(self._id, name, float(value))
        for name in _FILES:
            if (run / name).is_file():
                self._client.log_artifact(self._id, str(run / name))
        folders = {"plots": run / "plots", "model": project / "models" / str(config.get("model_version", ""))}
        for name, folder in folders.items():
            if (name != "model" or "model_version" in config) and folder.is_dir() and any(folder.iterdir()):
                self._client.log_artifacts(self._id, str(folder), name)
        end = int((datetime.fromisoformat(record.started).timestamp() + record.seconds) * 1000)
        if record.status in _STATUS:
            self._client.set_terminated(self._id, _STATUS[record.status], end)

    def _log(self, batches: Any) -> None:
        from mlflow.entities import Metric

        waiting: list[Any] = []
        for values in batches:
            waiting += [Metric(*each) for each in values]
            if len(waiting) >= _BATCH:
                self._client.log_batch(self._id, metrics=waiting)
                waiting = []
        if waiting:
            self._client.log_batch(self._id, metrics=waiting)

    def _parameters(self, values: Mapping[str, Any], known: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        # MLflow refuses to change a parameter.
        named = {_NOT_IN_NAMES.sub("_", name): str(value)[:_LONGEST_VALUE] for name, value in values.items()}
        new = [Param(name, value) for name, value in named.items() if name not in known]
        for first in range(0, len(new), _BATCH):
            self._client.log_batch(self._id, params=new[first : first + _BATCH])


def export_run(uri: str, project: Path, run: Path) -> bool:
    """Puts the run in the folder `run` into MLflow; False when it was there, and got only what is new.

    Raises:
        MissingExtraError: if MLflow is not installed.
        DataError: if the server says no, or the folder holds no run.
    """
    sink, made = MlflowRun.open(uri, project, run)
    record = read_run(run)
    with _errors(uri):
        if made and record is not None:
            sink.replay(read_events(run), record.started)
        sink.finish(project, run)
    return made


@contextmanager
def live_run(project: Path, run: Path) -> Iterator[Any]:
    """A sink for the events of a run that begins: into MLflow where $AUTOML_MLFLOW names a server, else nowhere.

    A slow or failing server harms nothing: it is logged. The rest of the run is sent at the end of the block.

    Raises:
        MissingExtraError: if $AUTOML_MLFLOW is set and MLflow is not installed.
    """
    uri = os.environ.get("AUTOML_MLFLOW")
    if not uri:
        yield None
        return
    try:
        sink, _ = MlflowRun.open(uri, project, run)
    except DataError as error:
        _log.warning("%s", error)
        yield None
        return
    delivery = Delivery(sink.on_event)
    try:
        yield delivery
    finally:
        delivery.close(patience=10.0)
        update_live_run(project, run)


def update_live_run(project: Path, run: Path) -> None:
    """Sends what is new in the folder `run` to the server in $AUTOML_MLFLOW, if there is one; failures are logged."""
    uri = os.environ.get("AUTOML_MLFLOW")
    if uri:
        try:
            export_run(uri, project, run)
        except DataError as error:
            _log.warning("%s", error)


def _metrics_of(event: Event, at: int) -> list[tuple[str, float, int, int]]:
    """Key, value, time in milliseconds, step."""
    if isinstance(event, TrialFinished):
        values = {"trial_score": event.score, "best_score": event.best, "trial_seconds": event.seconds}
        step = event.number
    elif isinstance(event, EpochCompleted):
        place = f"{event.model}/{'all_rows' if event.fold is None else f'fold_{event.fold}'}"
        values = {f"train_loss/{place}": event.train_loss, f"val_loss/{place}": event.val_loss}
        step = event.epoch
    else:
        return []
    named = {_NOT_IN_NAMES.sub("_", name): value for name, value in values.items()}
    return [(name, float(value), at, step) for name, value in named.items() if value is not None]


def _client(uri: str) -> tuple[Any, str | None]:
    """A client, and where a database of files keeps its artifacts: beside it."""
    # MLflow counts its users over the network unless told not to.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        raise MissingExtraError(package="mlflow", extra="mlflow") from error
    if "://" not in uri:
        folder = Path(uri).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{folder / 'mlflow.db'}"
    home = Path(uri.removeprefix("sqlite:///")).resolve().parent / "artifacts" if uri.startswith("sqlite:///") else None
    return MlflowClient(tracking_uri=uri), None if home is None else home.as_uri()


@contextmanager
def _errors(uri: str) -> Iterator[None]:
    try:
        yield
    except (MissingExtraError, DataError):
        raise
    except Exception as error:
        # MLflow lets through whatever its stores, drivers and HTTP client raise.
        shown = _SECRETS.sub("//***@", uri)
        raise DataError(f"MLflow at {shown} cannot be used: {type(error).__name__}: {str(error)[:300]}") from error
