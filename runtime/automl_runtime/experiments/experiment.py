"""`Experiment`: a training described by a file, which can be changed, run, and run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from automl_schemas.experiment import ExperimentConfig
from automl_schemas.spec import ProjectSpec

from automl_runtime.contracts import parse_model
from automl_runtime.data.catalog import Discovery
from automl_runtime.data.lineage import fingerprint
from automl_runtime.engine.strategies.registry import check_strategy
from automl_runtime.errors import RequestError, shorten
from automl_runtime.events import EventSink, Warned, ignore
from automl_runtime.experiments.run import Run
from automl_runtime.experiments.settings import Settings
from automl_runtime.experiments.tables import make_table, read_table
from automl_runtime.experiments.training import Wishes, train_project, train_table
from automl_runtime.files import write_text
from automl_runtime.project.code import code_of, prepare_rows
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
        discovery: Discovery | None = None,
    ) -> None:
        """Holds the settings of an `ExperimentConfig`, or of the `ProjectSpec` of the project in `folder`.

        Args:
            config: the settings.
            folder: where runs are kept, and from where relative paths count.
            origin: how the settings are called in messages.
            trials: of an earlier run with these settings.
            data_sha256: of the data that they were executed on.
            discovery: what was found in the dataset, when it has been read already.

        Raises:
            RequestError: if a setting is wrong; the message names its path, and what was meant.
        """
        self._origin, self._folder = origin, Path(folder).resolve()
        self._trials, self._data_sha256 = trials or None, data_sha256
        self._discovery = discovery
        self._contract: type[ExperimentConfig] | type[ProjectSpec] = (
            ExperimentConfig if "project" in config or "dataset" in config else ProjectSpec
        )
        self._read = self._parsed(config).model_dump(mode="json")
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
        folder = content.get("folder") or Project.load(path.parent).root
        return cls(
            small if small is not None else content.get("spec", {}),
            str(folder),
            origin=str(path),
            trials=content["executed_trials"],
            data_sha256=content.get("data_sha256"),
        )

    def run(
        self,
        *,
        max_trials: int | None = None,
        on_event: EventSink = ignore,
        cancel: Callable[[], bool] | None = None,
    ) -> Run:
        """Trains, and evaluates and exports as the configuration says.

        Args:
            max_trials: ends the search earlier than its budget, after so many trials.
            on_event: gets the events of reading and training.
            cancel: a `CancellationToken` or a function that is polled; True ends the training.

        Raises:
            RequestError: if a setting is wrong, or parts do not go together; nothing has been trained then.
            DataError: if the data cannot be used.
            TrainingError: if nothing can be learned.
            Cancelled: after `cancel` said so, or Ctrl-C.
        """
        settings = self.config.to_dict()
        parsed = self._parsed(settings)
        trials = self._trials if settings == self._read else None
        wishes = Wishes(on_event=on_event, cancel=cancel, replay=trials, max_trials=max_trials)
        if isinstance(parsed, ProjectSpec):
            return self._run_project(parsed, wishes)
        return self._run_table(parsed, wishes)

    def tune(
        self,
        path: Path | str = "best_config.yaml",
        *,
        trials: int = 50,
        timeout_seconds: float = 3600.0,
        strategy: str | None = None,
        on_event: EventSink = ignore,
        cancel: Callable[[], bool] | None = None,
    ) -> Run:
        """Searches until one of the limits is reached, and writes what it found as a configuration to `path`.

        `Experiment.from_config(path).run()` trains just the models that were chosen, with their settings.

        Raises:
            RequestError: if a limit is not positive, or there is no such strategy; else as `run`.
        """
        if trials < 1 or not timeout_seconds > 0:
            raise RequestError("A search needs at least one trial and a timeout above 0 seconds.")
        settings = self.config.to_dict()
        changed: dict[str, Any] = {"budget_seconds": timeout_seconds, "trials": None}
        changed |= {} if strategy is None else {"strategy": strategy}
        settings["training"] = {**settings["training"], **changed}
        search = Experiment(settings, self._folder, origin=self._origin)
        run = search.run(max_trials=trials, on_event=on_event, cancel=cancel)
        best = dict(_content(run.path / "config.yaml"))
        best["executed_trials"] = [trial for trial in run.model.trials if trial["model"] in run.model.weights]
        write_text(Path(path), yaml.safe_dump(best, sort_keys=False, allow_unicode=True, width=110))
        return run

    def _parsed(self, settings: Mapping[str, Any]) -> ExperimentConfig | ProjectSpec:
        parsed = parse_model(self._contract, settings, origin=self._origin)
        check_strategy(parsed.training.strategy)
        return parsed

    def _run_project(self, spec: ProjectSpec, wishes: Wishes) -> Run:
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
        self._warn_of_change(project.data_sha256, wishes)
        wishes = replace(wishes, config={"folder": str(project.root), "data_sha256": project.data_sha256})
        run = train_project(Project(project.root, spec), code_of(project), wishes, generated=True)
        run.evaluate()
        return run

    def _run_table(self, config: ExperimentConfig, wishes: Wishes) -> Run:
        on_event = wishes.on_event
        path = (self._folder / Path(config.dataset).expanduser()).resolve()
        known = self._discovery is not None and self._discovery.root == path
        discovery = self._discovery if known else None
        table = make_table(config, discovery or read_table(path, on_event=on_event), on_event=on_event)
        told = {"dataset": str(path), "task": table.spec.task.type, "metric": table.spec.metric.name}
        expanded = config.model_copy(update=told)
        home = self._folder / config.project / config.family / config.experiment
        sha = fingerprint(table.manifest)
        self._warn_of_change(sha, wishes)
        wishes = replace(
            wishes,
            params=_params(config),
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

    def _warn_of_change(self, sha256: str | None, wishes: Wishes) -> None:
        if wishes.replay is not None and self._data_sha256 not in (None, sha256):
            wishes.on_event(Warned("The data have changed since these trials were executed: the scores will differ."))


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
