"""Code of features that wants out: the allow-list refuses it, and without the allow-list the isolation holds.

Plain acts (files, sockets, programs, signals, endless loops) stand in tests/agent/feature_code/corpus.py.
"""

from __future__ import annotations

import os
import textwrap

import pandas as pd
import pytest
from attacks.conftest import SECRETS
from attacks.surroundings import CANARY, snapshot
from automl_agent.feature_code.allowed import check_code
from automl_agent.feature_code.isolation import Limits, run_apart
from automl_runtime.errors import RequestError

CODE = {
    "reads_another_process": "value = float(len(open('/proc/{pid}/environ', 'rb').read()))",
    "reads_the_memory_of_another": "value = float(open('/proc/{pid}/mem', 'rb').read(1)[0])",
    "reads_by_pandas": "value = float(len(pd.read_csv('{outside}/canary.csv')))",
    "fetches_by_pandas": "pd.read_csv('http://127.0.0.1:{port}/x.csv')",
    "pickles_by_pandas": "rows.to_pickle('{outside}/owned')",
    "loads_by_numpy": "np.load('{outside}/canary.csv', allow_pickle=True)",
    "maps_by_numpy": "np.memmap('{outside}/owned', mode='w+', shape=(9,))",
    "evaluates_by_pandas": 'rows.eval(\'@__import__("os").system("touch {outside}/owned")\')',
    "starts_a_shell": "import os; os.system('touch {outside}/owned')",
    "forks_without_end": "import os\nfor _ in range(10**6):\n    os.fork()",
    "kills_its_group": "import os; os.killpg(os.getpgid({pid}), 9)",
    "traces_its_caller": "import ctypes; assert ctypes.CDLL(None).ptrace(16, {pid}, 0, 0) == 0",
    "eats_memory_in_steps": "held = [np.ones(10**7) for _ in range(10**4)]",
    "patches_pandas": "pd.Series.sum = lambda self: 1",
    "climbs_to_builtins": "value = ().__class__.__base__.__subclasses__()[-1].__init__.__globals__['__builtins__']",
    "climbs_by_a_format": "value = '{{0.__class__.__init__.__globals__}}'.format(rows)",
    "imports_by_name": "value = __import__('os').system('touch {outside}/owned')",
    "compiles": "exec(compile('import os; os.system(\"touch {outside}/owned\")', 'x', 'exec'))",
    "makes_a_device": "import os; os.mknod('{outside}/owned', 0o60666, 0x0800)",
    "holds_a_handle": "import os; value = float(sum(os.read(fd, 9) != b'' for fd in range(3, 200)))",
    "speaks_out_of_turn": "import os; os.write(1, b'{{}}' * 100)",
}
"""What a function does before it gives a value; braces as `str.format` takes them."""


@pytest.fixture
def aim(outside, ear):
    return {"outside": outside, "port": ear[0], "pid": os.getpid()}


def function(body, aim):
    lines = body.format(**aim).split("; ") if "\n" not in body else body.format(**aim).strip("\n").split("\n")
    inside = textwrap.indent("\n".join(lines), "    ")
    return f'def weight(rows: pd.DataFrame) -> pd.Series:\n    """Weight."""\n{inside}\n    return rows["kg"] * 1.0\n'


@pytest.mark.parametrize("name", CODE)
def test_the_allow_list_refuses_it(aim, outside, name):
    before = snapshot(outside)
    with pytest.raises(RequestError):
        check_code(function(CODE[name], aim), ["kg"])
    assert snapshot(outside) == before


@pytest.mark.parametrize("name", CODE)
def test_the_isolation_holds_without_the_allow_list(aim, outside, ear, name):
    before, heard = snapshot(outside), len(ear[1])
    rows = pd.DataFrame({"kg": [1.0, 2.0, 3.0]})
    results = run_apart({"weight": function(CODE[name], aim)}, [rows], limits=Limits(memory=400_000_000, seconds=8))
    said = str(results)
    assert snapshot(outside) == before
    assert len(ear[1]) == heard
    assert CANARY not in said
    assert not any(secret in said for secret in SECRETS.values())
    assert results.faults or results.values[0]["weight"].tolist() == [1.0, 2.0, 3.0]
