"""What code can do that got past the list: nothing outside its process."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_agent.feature_code.isolation import Limits, run_apart
from automl_agent.feature_code.walls import WALLS
from automl_runtime.errors import RequestError

from tests.agent.feature_code.corpus import ACTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse to run features")

ROWS = pd.DataFrame(
    {
        "a": [1.0, np.nan, 3.0],
        "n": [1, 2, 3],
        "s": pd.Series(["x", None, "zz"], dtype="str"),
        "d": pd.to_datetime(["2024-01-01", None, "2024-03-01"]),
        "q": pd.array([True, None, False], dtype="boolean"),
    }
)


def function(body: str, name: str = "f") -> dict[str, str]:
    return {name: f"def {name}(rows):\n    {body}\n"}


def fault(body: str, **options: object) -> str:
    return run_apart(function(body), [ROWS], **options).faults.get("f", "")


@pytest.fixture
def outside(tmp_path):
    """A folder with a secret, and a port that counts what reaches it."""
    (tmp_path / "secret").write_text("s3cret")
    os.utime(tmp_path / "secret", (5, 5))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield tmp_path, server


def untouched(folder: Path, server: socket.socket) -> bool:
    with pytest.raises(TimeoutError):
        server.accept()
    secret = folder / "secret"
    same = (secret.read_text(), secret.stat().st_mtime) == ("s3cret", 5)
    return same and [path.name for path in folder.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    "walls", [WALLS, {"namespace", "seccomp"}, {"landlock", "seccomp"}], ids=["all", "namespace", "landlock"]
)
def test_nothing_gets_out(outside, walls):
    folder, server = outside
    acts = {
        f"act_{place}": body.format(out=folder, port=server.getsockname()[1])
        for place, body in enumerate(ACTS.values())
    }
    code = {name: f'def {name}(rows):\n    {body}\n    return rows["a"]\n' for name, body in acts.items()}
    faults = run_apart(code, [ROWS], walls=walls).faults
    got_out = [act for act, name in zip(ACTS, acts, strict=True) if name not in faults]
    assert got_out == []
    assert untouched(folder, server)


def test_the_level_is_reported_and_values_come_back():
    results = run_apart(
        function('return rows["a"] / rows["n"]')
        | function('return rows["s"].str.len() + rows["d"].dt.month', "g")
        | function('return rows["q"]', "h"),
        [ROWS, ROWS.head(1)],
    )
    assert (results.level.files, results.level.limits, results.level.none) == ("landlock", True, False)
    assert str(results.level).startswith("network namespace, files landlock")
    assert results.values[0].to_dict("list") == {
        "f": [1.0, pytest.approx(np.nan, nan_ok=True), 1.0],
        "g": [2.0, pytest.approx(np.nan, nan_ok=True), 5.0],
        "h": [1.0, pytest.approx(np.nan, nan_ok=True), 0.0],
    }
    assert len(results.values[1]) == 1


def test_without_walls_nothing_runs(tmp_path):
    with pytest.raises(RequestError, match="neither the network nor files"):
        run_apart(function(f'open("{tmp_path}/made", "w"); return rows["a"]'), [ROWS], walls=())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("walls", [{"landlock"}, {"namespace"}, {"seccomp"}])
def test_one_wall_is_enough_to_run_and_is_named(walls):
    level = run_apart(function('return rows["a"]'), [ROWS], walls=walls).level
    assert not level.none
    assert {level.network, level.files, level.processes} & walls == walls


def test_endless_loops_end():
    begun = time.monotonic()
    assert fault("while True: pass", limits=Limits(seconds=3)) == "takes more than 3 s"
    assert time.monotonic() - begun < 30


def test_memory_is_limited():
    assert "memory" in fault("x = bytearray(2 * 10**9)", limits=Limits(memory=300_000_000))
    many = "x = []\n    while True: x.append(bytearray(10**7))"
    assert "memory" in fault(many, limits=Limits(memory=300_000_000, seconds=30))


@pytest.mark.parametrize(
    "body", ["import os; os._exit(0)", "import os; os.abort()", "import ctypes; ctypes.string_at(0)"]
)
def test_a_process_that_dies_takes_no_other_function_along(body):
    results = run_apart(function(body) | function('return rows["a"]', "g"), [ROWS], limits=Limits(seconds=30))
    assert list(results.faults) == ["f"]
    assert results.values[0]["g"].tolist()[0] == 1.0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1", "gives no series"),
        ('return rows["a"].head(1)', "gives no series"),
        ('return rows["a"].sort_values(ascending=False)', "gives no series"),
        ('return rows["s"]', "gives values of the type str"),
        ('return rows["d"]', "gives values of the type datetime64"),
        ('rows["a"] = 0; return rows["n"]', "changes the rows"),
        ('return rows["nothing"]', "ends with KeyError in its line 2"),
        ('raise ValueError(rows["s"][0])', "ends with ValueError in its line 2"),
        ("raise SystemExit", "ends with SystemExit"),
        ("return f(rows)", "ends with RecursionError"),
    ],
)
def test_what_is_no_feature_is_said_without_values_of_cells(body, said):
    assert fault(body).startswith(said)


@pytest.mark.parametrize(
    "answer",
    [
        "b'x' * 10**7",
        "b'{}\\n' + b'x' * 100",
        "b'[1, 2]\\n'",
        "b'{\"f\": 3}\\n'",
        "b'\\xff' * 1000",
    ],
)
def test_an_answer_that_was_forged_is_no_answer(answer):
    # The answer goes through a copy of descriptor 1; the code may find it and write before the process does.
    body = f"import os\n    [os.write(n, {answer}) for n in range(3, 20) if _is_pipe(n)]\n    os._exit(0)"
    helper = "\n\ndef _is_pipe(n):\n    import os, stat\n    try:\n        return stat.S_ISFIFO(os.fstat(n).st_mode)\n    except OSError:\n        return False\n"
    results = run_apart({"f": function(body)["f"] + helper}, [ROWS], limits=Limits(seconds=20))
    assert results.faults["f"].startswith("ends the process")
    assert results.values[0].empty


def test_no_variable_of_the_environment_is_seen(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    body = 'import os; assert not [name for name in os.environ if "KEY" in name]; return rows["a"]'
    assert fault(body) == ""
