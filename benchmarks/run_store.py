"""How long it takes to list and filter many runs: `python -m benchmarks.run_store [--runs 10000]`.

Makes that many folders of runs in a temporary project, indexes them once, and then measures what `automl runs` does
each time: look for news in the folders, filter, sort. Prints the median of seven, of the wall clock and of the
processor (they differ on a machine with other work).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from automl_runtime.tracking.index import open_index
from automl_schemas.metrics import RunRecord

REPEATS = 7
FILTERS = (None, "cv > 0.8 and status = completed", "best_model ~ boost or seconds < 10")


def write_runs(experiments: Path, count: int) -> None:
    draw = random.Random(0)
    for number in range(1, count + 1):
        run_id = f"run_{number:03d}_2025{draw.randint(1, 12):02d}01_1200"
        folder = experiments / run_id
        folder.mkdir(parents=True)
        status = draw.choices(("completed", "failed", "cancelled"), (8, 1, 1))[0]
        record = RunRecord(
            run_id=run_id,
            started=f"2025-{draw.randint(1, 12):02d}-01T12:00:00+00:00",
            seconds=round(draw.uniform(1, 300), 3),
            status=status,
            metric="roc_auc",
            cv=round(draw.uniform(0.5, 1), 4) if status == "completed" else None,
            best_model=draw.choice(("ensemble", "lightgbm", "catboost", "linear")),
            trials=draw.randint(1, 50),
        )
        (folder / "run.json").write_text(record.model_dump_json())


def median_ms(work: Callable[[], object]) -> str:
    walls, cpus = [], []
    for _ in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - start)
        cpus.append(time.process_time() - used)
    return f"{1000 * statistics.median(walls):.0f} ms ({1000 * statistics.median(cpus):.0f} ms of the processor)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        write_runs(project / "experiments", count)
        start = time.perf_counter()
        with open_index(project):
            pass
        print(f"{count:,} runs, first index: {time.perf_counter() - start:.2f} s")
        for where in FILTERS:

            def look(where: str | None = where) -> int:
                with open_index(project) as index:
                    return len(index.rows(where=where, sort="-cv"))

            with open_index(project) as index:
                only = median_ms(lambda where=where: index.rows(where=where, sort="-cv"))
            print(f"{json.dumps(where)}: {look():,} runs, {median_ms(look)}, of which the query {only}")


if __name__ == "__main__":
    main()
