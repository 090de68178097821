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

from benchmarks.quality.tables import SHARED, TABLES, Table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.json")
PACKAGES = {
    "flaml": ("flaml[automl]==2.8.0", "pandas<3"),
    "autogluon": ("autogluon.tabular[lightgbm,catboost,xgboost,fastai]==1.6.3",),
}
"""Distribution and version of each peer."""
OVER = 20.0
"""Times of the budget after which a run is given up."""


def main() -> int:
    """Measures what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budget", type=float, default=60.0, help="seconds")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", help="folders; default: all")
    parser.add_argument("--engines", nargs="*", default=["automl"], help="automl lightgbm flaml autogluon_medium ...")
    parser.add_argument("--again", action="store_true", help="measure again what is known")
    options = parser.parse_args()
    if not SHARED.is_dir():
        print(f"{SHARED} is not there; nothing to measure")
        return 1
    known = _known()
    for table in TABLES:
        if options.only and table.folder not in options.only:
            continue
        for engine in options.engines:
            for seed in options.seeds:
                key = f"{engine} {table.folder} {seed} {options.budget:g}"
                if key not in known or options.again:
                    known[key] = _measure(engine, table, seed, options.budget)
                    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
                    print(key, known[key], flush=True)
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
    folder = ROOT / ".bench" / peer
    python = folder / "bin" / "python"
    if not (folder / ".made").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES[peer]], check=True)
        (folder / ".made").touch()
    return str(python)


def _print(known: dict[str, Any]) -> None:
    """One row for each engine and budget: the mean of the scores over the seeds, and the longest time."""
    rows: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for key, record in known.items():
        engine, folder, _, budget = key.split()
        if "score" in record:
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


if __name__ == "__main__":
    sys.exit(main())
