"""Fit time and peak memory as tables grow: `python -m benchmarks.growth` prints a table.

Rows x 30 columns (20 numbers, some with gaps, and 10 categories), two classes, each size in a process of its own. The
budget is the time a fit may take; a fit that has tried all it knows ends sooner. `table` is the process with the table
alone, `peak` the most it ever held; `AUC` is measured on rows that were not trained on.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

BUDGETS = {10_000: 10.0, 100_000: 60.0, 1_000_000: 600.0, 3_000_000: 1800.0}
NUMBERS, CATEGORIES = 20, 10
_CHECKED = 20_000
_GIGABYTE = 1e9


def make_table(rows: int, seed: int = 0) -> pd.DataFrame:
    """Numbers and categories of which half say something about `y`, by sums, products and levels."""
    rng = np.random.default_rng(seed)
    cells = rng.normal(size=(rows, NUMBERS)).astype(np.float32)
    signal = cells[:, 0] + cells[:, 1] * cells[:, 2] + np.sin(2 * cells[:, 3]) + np.abs(cells[:, 4])
    table = pd.DataFrame(cells, columns=[f"number_{place}" for place in range(NUMBERS)])
    for place in range(CATEGORIES):
        levels = 3 + 4 * place
        codes = rng.integers(0, levels, rows)
        if place < CATEGORIES // 2:
            effects = np.random.default_rng(place).normal(scale=0.5, size=levels)
            signal = signal + effects[codes]
        words = np.array([f"level {code}" for code in range(levels)])
        table[f"category_{place}"] = pd.Categorical.from_codes(codes, words)
    for place in range(0, NUMBERS, 5):
        table.loc[rng.random(rows) < 0.05, f"number_{place}"] = np.nan
    table["y"] = np.where(signal + rng.logistic(scale=1.0, size=rows) > np.median(signal), "yes", "no")
    return table


def peak_bytes() -> int:
    """The most that this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def measure(rows: int, budget: float, memory_gb: float | None) -> dict[str, float | int | str]:
    """One fit, in this process."""
    from automl_runtime.engine.fit import fit

    table = make_table(rows + _CHECKED)
    checked, table = table.iloc[rows:], table.iloc[:rows]
    before = peak_bytes()
    start = time.monotonic()
    model = fit(table, "y", metric="roc_auc", budget_seconds=budget, memory_gb=memory_gb)
    seconds = time.monotonic() - start
    peak = peak_bytes()
    plan = model.trials[0]["plan"]
    return {
        "rows": rows,
        "budget": budget,
        "seconds": seconds,
        "trials": len(model.trials),
        "used": plan["rows"],
        "folds": plan["folds"],
        "table": before / _GIGABYTE,
        "peak": peak / _GIGABYTE,
        "best": model.best_model,
        "auc": model.evaluate(checked)["roc_auc"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=list(BUDGETS), help="sizes of the tables")
    parser.add_argument("--budget", type=float, help="seconds of each fit; default: by size")
    parser.add_argument("--memory-gb", type=float, help="cap on what a process may hold")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measure(asked.rows[0], asked.budget, asked.memory_gb)))
        return
    print("| rows | budget s | fit s | trials | rows used | folds | table GB | peak GB | best | AUC |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|", flush=True)
    for rows in asked.rows:
        budget = asked.budget or BUDGETS.get(rows, 60.0)
        cap = [] if asked.memory_gb is None else ["--memory-gb", str(asked.memory_gb)]
        command = [sys.executable, "-m", "benchmarks.growth", "--child", "--rows", str(rows), "--budget", str(budget)]
        done = subprocess.run([*command, *cap], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"| {rows:,} | {budget:g} | failed: {done.stderr.strip().splitlines()[-1][:150]} |", flush=True)
            continue
        r = json.loads(done.stdout.splitlines()[-1])
        print(
            f"| {r['rows']:,} | {r['budget']:g} | {r['seconds']:.1f} | {r['trials']} | {r['used']:,} | {r['folds']} "
            f"| {r['table']:.2f} | {r['peak']:.2f} | {r['best']} | {r['auc']:.4f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
