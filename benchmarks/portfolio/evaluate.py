"""Errors of every candidate on public tables: `python -m benchmarks.portfolio.evaluate`; what is there is not repeated.

One candidate after the other on all tables, smallest first, so that an interrupted run is of use. Rows are at most
1,000, folds three; learners and recipes are the engine's own, fitted inside the folds, on one thread. What is kept lies
below `.bench/portfolio`: a line for each fit, and the outputs for rows that no model was fitted on.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from automl_runtime.engine.folds import make_folds
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.learners.base import EpochReports, Stopper
from automl_runtime.engine.metrics import error_of
from automl_runtime.engine.problem import Problem, make_problem
from automl_runtime.engine.scoring import trial_score
from automl_runtime.engine.search import FAILURES
from automl_runtime.engine.trials import Config, fit_fold
from automl_runtime.engine.workspace import Workspace
from automl_runtime.inference.encoding import Encoder

from benchmarks.portfolio.candidates import candidates, config_for
from benchmarks.quality.public import ROOT, cases

__all__ = ["FOLDER", "Table", "digest", "outputs_of", "read_errors", "tables"]

FOLDER = ROOT / ".bench" / "portfolio"
_ERRORS = "errors.jsonl"
_MOST_ROWS = 1_000
_MOST_CLASSES = 8
_TWICE = ("breast_cancer", "australian")
"""Tables that are there under another name (wdbc, crx)."""
_DEAR = frozenset(
    {
        "penbased_value",
        "satimage",
        "satimage_value",
        "segment",
        "segment_value",
        "spambase",
        "spambase_value",
        "splice",
        "texture_value",
        "vowel_value",
        "wdbc_value",
    }
)
"""A booster takes seconds for each: as long as for all others."""
_FOLDS = 3
_SEED = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A public table; `source`: what it was made of, which tables with another target share."""

    name: str
    source: str
    workspace: Workspace

    @property
    def problem(self) -> Problem:
        """The problem."""
        return self.workspace.problem


def tables() -> list[Table]:
    """Those with at most eight classes that are not dear, smallest first."""
    found = list(_tables())
    return sorted(found, key=lambda table: (table.workspace.data.numbers.size * table.problem.outputs, table.name))


def _tables() -> Iterator[Table]:
    for case in cases():
        if case.task == "multiclass" and case.frame["target"].nunique() > _MOST_CLASSES:
            continue
        source = case.name.removesuffix("_value")
        if source in _TWICE or case.name in _DEAR:
            continue
        frame = case.frame.sample(min(_MOST_ROWS, len(case.frame)), random_state=_SEED).reset_index(drop=True)
        inputs, problem = make_problem(frame, "target", task=case.task, metric=case.metric)
        data = Encoder(make_columns(inputs, None)).encode(inputs)
        folds = make_folds(problem, "stratified", _FOLDS, _SEED)
        yield Table(case.name, source, Workspace(problem, data, folds, _SEED))


def digest(config: Config) -> str:
    """The same for configurations that do the same."""
    return sha256(config.key().encode()).hexdigest()[:16]


def read_errors(folder: Path = FOLDER) -> dict[tuple[str, str], dict[str, Any]]:
    """Table and digest of a configuration -> its line; a line that a stop cut off is passed over."""
    found = {}
    path = folder / _ERRORS
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        found[record["table"], record["config"]] = record
    return found


def outputs_of(table: str, config: str, folder: Path = FOLDER) -> Path:
    """Where the outputs lie."""
    return folder / "outputs" / table / f"{config}.npy"


def evaluate(config: Config, table: Table, folder: Path) -> dict[str, Any]:
    """Fits the folds, keeps the outputs, and gives the line; its seconds are those of the processor."""
    line: dict[str, Any] = {"table": table.name, "config": digest(config), "name": config.name}
    start = time.process_time()
    try:
        folds = [
            fit_fold(
                table.workspace,
                config,
                number,
                seed=_SEED,
                threads=1,
                stop=Stopper(),
                rounds=None,
                epochs=EpochReports(),
            )
            for number in range(len(table.workspace.folds))
        ]
    except FAILURES as error:
        return line | {"error": None, "seconds": time.process_time() - start, "why": str(error)[:200]}
    line["seconds"] = round(time.process_time() - start, 4)
    outputs = np.vstack([fold.outputs for fold in folds])
    path = outputs_of(table.name, line["config"], folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, outputs.astype(np.float32))
    metric = table.problem.metric
    return line | {"error": error_of(metric, trial_score(table.problem, table.workspace.valid_rows, outputs))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=600.0, help="no fit begins later")
    arguments = parser.parse_args()
    from threadpoolctl import threadpool_limits

    end = time.monotonic() + 60 * arguments.minutes
    FOLDER.mkdir(parents=True, exist_ok=True)
    known, all_tables = read_errors(), tables()
    for candidate in candidates():
        start, done = time.monotonic(), 0
        for table in all_tables:
            config = config_for(candidate, table.problem)
            if config is None or (table.name, digest(config)) in known:
                continue
            if time.monotonic() > end:
                return
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")
                line = evaluate(config, table, FOLDER)
            with (FOLDER / _ERRORS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            done += 1
        print(f"{candidate.name}: {done} tables, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
