"""One training run of a project, from its first event to the bundle in production."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
from automl_schemas.bundle import TrainingSummary
from automl_schemas.metrics import score_or_none

from automl_runtime.data.inputs import input_schema
from automl_runtime.engine.anomaly.model import AnomalyModel
from automl_runtime.engine.checkpoint import CHECKPOINT_FILE
from automl_runtime.engine.clustering.model import ClusterModel
from automl_runtime.engine.forecasting.forecaster import Forecaster
from automl_runtime.engine.model import Model
from automl_runtime.engine.multilabel.model import MultilabelModel
from automl_runtime.errors import Cancelled, DataError, RequestError, shorten
from automl_runtime.events import Event, EventSink, TerminalEvent, TrainingCompleted, TrainingFailed
from automl_runtime.monitoring.reference import sketch
from automl_runtime.project.code import code_sha256
from automl_runtime.project.logs import bind_run
from automl_runtime.registry.aliases import PRODUCTION, next_version, set_alias
from automl_runtime.registry.bundle import write_bundle
from automl_runtime.registry.signing import trust
from automl_runtime.tracking.circumstances import circumstances
from automl_runtime.tracking.index import index_run
from automl_runtime.tracking.mlflow_sink import live_run
from automl_runtime.tracking.runs import RunFolder

if TYPE_CHECKING:
    from automl_runtime.project.layout import Project

__all__ = ["TrainingRun", "last_checkpoint"]

Trained = Model | Forecaster | ClusterModel | AnomalyModel | MultilabelModel

_CHECKPOINT = "checkpoint"
_MEMORY = ".automl"
"""Of a workspace, beside its `projects/`."""


class TrainingRun:
    """A run below `experiments/`; use it in a `with` statement and call `save` once.

    Leaving the block without an error marks the run as completed, with one as failed or cancelled. Inside the block
    SIGTERM cancels, as Ctrl-C does.
    """

    def __init__(self, project: Project, *, on_event: EventSink, resume: bool = False) -> None:
        """Begins when the block is entered."""
        self._project = project
        self._pass_on = on_event
        self._resume = resume
        self._folder: RunFolder | None = None
        self._checkpoint: Path | None = None
        self._on_term: Any = None
        self._open = contextlib.ExitStack()
        self._mlflow: EventSink | None = None

    @property
    def budget_seconds(self) -> float:
        """Seconds that the search may take: $AUTOML_BUDGET_SECONDS, else what `project.yaml` says."""
        given = os.environ.get("AUTOML_BUDGET_SECONDS")
        if given is None:
            return self._project.spec.training.budget_seconds
        try:
            seconds = float(given)
        except ValueError:
            seconds = 0.0
        if not seconds > 0:
            raise RequestError(f"AUTOML_BUDGET_SECONDS is {shorten(given)}; a number of seconds above 0 is needed.")
        return seconds

    @property
    def folder(self) -> RunFolder:
        """The run's folder, inside the `with` block only."""
        if self._folder is None:
            raise RuntimeError("a TrainingRun is used in a `with` statement")
        return self._folder

    @property
    def memory(self) -> Path | None:
        """Where the searches of a workspace leave what they learned; None for a project that lies in none.

        None too where the number of trials is fixed: the same trials shall then be done whatever was learned before.
        """
        projects = self._project.root.resolve().parent.parent
        if self._project.spec.training.trials is not None or projects.name != "projects":
            return None
        return projects.parent / _MEMORY

    @property
    def checkpoint(self) -> Path:
        """Where `fit` keeps finished trials until the model is saved; that of the interrupted run when resuming."""
        return self._checkpoint or self.folder.path / _CHECKPOINT

    def on_event(self, event: Event) -> None:
        """Records `event` in `events.jsonl` and passes it on.

        The terminal event of `fit` is left out: the run ends when its model has been saved, and says so itself.
        """
        if not isinstance(event, TerminalEvent):
            self._tell(event)

    def _tell(self, event: Event) -> None:
        self.folder.on_event(event)
        self._pass_on(event)
        if self._mlflow is not None:
            self._mlflow(event)

    def save(
        self,
        model: Trained,
        *,
        inputs: pd.DataFrame,
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Writes the model as the next version, signed, and puts it into production.

        Args:
            model: what `fit` returned.
            inputs: the training rows that the features were built from; their columns become the request schema. Those
                of a forecast hold the target too, for requests may tell what happened since.
            config: what else the `config.yaml` of the run says.

        Returns:
            The version, as `v001`.
        """
        project = self._project
        unlabelled = isinstance(model, ClusterModel | AnomalyModel)
        target = "" if unlabelled and project.spec.target is None else project.target
        schema = input_schema(project.columns, inputs, "" if isinstance(model, Forecaster) else target)
        version = next_version(project.root / "models")
        board = model.leaderboard()
        if isinstance(model, Model):
            model = model.with_backends(inexact=project.spec.deployment.inexact_backends)
        manifest = write_bundle(
            model,
            schema,
            project.root / "models" / version,
            version=version,
            target=target,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            reference=sketch(_compared(inputs, model), schema, _predictions(model)).model_dump(mode="json"),
            features_sha256=code_sha256(project.root),
            training=TrainingSummary(
                run_id=self.folder.run_id,
                data_sha256=project.data_sha256,
                rows=len(inputs),
                seconds=round(model.seconds, 3),
                cv=model.cv,
                best_model=model.best_model,
                trials=len(model.trials),
                leaderboard=board,
            ),
            trials=model.trials,
        )
        if manifest.signature is not None:
            trust(project.root / ".automl" / "trusted_keys", manifest.signature.public_key)
        set_alias(project.root / "models", PRODUCTION, version, reason=f"trained in {self.folder.run_id}")
        self.folder.write_leaderboard(board)
        self.folder.write_config(
            {
                **(config or {}),
                "model_version": version,
                **circumstances(project.source),
                "rows": len(inputs),
                "spec": project.spec.model_dump(mode="json"),
                "leaderboard": [row.model_dump(mode="json") for row in board],
                "executed_trials": model.trials,
                "search_seconds": round(model.seconds, 3),
            }
        )
        self.folder.update(cv=score_or_none(model.cv), best_model=model.best_model, rows=len(inputs))
        shutil.rmtree(self.checkpoint, ignore_errors=True)
        return version

    def __enter__(self) -> Self:
        project = self._project
        experiments = project.root / "experiments"
        if self._resume:
            self._checkpoint = last_checkpoint(experiments)
            if self._checkpoint is None:
                raise RequestError(
                    f"No interrupted training lies in {experiments}: there is nothing to resume.",
                    hint="Train without --resume.",
                )
        self._folder = RunFolder.create(experiments, project.spec.metric.name)
        resumed = None if self._checkpoint is None else self._checkpoint.parent.name
        self._folder.update(seed=project.spec.seed, data_sha256=project.data_sha256, resumed=resumed)
        bind_run(project.spec.name, self._folder.run_id)
        index_run(project.root)
        self._mlflow = self._open.enter_context(live_run(project.root, self._folder.path))
        if threading.current_thread() is threading.main_thread():
            self._on_term = signal.signal(signal.SIGTERM, signal.default_int_handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on_term is not None:
            signal.signal(signal.SIGTERM, self._on_term)
        self._say_end(error)
        self.folder.__exit__(kind, error, trace)
        self._open.close()
        index_run(self._project.root)
        if isinstance(error, Cancelled) and (self.checkpoint / CHECKPOINT_FILE).is_file():
            raise Cancelled(error.message, hint="It goes on from there with `automl train --resume`.") from error

    def _say_end(self, error: BaseException | None) -> None:
        run_id = self.folder.run_id
        if error is None:
            record = self.folder.record
            scores: dict[str, float] = {} if record.cv is None else {record.metric: record.cv}
            self._tell(TrainingCompleted(run_id, scores))
        else:
            cancelled = isinstance(error, Cancelled | KeyboardInterrupt)
            # The error that ended the run is worth more than one about its folder or about who listens.
            with contextlib.suppress(OSError, DataError):
                self._tell(TrainingFailed.of(error, cancelled=cancelled, run_id=run_id))


def _compared(inputs: pd.DataFrame, model: Trained) -> pd.DataFrame:
    """The columns by which later rows are compared with training: the moments of anomalies in time are always later."""
    if isinstance(model, AnomalyModel) and model.windows is not None:
        return inputs.drop(columns=model.windows.time)
    return inputs


def _predictions(model: Trained) -> pd.Series | pd.DataFrame | None:
    """What the model predicted out of fold; see `monitoring.reference.sketch`."""
    if isinstance(model, MultilabelModel):
        return model.oof
    if not isinstance(model, Model):
        return None
    if not model.classes:
        return model.oof.iloc[:, 0].astype(float)
    if len(model.classes) == 2:
        return model.oof[model.positive].astype(float)
    return pd.Series(model.fitted.decide(model.oof.to_numpy())).astype(str)


def last_checkpoint(experiments: Path) -> Path | None:
    """That of the newest run that was interrupted after its search had begun; None where there is none."""
    found = [path.parent for path in experiments.glob(f"run_*/{_CHECKPOINT}/{CHECKPOINT_FILE}")]
    return max(found, key=lambda path: int(path.parent.name.split("_")[1]), default=None)
