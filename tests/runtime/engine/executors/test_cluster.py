"""A real cluster of three nodes, each a group of processes on this machine; run with `-m ray`."""

from __future__ import annotations

import threading

import pytest
from automl_runtime.engine.executors.base import executor_named
from automl_runtime.engine.fit import fit
from automl_runtime.events import TrialFinished
from engine_jobs import mixed_rows

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("default")]


@pytest.fixture
def cluster():
    import ray
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes = [found.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=found.address, log_to_driver=False)
    found.wait_for_nodes()
    yield found, nodes
    ray.shutdown()
    found.shutdown()


def _board(model):
    return [(row.model, row.cv) for row in model.leaderboard()]


def test_three_nodes_give_the_leaderboard_of_one_process(cluster):
    rows = mixed_rows("binary", 400)
    assert executor_named("ray").slots(1) == 3
    here = fit(rows, "y", trials=5, folds=3)
    there = fit(rows, "y", trials=5, folds=3, executor="ray")
    assert _board(there) == _board(here)
    assert there.predict_proba(rows).equals(here.predict_proba(rows))


def test_what_a_lost_node_did_is_done_again(cluster):
    found, nodes = cluster
    rows, gone = mixed_rows("binary", 400), threading.Event()
    here = fit(rows, "y", trials=5, folds=3)

    def lose(event):
        if isinstance(event, TrialFinished) and not gone.is_set():
            gone.set()
            found.remove_node(nodes[0], allow_graceful=False)

    there = fit(rows, "y", trials=5, folds=3, executor="ray", on_event=lose)
    assert gone.is_set()
    assert _board(there) == _board(here)
