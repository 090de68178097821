"""From the folders of runs to the run store."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from automl_schemas.metrics import Metrics, RunRecord, score_or_none
from automl_schemas.vocabulary import higher_is_better

from automl_runtime.errors import AutomlError
from automl_runtime.tracking.runs import CONFIG, METRICS, RECORD, read_run, run_names
from automl_runtime.tracking.store import RunFacts, RunRow, RunStore, Score

__all__ = ["EVALUATORS", "STORE", "ProjectRuns", "index_run", "open_index", "read_config", "run_facts"]

STORE = "runs.db"
"""The store of a project, below its `experiments/`; $AUTOML_STORE names another one."""

EVALUATORS = {
    "binary": "classification",
    "multiclass": "classification",
    "multilabel": "classification",
    "regression": "regression",
    "forecast": "time_series",
    "clustering": "clustering",
    "anomaly": "anomaly",
}
"""The evaluator of each task."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProjectRuns:
    """The runs of one project in a store."""

    store: RunStore
    root: str

    def rows(self, *, where: str | None = None, sort: str | None = None) -> list[RunRow]:
        """The runs as they stand; see `RunStore.runs`."""
        return self.store.runs(where=where, sort=sort, root=self.root)

    def scores(self, run_id: str) -> list[Score]:
        """The scores of a run."""
        return self.store.scores(self.root, run_id)


@contextmanager
def open_index(project: Path) -> Iterator[ProjectRuns]:
    """The runs of the project in the folder `project`, brought up to date from `experiments/`.

    They are kept in $AUTOML_STORE (a file, or the URL of a database), else in the project's own store; of a project
    that cannot be written they are read into memory.

    Raises:
        DataError: if the store cannot be read or written.
    """
    experiments = project / "experiments"
    shared = os.environ.get("AUTOML_STORE")
    own = experiments / STORE if os.access(experiments, os.W_OK) else ":memory:"
    root = str(project.resolve()) if shared else "."
    with RunStore.open(shared or own) as store:
        known = store.changes(root)
        changed = [name for name in run_names(experiments) if _may_be_new(experiments, name, known)]
        found = [facts for name in changed if (facts := run_facts(experiments / name)) is not None]
        news = [facts for facts in found if known.get(facts.run_id) != (facts.status, facts.changed)]
        if news:
            store.add(root, project.resolve().name, news)
        yield ProjectRuns(store, root)


def index_run(project: Path) -> None:
    """Takes what is new in `experiments/` into the store; what goes wrong is logged, for the folders have it all."""
    try:
        with open_index(project):
            pass
    except AutomlError as error:
        _log.warning("The run was not indexed: %s", error)


def run_facts(folder: Path) -> RunFacts | None:
    """What the folder of a run tells; None when it holds no record."""
    changed = _changed(folder)
    record = read_run(folder)
    if record is None:
        return None
    metrics = _metrics(folder)
    config = read_config(folder) if record.cv is not None else {}
    low, high = map(score_or_none, metrics.holdout_ci) if metrics is not None else (None, None)
    spec = config.get("spec", {})
    names = set(RunFacts.__dataclass_fields__) & set(RunRecord.model_fields)
    return RunFacts(
        **{name: getattr(record, name) for name in names},
        changed=changed,
        higher_is_better=higher_is_better(record.metric),
        low=low,
        high=high,
        source=str(spec.get("data", {}).get("source", "")),
        evaluator=EVALUATORS.get(spec.get("task", {}).get("type", ""), ""),
        **_best_trial(config),
    )


def _best_trial(config: Mapping[str, Any]) -> dict[str, Any]:
    """Architecture and preprocessing of the best model that is no ensemble."""
    trials = {trial["model"]: trial for trial in config.get("executed_trials", ())}
    for row in config.get("leaderboard", ()):
        trial = trials.get(row["model"])
        if trial is not None:
            plan = {"recipe": trial.get("recipe"), **trial["plan"]}
            return {
                "architecture": (trial["model"], trial["learner"], trial["params"]),
                "preprocessor": (str(trial.get("recipe", "")), plan),
            }
    return {}


def _may_be_new(experiments: Path, name: str, known: Mapping[str, tuple[str, int]]) -> bool:
    """Also what ran when it was last looked at: it may have ended without a word."""
    status, changed = known.get(name, ("running", 0))
    return status == "running" or changed != _changed(f"{experiments}/{name}")


def _changed(folder: Path | str) -> int:
    try:
        # Of ten thousand runs; making a Path takes ten times as long as the look.
        return os.stat(f"{folder}/{RECORD}").st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


def _metrics(folder: Path) -> Metrics | None:
    try:
        return Metrics.model_validate_json((folder / METRICS).read_bytes())
    except (OSError, ValueError):
        return None


def read_config(folder: Path) -> Mapping[str, Any]:
    """The `config.yaml` of the run in `folder`; empty before it is written."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load((folder / CONFIG).read_text(encoding="utf-8"), Loader=loader)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}
