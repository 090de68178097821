"""Who owns which file of a project: what an update may overwrite, must merge, or must leave alone."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import automl_runtime
from automl_schemas.vocabulary import TaskType

__all__ = ["REPLACED", "RUN_DEPENDENT", "Owner", "generator_name", "owner_of", "run_dependent", "write_ownership"]

Owner = Literal["generated", "seeded", "user"]
"""`generated`: merged with later versions; `seeded`: written once, then the user's to change; `user`: never touched."""

RUN_DEPENDENT: Final[dict[str, list[str]]] = {
    "experiments/*/config.yaml": [
        *("created", "source", "search_seconds"),
        *("leaderboard[].fit_seconds", "leaderboard[].predict_us_per_row"),
    ],
    "experiments/*/events.jsonl": ["seconds", "time"],
    "experiments/*/leaderboard.csv": ["fit_seconds", "predict_us_per_row"],
    "experiments/*/metrics.json": ["run_id", "started", "seconds"],
    "models/*/manifest.json": [
        *("created", "signature", "files[].sha256", "files[].bytes", "training.run_id", "training.seconds"),
        *("training.leaderboard[].fit_seconds", "training.leaderboard[].predict_us_per_row"),
    ],
    "models/*/model/model.json": ["members[].backends"],
    "models/history.jsonl": ["at", "by", "reason"],
    "models/*/model/*.cbm.gz": ["model_guid", "train_finish_time"],
    "models/*/model/forecast.json": ["leaderboard[].fit_seconds", "leaderboard[].predict_us_per_row"],
    "reports/metrics.json": ["seconds", "leaderboard[].fit_seconds", "leaderboard[].predict_us_per_row"],
    "reports/model_card.md": ["created", "seconds", "speeds"],
    "reports/report.html": ["created", "seconds", "fit_seconds", "predict_us_per_row"],
}
"""Run ids, times, durations and measured speeds: all in which two runs of the same spec, data and seed may differ."""

_OF_TASK: Final[dict[TaskType, dict[str, list[str]]]] = {
    "clustering": {
        "models/*/model/clusters.json": ["seconds", "leaderboard[].fit_seconds", "leaderboard[].predict_us_per_row"]
    },
    "multilabel": {
        "models/*/model/multilabel.json": ["seconds", "leaderboard[].fit_seconds", "leaderboard[].predict_us_per_row"]
    },
    "anomaly": {"models/*/model/anomalies.json": ["seconds"]},
}
_SEEDED: Final = frozenset({"project.yaml", ".env.example"})
REPLACED: Final = ("data/", "vendor/")
"""Records and wheels: nobody edits them, so an update replaces them and needs no base to merge from."""


def owner_of(path: str, package: str) -> Owner:
    """The owner of the file at `path` (POSIX, from the root of the project).

    >>> owner_of("src/p/custom_features.py", "p"), owner_of("config/base.yaml", "p"), owner_of("Makefile", "p")
    ('user', 'seeded', 'generated')
    """
    if path == f"src/{package}/custom_features.py":
        return "user"
    return "seeded" if path in _SEEDED or path.startswith("config/") else "generated"


def run_dependent(task: TaskType | None = None) -> dict[str, list[str]]:
    """`RUN_DEPENDENT`, with what only a project of `task` has."""
    return RUN_DEPENDENT | _OF_TASK.get(task, {}) if task is not None else RUN_DEPENDENT


def generator_name() -> str:
    """What generates projects here, with its version, as `automl 0.1.0`."""
    return f"automl {automl_runtime.__version__}"


def write_ownership(
    folder: Path, package: str, task: TaskType | None = None, rendered: Mapping[str, Any] | None = None
) -> None:
    """Writes `.automl/manifest.json` and, for later merges, the pristine text of the files as `.automl/base/`.

    Args:
        folder: of the project, as it was just rendered.
        package: its import package.
        task: of its spec.
        rendered: what the texts were made from besides the records that stand in the project.
    """
    state = folder / ".automl"
    base = state / "base"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    entries = {}
    for name, path in sorted(paths.items()):
        if name.startswith((".automl/", ".git/")):
            continue
        content = path.read_bytes()
        entries[name] = {"owner": owner_of(name, package), "sha256": hashlib.sha256(content).hexdigest()}
        if not name.startswith(REPLACED):
            copy = base / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    manifest = {
        "version": 1,
        "generator": generator_name(),
        "rendered": dict(rendered or {}),
        "files": entries,
        "run_dependent": run_dependent(task),
    }
    (state / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8", newline="\n")
