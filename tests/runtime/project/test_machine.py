"""The machine is seen as it is, and each mode takes another part of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from automl_runtime.errors import RequestError
from automl_runtime.project import machine
from automl_runtime.project.machine import MODES, Machine, look, plan, plans
from automl_runtime.project.settings import load_settings

LARGE, SMALL = Machine(16, 64.0, ("avx",)), Machine(2, 1.0, ())


def test_the_machine_is_what_the_system_says() -> None:
    found, cpus = look(), Path("/proc/cpuinfo")
    assert found.cores <= (os.cpu_count() or 1)
    if not cpus.is_file() or "flags" not in cpus.read_text():
        pytest.skip("no list of the processor's flags")
    flags = next(line for line in cpus.read_text().splitlines() if line.startswith("flags")).split()
    names = {"sse4.2": "sse4_2", "avx": "avx", "avx2": "avx2", "fma": "fma", "avx512f": "avx512f"}
    assert set(found.instructions) == {name for name, flag in names.items() if flag in flags}
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    assert 0 < found.memory_gb <= int(total.split()[1]) * 1024 / 1e9 + 0.01


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LIMIT", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("500000000\n")
    assert look().memory_gb == pytest.approx(0.5)
    (tmp_path / "memory.max").write_text("max\n")
    assert look().memory_gb > 0.5


def test_modes_differ_in_threads_memory_and_batches() -> None:
    found = plans(LARGE)
    assert list(found) == list(MODES)
    assert [each.threads for each in found.values()] == [12, 8, 16, 16, 12]
    assert len({each.batch_rows for each in found.values()}) == len({each.memory_gb for each in found.values()}) == 5
    assert found["full_utilization"].memory_gb < LARGE.memory_gb
    narrow = plans(Machine(16, 8.0, ()))
    assert (narrow["memory_saving"].workers, narrow["balanced"].workers) == (1, 8)


@pytest.mark.parametrize("mode", MODES)
def test_the_smallest_machine_gets_a_plan(mode: str) -> None:
    found = plan(mode, SMALL)
    assert 1 <= found.workers <= found.threads <= 2
    assert found.batch_rows >= 1


@pytest.mark.parametrize("mode", MODES)
def test_a_service_and_a_training_keep_to_the_plan(mode: str, tmp_path: Path) -> None:
    wanted = plan(mode, LARGE)
    settings = load_settings(tmp_path, variables=wanted.variables("serving"))
    assert (settings.workers, settings.batch_rows) == (wanted.workers, wanted.batch_rows)
    assert settings.cache_mb == pytest.approx(wanted.cache_mb)
    code = "from automl_runtime.kernels.threads import available_cores; print(available_cores())"
    variables = {**os.environ, **plan(mode).variables("training")}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert int(done.stdout) == plan(mode).threads


def test_an_unknown_mode_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match="no mode 'fast'; modes: balanced, conservative"):
        plan("fast", SMALL)
