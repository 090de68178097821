"""Compiled trees beside LightGBM's own prediction, in process: `python -m benchmarks.serving.kernels` prints a table.

The model: LightGBM, two classes, 500 trees x 31 leaves, 30 numbers. Figures are microseconds a row, the best of several
repeats, both ways in turn; what counts is their ratio. A single row is another one each time.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

# Threads that wait busily would take the core from what is measured next.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np

TREES, LEAVES, COLUMNS = 500, 31, 30
BATCHES = (1, 1_000, 50_000)
_SINGLES = 2_000


def make_rows(rows: int, seed: int = 0) -> tuple[Any, Any]:
    """Numbers and a class that depends on some of them."""
    rng = np.random.default_rng(seed)
    cells = rng.normal(size=(rows, COLUMNS))
    signal = cells[:, 0] + cells[:, 1] * cells[:, 2] + np.sin(2 * cells[:, 3]) + rng.logistic(size=rows)
    return cells, signal > 0


def make_booster(cells: Any, target: Any, trees: int = TREES) -> Any:
    """500 trees x 31 leaves, or fewer trees."""
    import lightgbm

    params = {"objective": "binary", "num_leaves": LEAVES, "learning_rate": 0.03, "verbosity": -1}
    return lightgbm.train(params, lightgbm.Dataset(cells, target.astype(float)), trees)


def seconds(predict: Callable[[Any], Any], batches: list[Any]) -> float:
    """The median over the batches."""
    taken = []
    for batch in batches:
        start = time.perf_counter()
        predict(batch)
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def measure(booster: Any, cells: Any, repeats: int) -> Iterator[tuple[int, str, float, float, float]]:
    """Rows, threads, microseconds a row of LightGBM and of the kernels, and the largest difference."""
    from automl_runtime.inference.lightgbm import LightGbm, shrink
    from automl_runtime.kernels.threads import available_cores

    ours = LightGbm(shrink(booster.model_to_string()))
    cores = available_cores()
    for rows in BATCHES:
        batches = [cells[start : start + 1] for start in range(_SINGLES)] if rows == 1 else [cells[:rows]]
        for threads in sorted({1, cores} if rows > 1 else {1}):
            os.environ["OMP_NUM_THREADS"] = str(threads)

            def library(batch: Any, threads: int = threads) -> Any:
                return booster.predict(batch, num_threads=threads)

            off = max(float(np.abs(ours.predict(batch)[:, 0] - library(batch)).max()) for batch in batches)
            found = [(seconds(library, batches), seconds(ours.predict, batches)) for _ in range(repeats)]
            theirs, own = np.min(found, axis=0) * 1e6 / rows
            yield rows, str(threads), theirs, own, off


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    cells, target = make_rows(max(BATCHES))
    booster = make_booster(cells, target)
    print("| rows | threads | Booster.predict, us a row | kernels, us a row | ratio | largest difference |")
    print("|---|---|---|---|---|---|")
    for rows, threads, theirs, own, off in measure(booster, cells, arguments.repeats):
        print(f"| {rows:,} | {threads} | {theirs:.2f} | {own:.2f} | {theirs / own:.1f} | {off:g} |", flush=True)


if __name__ == "__main__":
    main()
