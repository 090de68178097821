"""What the machine has, and how much of it trainings and services take, by mode."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from automl_runtime.errors import RequestError, shorten
from automl_runtime.kernels.threads import available_cores

__all__ = ["MODES", "Machine", "Mode", "Plan", "look", "plan", "plans"]

Mode = Literal["balanced", "conservative", "performance", "full_utilization", "memory_saving"]

_INSTRUCTIONS: Final = ("sse4.2", "avx", "avx2", "fma", "avx512f", "neon", "sve")
_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_WORKER_GB: Final = 0.5
"""What a worker of a service takes at least: its libraries, and a model."""


class _Shares(NamedTuple):
    """Of cores and memory, and of the usual size of a batch."""

    cores: float
    memory: float
    batch: float
    cache: float
    """Of the memory, for answers that are kept for rows that come again."""


MODES: Final[dict[Mode, _Shares]] = {
    "balanced": _Shares(0.75, 0.5, 1.0, 0.0),
    "conservative": _Shares(0.5, 0.25, 0.25, 0.0),
    "performance": _Shares(1.0, 0.75, 4.0, 0.02),
    "full_utilization": _Shares(1.0, 0.95, 16.0, 0.05),
    "memory_saving": _Shares(0.75, 0.1, 0.0625, 0.0),
}
_BATCH_ROWS: Final = 4096


@dataclass(frozen=True, slots=True)
class Machine:
    """What this process may use: the limits of its container count."""

    cores: int
    memory_gb: float
    """Gigabytes of 10^9 bytes."""
    instructions: tuple[str, ...]
    """Vector instructions that kernels are compiled for, the oldest first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one mode takes of a machine."""

    mode: Mode
    threads: int
    """Of a training."""
    memory_gb: float
    """What a training may hold: `fit(memory_gb=...)`, `training.memory_gb`."""
    workers: int
    """Processes of a service."""
    batch_rows: int
    """Rows of the largest batch of each worker."""
    cache_mb: float
    """Of each worker."""

    def variables(self, work: Literal["training", "serving"]) -> dict[str, str]:
        """Environment variables by which trainings and services of a project keep to this plan."""
        if work == "training":
            return {"OMP_NUM_THREADS": str(self.threads)}
        return {
            "AUTOML_WORKERS": str(self.workers),
            "AUTOML_BATCH_ROWS": str(self.batch_rows),
            "AUTOML_CACHE_MB": f"{self.cache_mb:g}",
            "OMP_NUM_THREADS": str(max(1, self.threads // self.workers)),
        }


def look() -> Machine:
    """The machine as it is now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _LIMIT.read_text(encoding="ascii").strip() if _LIMIT.is_file() else ""
    if limit.isdigit():
        memory = min(memory, int(limit))
    return Machine(available_cores(), memory / 1e9, _instructions())


def _instructions() -> tuple[str, ...]:
    try:
        from llvmlite.binding import get_host_cpu_features
    except ImportError:
        # What compiles kernels is not there.
        return ()
    features = get_host_cpu_features()
    return tuple(name for name in _INSTRUCTIONS if features.get(name))


def plan(mode: str, machine: Machine | None = None) -> Plan:
    """What `mode` takes of `machine` (None: of this one).

    Raises:
        RequestError: if there is no such mode.
    """
    known = next((name for name in MODES if name == mode), None)
    if known is None:
        raise RequestError(f"There is no mode {shorten(mode)}; modes: {', '.join(MODES)}.")
    machine = machine or look()
    shares = MODES[known]
    threads = max(1, int(machine.cores * shares.cores))
    memory = machine.memory_gb * shares.memory
    workers = max(1, min(threads, int(memory / _WORKER_GB)))
    return Plan(
        known,
        threads,
        round(memory, 2),
        workers,
        int(_BATCH_ROWS * shares.batch),
        round(machine.memory_gb * 1000 * shares.cache / workers, 1),
    )


def plans(machine: Machine | None = None) -> dict[Mode, Plan]:
    """The plans of all modes."""
    machine = machine or look()
    return {mode: plan(mode, machine) for mode in MODES}
