"""Scores of `automl new` on the development data of ../shared/data, as a table.

    python -m benchmarks.quality.sentences [--budget 60s] [--only NAME ...]

Each row is one command, `automl new SENTENCE --data FOLDER --budget TIME --no-ask --json`, with the sentences of
`../shared/data/README.md`. Nothing here is read by the program under test.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ROW = re.compile(r"^\|\s*(\w+)\s*\|\s*([^|]+?)\s*\|\s*([^|]+?)\s*\|\s*(\w+), (\w+)\s*\|")


def main() -> int:
    """Runs the rows and prints the table; 1 when one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="60s")
    parser.add_argument("--only", nargs="*", help="names of folders; default: all that this version can train")
    options = parser.parse_args()
    if not SHARED.is_dir():
        print(f"{SHARED} is not there; nothing to measure")
        return 1
    rows = [match.groups() for line in (SHARED / "README.md").read_text().splitlines() if (match := ROW.match(line))]
    trainable = [row for row in rows if row[3] != "forecast" and any((SHARED / row[0]).glob("*.*"))]
    chosen = [row for row in trainable if not options.only or row[0] in options.only]
    print("| data | task | metric | cv | holdout | 95 % interval | best model | models | seconds |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    return max([measure(name, sentence, options.budget) for name, sentence, *_ in chosen], default=1)


def measure(name: str, sentence: str, budget: str) -> int:
    """Runs one sentence and prints its row."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "automl_agent", "new", sentence, "--data", str(SHARED / name)]
        command += ["--out", f"{folder}/project", "--budget", budget, "--no-ask", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - started
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1][:160]
        print(f"| {name} | failed with exit code {done.returncode}: {said} |", flush=True)
        return 1
    result = json.loads(done.stdout)
    metrics, task = result["metrics"], result["spec"]["task"]["type"]
    low, high = metrics["holdout_ci"]
    print(
        f"| {name} | {task} | {metrics['metric']} | {metrics['cv']:.4f} | {metrics['holdout']:.4f} | "
        f"[{low:.4f}, {high:.4f}] | {metrics['best_model']} | {len(metrics['leaderboard'])} | {seconds:.0f} |",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
