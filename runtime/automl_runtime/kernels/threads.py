"""Rows shared out among threads: kernels release the GIL."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["available_cores", "over_rows"]


def available_cores() -> int:
    """Cores that this process may use: its affinity, the limit of its container, and OMP_NUM_THREADS."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = Path("/sys/fs/cgroup/cpu.max")
    if limit.is_file():
        quota, _, period = limit.read_text(encoding="ascii").strip().partition(" ")
        if quota.isdigit() and period.isdigit():
            cores = min(cores, max(1, round(int(quota) / int(period))))
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(cores, int(asked)) if asked.isdigit() and int(asked) > 0 else cores)


def over_rows(
    work: Callable[[int, int], None], rows: int, block: int, *, least: int, threads: int | None = None
) -> None:
    """Calls `work(begin, end)` for all blocks of `rows`; blocks are shared out among threads from `least` rows on.

    Args:
        work: thread-safe for blocks that do not overlap.
        rows: how many there are.
        block: the most rows of a call.
        least: fewer rows stay in this thread.
        threads: how many; None: as many as there are cores.
    """
    starts = range(0, rows, block)
    count = min(len(starts), threads or available_cores()) if rows >= least else 1

    def share(number: int) -> None:
        for start in starts[number::count]:
            work(start, min(start + block, rows))

    if count == 1:
        share(0)
        return
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(share, range(count)))
