from __future__ import annotations

import builtins
import pickle
import threading
import time
from concurrent import futures

import pytest
from automl_runtime.engine.executors.base import Threads, executor_named
from automl_runtime.engine.executors.processes import Processes
from automl_runtime.engine.executors.remote import Call, SharedDesigns, pack, settle, unpack
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners.base import Stopper
from automl_runtime.engine.trials import Config
from automl_runtime.errors import Cancelled, MissingExtraError, RequestError
from automl_runtime.events import CancellationToken
from engine_jobs import mixed_rows

FIXED = {"y": "y", "trials": 4, "folds": 3}
COMPARED = ("model", "cv")


class Elsewhere:
    """As another process would fit: everything that goes there or comes back is pickled."""

    local = False

    def __init__(self):
        self.sent, self.calls, self.lost = 0, 0, 0
        self.workspace = self.blob = None

    def slots(self, cores):
        return 3

    def pool(self, workspace, workers):
        if workspace is not self.workspace:
            self.workspace, self.sent = workspace, self.sent + 1
            self.blob = pickle.dumps(pack(workspace))
            self.there = unpack(pickle.loads(self.blob))
            self.designs = SharedDesigns(workspace)
        return _Pool(self)


class _Pool(futures.Executor):
    def __init__(self, owner):
        self.owner = owner
        self.threads = futures.ThreadPoolExecutor(3)

    def submit(self, fn, /, *args, **how):
        call = pickle.loads(pickle.dumps(Call.of(args[1], args[2], how)))
        self.owner.calls += 1

        def work():
            if call.config.name in ("linear",) and self.owner.lost:
                raise OSError("the machine is gone")
            return pickle.loads(pickle.dumps(call.execute(self.owner.there)))

        done = futures.Future()
        self.threads.submit(work).add_done_callback(lambda came: settle(done, call, came, self.owner.designs))
        return done

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.threads.shutdown(wait=wait, cancel_futures=cancel_futures)


def _board(model):
    return [(row.model, row.cv) for row in model.leaderboard()]


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_another_executor_gives_the_same_model(task):
    rows, other = mixed_rows(task, 300), Elsewhere()
    here = fit(rows, "y", trials=4, folds=3)
    there = fit(rows, "y", trials=4, folds=3, executor=other)
    assert _board(there) == _board(here)
    assert there.trials == here.trials
    assert there.predict(rows).equals(here.predict(rows))
    assert other.sent == 1
    assert other.calls >= 12


def test_processes_give_the_same_model_and_are_started_once(plugs):
    plugs("architectures", "centroids", "Centroids")
    rows, processes = mixed_rows("binary", 300), Processes()
    how = {"trials": 4, "folds": 2, "models": ["centroids", "tree", "linear"]}
    here = fit(rows, "y", **how)
    there = fit(rows, "y", **how, executor=processes)
    assert _board(there) == _board(here)
    assert there.predict_proba(rows).equals(here.predict_proba(rows))
    processes.end()


def test_a_process_that_dies_fails_its_trial_alone(plugs):
    plugs("architectures", "deadly", "Deadly")
    processes = Processes()
    model = fit(mixed_rows("binary", 120), "y", trials=3, folds=2, models=["tree", "deadly"], executor=processes)
    failed = {trial["model"] for trial in model.trials if trial["status"] == "failed"}
    assert failed == {"deadly"}
    assert len(model.trials) == 3
    processes.end()


def test_a_cancelled_search_ends_its_processes(plugs):
    plugs("architectures", "endless", "Endless")
    # Without an end of its own: the test would not end either.
    processes, token = Processes(), CancellationToken()
    threading.Timer(5, token.cancel).start()
    with pytest.raises(Cancelled):
        fit(mixed_rows("binary", 120), "y", trials=2, models=["endless"], executor=processes, cancel=token)
    assert processes._running is None


def test_equal_preprocessing_is_kept_once():
    rows = mixed_rows("binary", 300)
    models = [
        fit(rows, "y", models=["lightgbm"], trials=1, folds=3, executor=executor) for executor in (None, Elsewhere())
    ]
    assert len({len(model.fitted.designs) for model in models}) == 1


def test_a_lost_fit_fails_its_trial_alone():
    other = Elsewhere()
    other.lost = 1
    model = fit(mixed_rows("binary", 300), "y", trials=3, folds=2, executor=other)
    failed = [trial for trial in model.trials if trial["status"] == "failed"]
    assert [trial["model"] for trial in failed] == ["linear"]


def test_a_call_carries_the_seconds_that_are_left():
    config = Config("a", "lightgbm")
    how = {"seed": 0, "threads": 1, "rounds": None}
    late = Call.of(config, 0, how | {"stop": Stopper(time.monotonic() - 5)})
    assert late.seconds == 0
    assert 5 < Call.of(config, 0, how | {"stop": Stopper(time.monotonic() + 10)}).seconds <= 10
    assert Call.of(config, 0, how | {"stop": Stopper()}).seconds is None


def test_a_cancelled_fit_is_not_settled():
    done, came = futures.Future(), futures.Future()
    done.cancel()
    came.set_result(None)
    settle(done, Call(Config("a", "lightgbm"), 0, 0, 1, None, None), came, None)
    assert done.cancelled()


def test_threads_are_the_default():
    assert executor_named(None) == executor_named("threads") == Threads()
    assert Threads().slots(7) == 7
    with Threads().pool(None, 1) as pool:
        assert pool.submit(threading.get_ident).result() != threading.get_ident()


def test_what_does_not_exist_is_refused():
    with pytest.raises(RequestError, match=r"no executor 'dask'; possible: threads, processes, ray"):
        fit(mixed_rows("binary"), "y", trials=1, executor="dask")


def test_a_memory_cap_elsewhere_is_refused():
    with pytest.raises(RequestError, match="memory_gb is about this process"):
        fit(mixed_rows("binary"), "y", trials=1, executor=Elsewhere(), memory_gb=4)


def test_a_missing_ray_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "ray":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match="`ray` is not installed"):
        executor_named("ray")
