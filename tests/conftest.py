from __future__ import annotations

import os
import signal

import pytest

# Before numpy is imported: there are as many workers as cores, and threads of BLAS that wait for a core spin. Searches
# allow one thread, too; matrices of tests are small.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory):
    """What the person who runs the tests has registered, cached or installed beside the project does not count."""
    patch = pytest.MonkeyPatch()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As behind `nohup ... &`: the processes that tests interrupt would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    patch.setenv("AUTOML_HOME", str(tmp_path_factory.mktemp("home")))
    # Most processes that tests start live for a second or two: none compiles again what another has compiled.
    patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    # Projects are tested by plain pytest, as where only their own requirements are: plugins take a second to import.
    patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # What a type checker has learnt about pandas and the runtime holds for the next project of this process.
    patch.setenv("MYPY_CACHE_DIR", str(tmp_path_factory.mktemp("mypy")))
    yield
    patch.undo()
