"""One raw record in, probabilities out: `python -m benchmarks.serving.record` prints what each step takes.

The table is made here: 16 columns of numbers, categories, booleans and a date, with gaps. The model is the ensemble
that `fit(trials=8)` returns. Times are medians of single calls on one thread (with those that were disturbed least,
the 10 % quantile, beside); the shares are of the sum of the steps. The last line compares the answers for 2,000 rows.
With `--task multilabel` six labels a row are predicted, by `trials` models each, and the steps are not told apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import numpy as np
import pandas as pd
from automl_runtime import fit
from automl_runtime.inference.compiled import CompiledModel
from numpy.typing import NDArray

LABELS = 6


def make_table(rows: int, seed: int, task: str) -> pd.DataFrame:
    """Sixteen columns and the target `y`."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for place in range(7):
        values = rng.normal(size=rows) * 10.0 ** (place % 3)
        columns[f"number_{place}"] = np.where(rng.random(rows) < 0.05 * (place % 2), np.nan, values)
    columns["age"], columns["rooms"] = rng.integers(18, 90, rows), rng.integers(1, 6, rows)
    for levels in (3, 6, 12, 80):
        words = np.array([f"level {level}" for level in range(levels)], dtype=object)
        cells = words[rng.integers(0, levels, rows)]
        cells[rng.random(rows) < 0.02] = None
        columns[f"kind_{levels}"] = cells
    columns["member"], columns["paid"] = rng.random(rows) < 0.4, np.where(rng.random(rows) < 0.5, "yes", "no")
    columns["when"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, rows), unit="D")
    table = pd.DataFrame(columns)
    score = np.sin(table["number_0"]) + 0.8 * table["number_3"].fillna(0) + (table["kind_3"] == "level 1")
    score += (table["age"] > 40) * (table["number_2"] > 0) + 0.5 * table["member"] + rng.normal(size=rows)
    if task == "multilabel":
        labels = {f"y_{place}": (score + rng.normal(size=rows) > place).astype(int) for place in range(LABELS)}
        return table.assign(**labels)
    return table.assign(y=score if task == "regression" else np.where(score > 1, "yes", "no"))


def times(call: Callable[[Any], Any], arguments: list[Any], count: int) -> NDArray[np.float64]:
    """Microseconds of single calls, with the arguments in turn."""
    found = np.empty(count)
    for place in range(count):
        argument = arguments[place % len(arguments)]
        start = perf_counter_ns()
        call(argument)
        found[place] = (perf_counter_ns() - start) / 1e3
    return found


def steps(compiled: CompiledModel, names: list[str], records: list[Any], count: int) -> dict[str, NDArray[np.float64]]:
    """Microseconds of each step of an answer, one step after the other, as they follow in use."""
    found: dict[str, list[float]] = {}

    def timed(name: str, call: Callable[[Any], Any], argument: Any) -> Any:
        start = perf_counter_ns()
        result = call(argument)
        found.setdefault(name, []).append((perf_counter_ns() - start) / 1e3)
        return result

    for place in range(count):
        row = timed("encoding", compiled.encoder.encode, records[place % len(records)])
        made = [timed("designs", program.rows, row) for program in compiled.programs]
        raw = [
            timed(f"{name} ({place + 1})", predict, made[number][:, columns])[0]
            for place, (name, (number, columns, predict)) in enumerate(zip(names, compiled.predictors, strict=True))
        ]
        timed("blend", compiled.blend, raw)
    return {name: np.array(values) for name, values in found.items()}


def main() -> None:
    """Fits, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--task", choices=("binary", "regression", "multilabel"), default="binary")
    parser.add_argument("--count", type=int, default=2_000)
    options = parser.parse_args()
    table = make_table(options.rows + 2_000, 0, options.task)
    several = options.task == "multilabel"
    target = [f"y_{place}" for place in range(LABELS)] if several else "y"
    task = "multilabel" if several else None
    model = fit(table[: options.rows], target, task=task, trials=options.trials, budget_seconds=600)
    fresh = table[options.rows :].drop(columns=target)
    records, frames = fresh.to_dict("records"), [fresh.iloc[place : place + 1] for place in range(100)]
    by_frame = model.predict if options.task == "regression" else model.predict_proba

    answers = [model.predict_record(record) for record in records]
    print("us a record                 median    10 %   share")
    measured = {
        "one-row frame": times(by_frame, frames, options.count // 10),
        "predict_record": times(model.predict_record, records, options.count),
    }
    parts: dict[str, NDArray[np.float64]] = {}
    if not several:
        names = [f"{member.name}" for member in model.fitted.members for _ in member.parts]
        parts = steps(CompiledModel(model.fitted), names, records, options.count)
    whole = sum(float(np.median(part)) for part in parts.values())
    for name, values in (measured | parts).items():
        share = f"{np.median(values) / whole:6.1%}" if name in parts else ""
        print(f"{name:26} {np.median(values):7.1f} {np.quantile(values, 0.1):7.1f}  {share}")
    found = np.array([list(answer.values()) if isinstance(answer, dict) else [answer] for answer in answers])
    wanted = by_frame(fresh).to_numpy().reshape(len(fresh), -1)
    print(f"largest difference from the frame over {len(fresh):,} rows: {np.abs(found - wanted).max():.1e}")


if __name__ == "__main__":
    main()
