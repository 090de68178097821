"""Rows are shared out among as many threads as there are cores."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from automl_runtime.kernels.threads import available_cores, over_rows


def test_cores_are_limited_by_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert available_cores() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "x")
    assert available_cores() >= 1


@pytest.mark.parametrize(("rows", "threads"), [(0, 3), (1, 3), (99, 3), (100, 1), (100, 3), (1_000, 3)])
def test_each_row_is_worked_on_once(rows, threads):
    done, seen = np.zeros(rows, int), set()

    def work(begin, end):
        seen.add(threading.current_thread())
        assert 0 < end - begin <= 7
        done[begin:end] += 1

    over_rows(work, rows, 7, least=100, threads=threads)
    assert (done == 1).all()
    assert (threading.current_thread() in seen) == (0 < rows < 100 or threads == 1)


def test_what_fails_in_a_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        over_rows(lambda begin, end: 1 // (begin - 50), 100, 10, least=0, threads=2)
