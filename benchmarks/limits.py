"""Whether limits of time hold: `python -m benchmarks.limits` prints a table.

Budgets of `fit` (imports, final models and all) and of `tune`, each in a process of its own; how long a search goes on
after a token was cancelled; how far an event loop falls behind while `fit_async` trains; and how long `automl
quickstart` takes for a file of 1,000 rows x 5 columns, start to end.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_STRATEGIES = ("asht", "tpe", "gp", "cma", "nsga2", "hyperband", "random")


def make_table(rows: int) -> pd.DataFrame:
    """Four columns, and two classes that depend on three of them."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(rows, 3)), columns=list("abc")).assign(kind=rng.choice(list("xyz"), rows))
    signal = table["a"] + table["b"] * table["c"] + (table["kind"] == "x") + rng.normal(size=rows)
    return table.assign(y=np.where(signal > 0.5, "yes", "no"))


def of_fit(budget: float) -> float:
    """Seconds of a search of so many, in this process."""
    start = time.perf_counter()
    from automl_runtime import fit

    fit(make_table(5_000), "y", budget_seconds=budget)
    return time.perf_counter() - start


def of_tune(strategy: str, budget: float) -> float:
    """Seconds of a study of so many, of which each trial takes a hundredth."""
    from automl_runtime import tune

    def slow(trial: Any) -> float:
        time.sleep(0.01)
        return float((trial["x"] - 1) ** 2 + (trial["kind"] != "b"))

    space = {"x": (-5.0, 5.0), "z": (-1.0, 1.0), "kind": ["a", "b", "c"]}
    start = time.perf_counter()
    tune(slow, space, trials=10**6, patience=10**6, budget_seconds=budget, strategy=strategy)
    return time.perf_counter() - start


def of_cancelling(after: float) -> float:
    """Seconds from `cancel` to the end of a search that has a checkpoint."""
    from automl_runtime import CancellationToken, fit
    from automl_runtime.errors import Cancelled

    token, moments = CancellationToken(), []

    def cancel() -> None:
        moments.append(time.perf_counter())
        token.cancel()

    threading.Timer(after, cancel).start()
    with tempfile.TemporaryDirectory() as folder:
        try:
            fit(make_table(50_000), "y", budget_seconds=600, cancel=token, resume=folder)
        except Cancelled:
            return time.perf_counter() - moments[0]
    raise SystemExit("The search ended by itself.")


def of_loop(budget: float) -> float:
    """Milliseconds that an event loop was late while a model was trained, 99 of 100 times at most."""
    from automl_runtime import fit_async

    async def work() -> float:
        task, late = asyncio.create_task(fit_async(make_table(5_000), "y", budget_seconds=budget)), []
        while not task.done():
            due = time.perf_counter() + 0.005
            await asyncio.sleep(0.005)
            late.append(1000 * (time.perf_counter() - due))
        await task
        return float(np.quantile(late, 0.99))

    return asyncio.run(work())


def of_quickstart() -> float:
    """Seconds of the command."""
    with tempfile.TemporaryDirectory() as folder:
        make_table(1_000).to_csv(Path(folder) / "rows.csv", index=False)
        command = [sys.executable, "-m", "automl_agent", "quickstart", "--data", "rows.csv", "--target", "y"]
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - start


CASES: dict[str, tuple[Callable[..., float], tuple[Any, ...], str]] = {
    **{f"fit, budget {budget:g} s": (of_fit, (budget,), "s") for budget in (1.0, 10.0, 60.0)},
    **{f"tune, budget 5 s, {name}": (of_tune, (name, 5.0), "s") for name in _STRATEGIES},
    "a cancelled fit ends after": (of_cancelling, (8.0,), "s"),
    "an event loop beside fit_async is late, 99 of 100 times, by at most": (of_loop, (10.0,), "ms"),
    "automl quickstart, 1,000 rows x 5": (of_quickstart, (), "s"),
}


def main() -> None:
    """Measures each in a process of its own, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    case = parser.parse_args().case
    if case is not None:
        measure, arguments, _ = CASES[case]
        print(measure(*arguments))
        return
    print("| what | taken |\n|---|---|")
    for name, (_, _, unit) in CASES.items():
        command = [sys.executable, "-m", __spec__.name, "--case", name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"| {name} | {float(done.stdout.splitlines()[-1]):.2f} {unit} |", flush=True)


if __name__ == "__main__":
    main()
