"""The whole way from a sentence to a score on ../shared/data, with splits that are honest: time last, or folds.

    python -m benchmarks.quality.shared [--budget 60] [--only NAME ...]

Single runs: `automl new` with its own leak detection, joins and holdout. Folds: the engine, near-duplicates together;
each has a third of the budget.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from automl_runtime.kernels.arrays import Floats, Ints

from benchmarks.quality.tables import SHARED


@dataclass(frozen=True)
class Job:
    """A request, and what a careful person reaches by hand."""

    folder: str
    request: str
    careful: str
    to_reach: str
    options: tuple[str, ...] = ()


JOBS = (
    Job(
        "bike_sharing",
        "forecast how many bikes will be rented each hour for the next 28 days, weather known",
        "50.6",
        "<= 54",
    ),
    Job(
        "nycflights13",
        "predict how many minutes late a flight will arrive, using only what is known before departure",
        "35.79",
        "<= 36.2",
        ("--holdout-from", "2013-10-01"),
    ),
    Job(
        "formula1",
        "predict the finishing position of each driver in a race from what is known before the start",
        "3.23",
        "<= 3.4",
        ("--holdout-from", "2018-01-01"),
    ),
)
_FOLDS = 5


def main() -> int:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budget", type=float, default=60.0, help="seconds")
    parser.add_argument("--only", nargs="*", help="folders; default: all")
    options = parser.parse_args()
    if not SHARED.is_dir():
        print(f"{SHARED} is not there; nothing to measure")
        return 1
    print("| data | metric | score | careful | to reach | seconds |\n|---|---|---|---|---|---|")
    for job in JOBS:
        if not options.only or job.folder in options.only:
            print(_run(job, options.budget), flush=True)
    for name, measure in FOLDED.items():
        if not options.only or name in options.only:
            print(measure(options.budget), flush=True)
    return 0


def _run(job: Job, budget: float) -> str:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "automl_agent", "new", job.request, "--data", str(SHARED / job.folder)]
        command += ["--out", f"{folder}/made", "--budget", f"{budget:g}s", "--no-ask", "--json", *job.options]
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        if done.returncode:
            return f"| {job.folder} | failed | {done.stderr.strip()[-300:]} | {job.careful} | {job.to_reach} | |"
        metrics = json.loads(done.stdout)["metrics"]
    low, high = metrics["holdout_ci"]
    score = f"{metrics['holdout']:.4g} [{low:.4g}, {high:.4g}]"
    return f"| {job.folder} | {metrics['metric']} | {score} | {job.careful} | {job.to_reach} | {seconds:.0f} |"


def _sms(budget: float) -> str:
    """Messages that differ only in numbers, case and marks are of one group."""
    from sklearn.metrics import log_loss, roc_auc_score
    from sklearn.model_selection import GroupKFold

    (path,) = (path for path in sorted((SHARED / "sms_spam").iterdir()) if path.is_file())
    rows = pd.read_csv(path, sep="\t", header=None, names=["kind", "text"], quoting=3)
    groups = rows["text"].map(lambda text: re.sub(r"[^a-z]+", " ", str(text).casefold()).strip())
    keep = ~groups.duplicated()
    rows, groups = rows[keep].reset_index(drop=True), groups[keep].reset_index(drop=True)
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=0).split(rows, groups=groups)
    started = time.monotonic()
    chances = _chances(rows, "kind", folds, budget)[:, 1]
    truth = (rows["kind"] == "spam").to_numpy()
    score = f"{roc_auc_score(truth, chances):.4f} ({log_loss(truth, chances):.3f})"
    seconds = time.monotonic() - started
    return f"| sms_spam, {len(rows):,} texts | AUC (log loss) | {score} | 0.9951 (0.037) | >= 0.995 | {seconds:.0f} |"


def _signs(budget: float) -> str:
    """Photographs of hands, without torch; who they belong to is not known."""
    from sklearn.metrics import accuracy_score, log_loss
    from sklearn.model_selection import StratifiedKFold

    photographs = sorted((SHARED / "sign_language_digits").glob("*/*.JPG"))
    rows = pd.DataFrame({"photograph": map(str, photographs), "digit": [path.parent.name for path in photographs]})
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(rows, rows["digit"])
    started = time.monotonic()
    chances = _chances(rows, "digit", folds, budget)
    said = np.unique(rows["digit"])[chances.argmax(axis=1)]
    score = f"{accuracy_score(rows['digit'], said):.4f} ({log_loss(rows['digit'], chances):.3f})"
    seconds = time.monotonic() - started
    name = f"sign_language_digits, {len(rows):,} photographs"
    return f"| {name} | accuracy (log loss) | {score} | 0.909 (0.425) | >= 0.92 | {seconds:.0f} |"


def _chances(rows: pd.DataFrame, target: str, folds: Iterable[tuple[Ints, Ints]], budget: float) -> Floats:
    """Of each class, for each row by the model of the folds without it, each of which had a third of `budget`."""
    from automl_runtime import fit

    chances = np.zeros((len(rows), rows[target].nunique()))
    for train, test in folds:
        model = fit(rows.iloc[train], target, budget_seconds=budget / 3)
        chances[test] = model.predict_proba(rows.iloc[test])
    return chances


FOLDED: dict[str, Callable[[float], str]] = {"sms_spam": _sms, "sign_language_digits": _signs}

if __name__ == "__main__":
    raise SystemExit(main())
