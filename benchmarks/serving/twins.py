"""What compiling is worth: `python -m benchmarks.serving.twins` prints kernels beside their NumPy or Python twins.

Microseconds of a call, the best of several repeats, both ways in turn; the largest difference between what they say.
`Python` runs the very function that is compiled. The last line is a linear model beside `rows @ weights + intercept`,
which is what it calls: nothing is to be gained there, and nothing may be lost.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

# One thread each: kernels use one for a block of rows.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.serving import kernels

_ROWS, _LOOP = 1_000, 1_000_000


class Pair(NamedTuple):
    """Two ways to fill an array, or to return one."""

    name: str
    ours: Callable[[], Any]
    twin: str
    theirs: Callable[[], Any]


def harmonic(count: int) -> float:
    """A loop over numbers, as no array can say it."""
    total = 0.0
    for number in range(1, count + 1):
        total += 1.0 / number
    return total


def filled(shape: tuple[int, ...], dtype: Any, call: Callable[..., None], *arguments: Any) -> Callable[[], Any]:
    """`call`, which writes into its last argument, as a function that returns it."""

    def run() -> Any:
        out = np.zeros(shape, dtype)
        call(*arguments, out)
        return out

    return run


def pairs(trees: int) -> Iterator[Pair]:
    """What is compared."""
    from automl_runtime.inference.lightgbm_text import read_text
    from automl_runtime.inference.linear import Linear
    from automl_runtime.kernels.compiling import compiled
    from automl_runtime.kernels.neighbors import nearest, nearest_numpy
    from automl_runtime.kernels.trees import mask_sum, mask_sum_numpy, walk_sum, walk_sum_numpy

    cells, target = kernels.make_rows(20_000)
    model = read_text(kernels.make_booster(cells, target, trees).model_to_string()).sum
    rows, keys, masks = model.rows(cells[:_ROWS]), model.keys(cells[:_ROWS]), model._masks or ()
    loop = compiled(harmonic)
    yield Pair("a loop over 1,000,000 numbers", lambda: loop(_LOOP), "Python", lambda: harmonic(_LOOP))
    sums = (1, _ROWS), np.float64
    walked = filled(*sums, walk_sum, rows, *model._walk)
    yield Pair(f"{trees} trees, row by row", walked, "NumPy", filled(*sums, walk_sum_numpy, rows, *model._walk))
    masked = filled(*sums, mask_sum, keys, *masks)
    yield Pair(f"{trees} trees, by masks", masked, "NumPy", filled(*sums, mask_sum_numpy, keys, *masks))
    given = cells[:200].astype(np.float32), cells[200:2_200].astype(np.float32), np.empty((200, 7), np.int64)
    near = [filled((200, 7), np.float64, search, *given) for search in (nearest, nearest_numpy)]
    yield Pair("7 of 2,000 neighbours, 200 rows", near[0], "NumPy", near[1])
    weights, intercept = np.random.default_rng(0).normal(size=(kernels.COLUMNS, 3)), np.arange(3.0)
    linear = Linear(weights, intercept, -np.inf, np.inf)
    yield Pair("linear model", lambda: linear.predict(cells), "NumPy", lambda: cells @ weights + intercept)


def seconds(call: Callable[[], Any]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--trees", type=int, default=kernels.TREES)
    arguments = parser.parse_args()
    print("| what | ours, us | twin | twin, us | ratio | largest difference |\n|---|---|---|---|---|---|")
    for pair in pairs(arguments.trees):
        off = float(np.abs(np.asarray(pair.ours()) - np.asarray(pair.theirs())).max())
        taken = [(seconds(pair.ours), seconds(pair.theirs)) for _ in range(arguments.repeats)]
        ours, theirs = np.min(taken, axis=0) * 1e6
        print(
            f"| {pair.name} | {ours:,.0f} | {pair.twin} | {theirs:,.0f} | {theirs / ours:.2f} | {off:g} |", flush=True
        )


if __name__ == "__main__":
    main()
