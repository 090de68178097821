"""Our engine against FLAML, AutoGluon and LightGBM: same splits, same machine, one after the other, as a table.

    python -m benchmarks.quality.compare [--budget 60] [--seeds 0 1 2] [--only FOLDER ...] [--engines NAME ...]

What has been measured stays in `results.json` beside this file and is not measured again, unless `--again` asks for it.
Peers run in environments of their own below `.bench/`, made at the first use.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.environments import ROOT, python_of
from benchmarks.quality.tables import SHARED, TABLES, Table, public_tables

RESULTS = Path(__file__).with_name("results.json")
PACKAGES = {
    "flaml": ("flaml[automl]==2.8.0", "pandas<3"),
    "autogluon": ("autogluon.tabular[lightgbm,catboost,xgboost,fastai]==1.6.3",),
}
"""Distribution and version of each peer."""
OVER = 20.0
"""Times of the budget after which a run is given up."""
TIE = 0.001
"""Share of the error below which two scores count as equal."""


def main() -> int:
    """Measures what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budget", type=float, default=60.0, help="seconds")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", help="folders; default: all")
    parser.add_argument("--engines", nargs="*", default=["automl"], help="automl lightgbm flaml autogluon_medium ...")
    parser.add_argument("--public", action="store_true", help="dozens of public tables, as wins and losses")
    parser.add_argument("--again", action="store_true", help="measure again what is known")
    options = parser.parse_args()
    if not SHARED.is_dir() and not options.public:
        print(f"{SHARED} is not there; nothing to measure")
        return 1
    known = _known()
    for table in public_tables() if options.public else TABLES:
        if options.only and table.folder not in options.only:
            continue
        for engine in options.engines:
            for seed in options.seeds:
                key = f"{engine} {table.folder} {seed} {options.budget:g}"
                if key not in known or options.again:
                    known[key] = _measure(engine, table, seed, options.budget)
                    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
                    print(key, known[key], flush=True)
    if options.public:
        _print_wins(known, options.budget)
    else:
        _print(known)
    return 0


def _known() -> dict[str, Any]:
    if not RESULTS.is_file():
        return {}
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return known


def _measure(engine: str, table: Table, seed: int, budget: float) -> dict[str, Any]:
    command = [_python(engine), str(ROOT / "benchmarks" / "quality" / "engines.py"), engine, table.folder]
    done = subprocess.run(
        [*command, str(seed), f"{budget:g}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=OVER * budget + 600,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    if done.returncode != 0:
        return {"error": done.stderr.strip().splitlines()[-1][:300]}
    record: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return record | {"date": datetime.now(UTC).date().isoformat()}


def _python(engine: str) -> str:
    """The interpreter of the engine's environment."""
    peer = engine.partition("_")[0]
    if peer not in PACKAGES:
        return sys.executable
    return python_of(peer, PACKAGES[peer])


def _print(known: dict[str, Any]) -> None:
    """One row for each engine and budget: the mean of the scores over the seeds, and the longest time."""
    rows: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for key, record in known.items():
        engine, folder, _, budget = key.split()
        if "score" in record and not folder.startswith("public/"):
            rows.setdefault((engine, budget), {}).setdefault(folder, []).append(record)
    print("\n| engine | budget | " + " | ".join(f"{table.folder} ({table.metric})" for table in TABLES) + " |")
    print("|---" * (2 + len(TABLES)) + "|")
    for (engine, budget), found in sorted(rows.items()):
        cells = []
        for table in TABLES:
            records = found.get(table.folder, [])
            if not records:
                cells.append("")
                continue
            score = fmean(record["score"] for record in records)
            slowest = max(record["seconds"] for record in records)
            scoring = max(record["predict_seconds"] for record in records)
            memory = max(record["peak_mb"] for record in records)
            digits = 1 if score > 1000 else 4
            cells.append(f"{score:.{digits}f} ({len(records)}x, {slowest:.0f} s, {scoring:.2f} s, {memory} MB)")
        print(f"| {engine} | {budget} s | " + " | ".join(cells) + " |")
    print("\nIn brackets: splits, longest fit, longest scoring of the fifth, largest memory.")


def _print_wins(known: dict[str, Any], budget: float) -> None:
    """How often our engine is better, equal (to a thousandth of the error) or worse than each peer, by table."""
    scores: dict[str, dict[str, list[float]]] = {}
    for key, record in known.items():
        engine, folder, _, seconds = key.split()
        if folder.startswith("public/") and float(seconds) == budget and "score" in record:
            scores.setdefault(engine, {}).setdefault(folder, []).append(record["score"])
    metrics = {table.folder: table.metric for table in public_tables()}
    print("\n| peer | budget | tables | wins | ties | losses |")
    print("|---|---|---|---|---|---|")
    ours = scores.get("automl", {})
    for engine, theirs in sorted(scores.items()):
        both = [folder for folder in theirs if folder in ours]
        gaps = [_gap(fmean(ours[folder]), fmean(theirs[folder]), metrics[folder]) for folder in both]
        if engine != "automl":
            wins, losses = sum(gap > TIE for gap in gaps), sum(gap < -TIE for gap in gaps)
            print(f"| {engine} | {budget:g} s | {len(both)} | {wins} | {len(both) - wins - losses} | {losses} |")


def _gap(ours: float, theirs: float, metric: str) -> float:
    """How much smaller our error is, as a share of theirs."""
    if metric == "roc_auc":
        ours, theirs = 1 - ours, 1 - theirs
    return (theirs - ours) / max(theirs, 1e-9)


if __name__ == "__main__":
    sys.exit(main())
