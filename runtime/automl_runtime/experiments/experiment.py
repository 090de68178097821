"""`Experiment`: a training described by a file, which can be changed, run, and run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from automl_schemas.experiment import ExperimentConfig
from automl_schemas.spec import ProjectSpec

from automl_runtime.contracts import parse_model
from automl_runtime.data.lineage import fingerprint
from automl_runtime.errors import RequestError, shorten
from automl_runtime.events import EventSink, Warned, ignore
from automl_runtime.experiments.parts import code_of, prepare_rows
from automl_runtime.experiments.run import Run
from automl_runtime.experiments.settings import Settings
from automl_runtime.experiments.tables import make_table, read_table
from automl_runtime.experiments.training import Wishes, train_project, train_table
from automl_runtime.project.layout import Project

__all__ = ["Experiment"]

_OF_THE_DATA = ("version", "name", "task", "target", "data", "answers")
"""What the code and the rows of a generated project were made from."""


class Experiment:
    """A configuration, and what can be done with it.

        experiment = Experiment.from_config("experiment.yaml")
        experiment.config.training.budget_seconds = 20
        run = experiment.run()
        run.evaluate(), run.export(format="onnx")

    `config` is checked when it is used. A configuration that was read from a finished run holds its trials: unless
    something is changed, they are executed again, with the same outcome.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        folder: Path | str = ".",
        *,
        origin: str = "configuration",
        trials: Sequence[Mapping[str, Any]] | None = None,
        data_sha256: str | None = None,
    ) -> None:
        """Holds the settings of an `ExperimentConfig`, or of the `ProjectSpec` of the project in `folder`.

        Args:
            config: the settings.
            folder: where runs are kept, and from where relative paths count.
            origin: how the settings are called in messages.
            trials: of an earlier run with these settings.
            data_sha256: of the data that they were executed on.

        Raises:
            RequestError: if a setting is wrong; the message names its path, and what was meant.
        """
        self._origin, self._folder = origin, Path(folder).resolve()
        self._trials, self._data_sha256 = trials or None, data_sha256
        self._contract: type[ExperimentConfig] | type[ProjectSpec] = (
            ExperimentConfig if "project" in config or "dataset" in config else ProjectSpec
        )
        read = parse_model(self._contract, config, origin=origin)
        self._read = read.model_dump(mode="json")
        self.config: Any = Settings(self._read)
        """The settings, to be changed by attribute."""

    @classmethod
    def from_config(cls, path: Path | str) -> Experiment:
        """The experiment in a YAML (or JSON) file.

        That is a small configuration (`project`, `dataset`, `target` ...), the `project.yaml` of a generated project,
        or the `config.yaml` of a run.

        Raises:
            RequestError: if the file cannot be read or a setting is wrong; the message names its path.
        """
        path = Path(path).expanduser()
        content = _content(path)
        if "executed_trials" not in content:
            return cls(content, path.parent, origin=str(path))
        small = content.get("experiment")
        folder = content.get("folder") if small is not None else Project.load(path.parent).root
        return cls(
            small if small is not None else content.get("spec", {}),
            str(folder),
            origin=str(path),
            trials=content["executed_trials"],
            data_sha256=content.get("data_sha256"),
        )

    def run(self, *, on_event: EventSink = ignore, cancel: Callable[[], bool] | None = None) -> Run:
        """Trains, and evaluates and exports as the configuration says.

        Args:
            on_event: gets the events of reading and training.
            cancel: a `CancellationToken` or a function that is polled; True ends the training.

        Raises:
            RequestError: if a setting is wrong, or parts do not go together; nothing has been trained then.
            DataError: if the data cannot be used.
            TrainingError: if nothing can be learned.
            Cancelled: after `cancel` said so, or Ctrl-C.
        """
        settings = self.config.to_dict()
        parsed = parse_model(self._contract, settings, origin=self._origin)
        trials = self._trials if settings == self._read else None
        if isinstance(parsed, ProjectSpec):
            return self._run_project(parsed, trials, on_event, cancel)
        return self._run_table(parsed, trials, on_event, cancel)

    def _run_project(
        self,
        spec: ProjectSpec,
        trials: Sequence[Mapping[str, Any]] | None,
        on_event: EventSink,
        cancel: Callable[[], bool] | None,
    ) -> Run:
        project = Project.load(self._folder)
        for name in _OF_THE_DATA:
            if getattr(spec, name) != getattr(project.spec, name):
                raise RequestError(
                    f"`{name}` is not what {project.root / 'project.yaml'} says, from which the code and the rows of "
                    "the project were made.",
                    hint="Here `training`, `metric` and `seed` can be changed; for all else: automl update",
                )
        if spec.task.type not in ("binary", "multiclass", "regression"):
            raise RequestError(f"A project of the task {spec.task.type} is trained by its own `make train`.")
        prepare_rows(project)
        self._warn_of_change(project.data_sha256, trials, on_event)
        wishes = Wishes(on_event=on_event, cancel=cancel, replay=trials, config={"data_sha256": project.data_sha256})
        run = train_project(Project(project.root, spec), code_of(project), wishes, generated=True)
        run.evaluate()
        return run

    def _run_table(
        self,
        config: ExperimentConfig,
        trials: Sequence[Mapping[str, Any]] | None,
        on_event: EventSink,
        cancel: Callable[[], bool] | None,
    ) -> Run:
        path = (self._folder / Path(config.dataset).expanduser()).resolve()
        table = make_table(config, read_table(path, on_event=on_event), on_event=on_event)
        told = {"dataset": str(path), "task": table.spec.task.type, "metric": table.spec.metric.name}
        expanded = config.model_copy(update=told)
        home = self._folder / config.project / config.family / config.experiment
        sha = fingerprint(table.manifest)
        self._warn_of_change(sha, trials, on_event)
        wishes = Wishes(
            on_event=on_event,
            cancel=cancel,
            params=_params(config),
            replay=trials,
            evaluator=config.evaluation.evaluator,
            clusters=config.clusters,
            contamination=config.contamination,
            config={
                "experiment": expanded.model_dump(mode="json"),
                "folder": str(self._folder),
                "data_sha256": sha,
            },
        )
        run = train_table(table, home, wishes)
        if config.evaluation.auto:
            run.evaluate()
        if config.export.auto:
            run.export(config.export.format)
        return run

    def _warn_of_change(
        self, sha256: str | None, trials: Sequence[Mapping[str, Any]] | None, on_event: EventSink
    ) -> None:
        if trials is not None and self._data_sha256 not in (None, sha256):
            on_event(Warned("The data have changed since these trials were executed: the scores will differ."))


def _params(config: ExperimentConfig) -> dict[str, Any] | None:
    learning = {"epochs": config.training.epochs, "batch": config.training.batch_size}
    given = dict(config.params or {}) | {name: value for name, value in learning.items() if value is not None}
    return given or None


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, yaml.YAMLError) as error:
        raise RequestError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RequestError(f"{path} holds {shorten(content)}; a mapping of keys is needed.")
    return content
