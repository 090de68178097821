"""Kernels are compiled when they are first called."""

from __future__ import annotations

import pytest
from automl_runtime.kernels.compiling import compiled


def test_python_never_runs_again_what_was_compiled():
    def harmonic(count):
        total = 0.0
        for number in range(1, count + 1):
            total += 1.0 / number
        return total

    kernel, expected = compiled(harmonic), harmonic(1_000)
    assert kernel(1_000) == expected
    harmonic.__code__ = (lambda count: None).__code__
    assert kernel.__wrapped__(1_000) is None
    assert [kernel(1_000) for _ in range(20)] == [expected] * 20


def test_a_kernel_compiles_where_nothing_can_be_cached(monkeypatch, tmp_path):
    import numba
    from automl_runtime.kernels import compiling

    calls = []

    def njit(**options):
        calls.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", njit)
    double = compiling.compiled(lambda x: 2 * x)
    assert double(4) == 8
    assert calls == [{"nogil": True, "cache": True}, {"nogil": True}]


@compiled
def doubled(value):
    return 2 * value


@compiled
def doubled_and_one(value):
    return doubled(value) + 1


def test_kernels_call_each_other():
    assert doubled_and_one(4) == 9
    assert doubled_and_one.__wrapped__(4) == 9
    assert doubled(5) == 10


@pytest.mark.parametrize("name", ["trees", "links", "networks", "ngrams", "arrays", "compiling"])
def test_importing_kernels_does_not_import_numba(name):
    import subprocess
    import sys

    code = f"import sys, automl_runtime.kernels.{name}; print('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
