"""What packed trees take in memory, loaded by each worker or mapped from files: `python -m benchmarks.serving.mapping`.

The model is that of `benchmarks.serving.kernels`: 500 trees x 31 leaves, 30 numbers. Each worker predicts one row and a
thousand, so that all pages are touched, then tells its resident memory (RSS), its share of it (PSS: pages that several
processes map are divided by their number) and what is its own. One process alone does the same with many models.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving.kernels import make_booster, make_rows

_WORKER = """
import sys
from pathlib import Path
from benchmarks.serving.mapping import hold
hold(sys.argv[1], [Path(folder) for folder in sys.argv[2:]])
"""
_PARTS = ("_walk", "_masks", "_ranks")


def write(text: str, folder: Path) -> int:
    """Writes the model as text and its packed arrays as files that can be mapped; the bytes of those."""
    from automl_runtime.inference.lightgbm import LightGbm

    folder.mkdir(parents=True)
    (folder / "model.txt").write_text(text)
    total = 0
    for name in _PARTS:
        for place, array in enumerate(getattr(LightGbm(text)._model.sum, name)):
            np.save(folder / f"{name}.{place}.npy", array)
            total += array.nbytes
    return total


def read(how: str, folder: Path) -> Any:
    """The sum of trees, packed from the text or mapped."""
    from automl_runtime.inference.lightgbm import LightGbm
    from automl_runtime.inference.trees import TreeSum

    if how == "loaded":
        return LightGbm((folder / "model.txt").read_text())._model.sum
    made = object.__new__(TreeSum)
    for name in _PARTS:
        files = sorted(folder.glob(f"{name}.*.npy"), key=lambda path: int(path.suffixes[0][1:]))
        setattr(made, name, tuple(np.asarray(np.load(file, mmap_mode="r")) for file in files))
    made._one = (*made._ranks, *made._walk)
    made._type, made._columns = made._walk[0].dtype["key"], max(1, len(made._ranks[0]))
    return made


def hold(how: str, folders: list[Path]) -> None:
    """Holds the models in `folders` until a line comes; tells the memory in kB when one comes."""
    cells, _ = make_rows(1_000)
    models = [] if how == "nothing" else [read(how, folder) for folder in folders]
    if how == "nothing":
        # Kernels and their compiler are there anyhow.
        read("loaded", folders[0]).add_to(np.zeros((1_000, 1)), cells)
    for model in models:
        for rows in (1, 1_000):
            model.add_to(np.zeros((rows, 1)), cells[:rows])
    print("ready", flush=True)
    sys.stdin.readline()
    lines = [line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]]
    told = {line[0]: int(line[1]) for line in lines}
    print(told["Rss:"], told["Pss:"], told["Private_Clean:"] + told["Private_Dirty:"], flush=True)
    sys.stdin.readline()


def measure(how: str, folders: list[Path], workers: int) -> np.ndarray[Any, Any]:
    """MB of RSS, PSS and own memory (workers x 3)."""
    command = [sys.executable, "-c", _WORKER, how, *map(str, folders)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, **pipes) for _ in range(workers)]  # type: ignore[call-overload]
    for process in running:
        process.stdout.readline()
    told = []
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
        told.append([int(number) / 1024 for number in process.stdout.readline().split()])
    for process in running:
        process.communicate("\n")
    return np.array(told)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--models", type=int, default=100)
    arguments = parser.parse_args()
    from automl_runtime.inference.lightgbm import shrink

    text = shrink(make_booster(*make_rows(50_000)).model_to_string())
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary) / str(number) for number in range(arguments.models)]
        sizes = [write(text, folder) for folder in folders]
        print(f"packed arrays of a model: {sizes[0] / 1e6:.2f} MB\n")
        print("| | RSS of a worker, MB | PSS of a worker, MB | all workers together, MB |")
        print("|---|---|---|---|")
        for models, workers in ((1, arguments.workers), (arguments.models, 1), (arguments.models, arguments.workers)):
            for how in ("nothing", "loaded", "mapped"):
                rss, pss, _ = (found := measure(how, folders[:models], workers)).mean(axis=0)
                name = f"{workers} workers, {models} models, {how}"
                print(f"| {name} | {rss:.1f} | {pss:.1f} | {found[:, 1].sum():.1f} |", flush=True)


if __name__ == "__main__":
    main()
