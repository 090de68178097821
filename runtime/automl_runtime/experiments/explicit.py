"""The same trainings step by step: `Project`, `Dataset`, `Architecture`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl_schemas.catalog import TableEntry

from automl_runtime.data.catalog import Discovery
from automl_runtime.engine.learners.registry import OTHER_NAMES
from automl_runtime.engine.registries import registry
from automl_runtime.errors import RequestError
from automl_runtime.events import EventSink, ignore
from automl_runtime.experiments.experiment import Experiment
from automl_runtime.experiments.run import Run
from automl_runtime.experiments.tables import read_table

__all__ = ["Architecture", "Dataset", "Project"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A file that holds one table."""

    path: Path
    discovery: Discovery

    @classmethod
    def load(cls, path: Path | str, *, on_event: EventSink = ignore) -> Dataset:
        """The table in a CSV, Parquet, JSON lines, Excel ... file, its columns typed.

        Raises:
            DataError: if there is no such file, or not exactly one table in it.
        """
        place = Path(path).expanduser().resolve()
        return cls(place, read_table(place, on_event=on_event))

    @property
    def table(self) -> TableEntry:
        """What is known of the table and its columns."""
        return self.discovery.catalog.tables[0]

    @property
    def columns(self) -> dict[str, str]:
        """The type of each column."""
        return {column.name: column.type for column in self.table.columns}

    def __len__(self) -> int:
        return self.table.rows


@dataclass(frozen=True, slots=True)
class Architecture:
    """A family of models and what is set of it."""

    name: str
    params: dict[str, Any]

    @classmethod
    def from_registry(cls, name: str, **params: Any) -> Architecture:
        """The family called `name` in `automl list architectures`; `params` are settings of it.

        Raises:
            RequestError: if there is no such family, naming the nearest; settings are checked when it is trained.
        """
        registry("architectures").named(OTHER_NAMES.get(name, name))
        return cls(name, params)


class Project:
    """Trainings that belong together; their runs are kept in `folder/name/family/experiment`."""

    def __init__(self, name: str, *, folder: Path | str = ".") -> None:
        """`name` must be usable as the name of a folder; nothing is written before the first training."""
        self.name, self.folder = name, Path(folder).expanduser().resolve()

    def train(
        self,
        dataset: Dataset,
        architecture: Architecture | None = None,
        *,
        target: str | None = None,
        on_event: EventSink = ignore,
        cancel: Callable[[], bool] | None = None,
        **settings: Any,
    ) -> Run:
        """Trains on `dataset`; the run is the same as that of an `Experiment` with these settings.

        Args:
            dataset: the table.
            architecture: the only family of models; None: all that suit.
            target: the column to predict; None to look for groups or strange rows.
            on_event: gets the events of reading and training.
            cancel: a `CancellationToken` or a function that is polled; True ends the training.
            **settings: other keys of an `ExperimentConfig` (`task`, `metric`, `drop`, `seed`, `training={...}` ...);
                those of `training` may stand by themselves, as `budget_seconds=20`.

        Raises:
            RequestError: if a setting is wrong, or parts do not go together; nothing has been trained then.
            DataError: if the data cannot be used.
            TrainingError: if nothing can be learned.
        """
        config = {"project": self.name, "dataset": str(dataset.path), "target": target, **_sorted_in(settings)}
        if architecture is not None:
            config |= {"architecture": architecture.name, "params": architecture.params or None}
        origin = f"Project({self.name!r}).train"
        experiment = Experiment(config, self.folder, origin=origin, discovery=dataset.discovery)
        return experiment.run(on_event=on_event, cancel=cancel)


def _sorted_in(settings: dict[str, Any]) -> dict[str, Any]:
    from automl_schemas.experiment import ExperimentTraining

    inner = {name: value for name, value in settings.items() if name in ExperimentTraining.model_fields}
    outer = {name: value for name, value in settings.items() if name not in inner}
    if not inner:
        return outer
    training = outer.get("training", {})
    both = sorted(inner.keys() & training.keys())
    if both:
        raise RequestError(f"`{both[0]}` is given twice: by itself and in `training`.")
    return {**outer, "training": {**training, **inner}}
