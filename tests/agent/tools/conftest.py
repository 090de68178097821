"""A workspace with a small table, and one with a project made by the tools themselves."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pandas as pd
import pytest
from automl_agent.tools import Workspace, find_tool
from sharing import made_once

REQUEST = "predict whether a parcel arrives late"


def write_parcels(folder, rows=240, seed=0):
    """Parcels that are late when they are heavy and travel far."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    weight, distance = random.uniform(0, 30, rows).round(2), random.integers(5, 900, rows)
    late = weight / 30 + distance / 900 + random.normal(0, 0.2, rows) > 1
    frame = pd.DataFrame(
        {
            "parcel_id": np.arange(rows) + 1000,
            "weight_kg": weight,
            "distance_km": distance,
            "depot": random.choice(["north", "south", "harbour"], rows),
            "late": np.where(late, "yes", "no"),
        }
    )
    frame.to_csv(folder / "parcels.csv", index=False)


def call(workspace, name, **arguments):
    return find_tool(name).call(workspace, arguments)


def ended(workspace, state, seconds=240):
    """The run of `state` once it has ended."""
    last = time.monotonic() + seconds
    while state.status == "running" and time.monotonic() < last:
        state = call(workspace, "get_run", run_id=state.run_id, wait_seconds=5)
    return state


@pytest.fixture
def workspace(tmp_path):
    """With data in it, and nothing readable outside."""
    write_parcels(tmp_path / "space" / "data")
    return Workspace.open(tmp_path / "space", readable=[])


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A workspace with a project, and the state of the run that made it."""

    def create(space):
        wanted = {"request": REQUEST, "path": "data", "trials": 1, "idempotency_key": "first"}
        return ended(space, call(space, "create_project", **wanted))

    def make(root):
        write_parcels(root / "data")
        create(Workspace.open(root, readable=[]))

    # Folders that ask for this fixture have workspaces of their own.
    shared, own = made_once(tmp_path_factory, "parcels", make), tmp_path_factory.mktemp("made") / "space"
    shutil.copytree(shared, own, symlinks=True)
    space = Workspace.open(own, readable=[])
    # The same key is the same run, which has ended.
    return space, create(space)


@pytest.fixture
def project(made, tmp_path):
    """A copy of that workspace, free to be changed, and the name of its project."""
    space, state = made
    shutil.copytree(space.root, tmp_path / "copy", symlinks=True)
    return Workspace.open(tmp_path / "copy", readable=[]), state.result.project
