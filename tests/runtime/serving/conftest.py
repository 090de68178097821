"""A bundle of a readable model, opened without files, and its service."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import uvicorn
from automl_runtime.engine.fit import fit
from automl_runtime.monitoring.reference import sketch
from automl_runtime.registry.bundle import Bundle, open_bundle, write_bundle
from automl_runtime.serving.app import create_app
from automl_runtime.serving.protocol import PatientProtocol
from automl_schemas.bundle import BundleManifest, InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from starlette.testclient import TestClient

MakeClient = Callable[..., TestClient]


def column(name: str, kind: Any, example: Any, *, plan: dict[str, Any] | None = None, **more: Any) -> InputColumn:
    return InputColumn(
        name=name, type=kind, plan=ColumnPlan(column=name, type=kind, **(plan or {})), example=example, **more
    )


SCHEMA = InputSchema(
    columns=[
        column("dose mg", "number", 12.5, plan={"unit": "$", "thousands": ","}, min=0.0, max=2000.0),
        column("ward", "category", "A", categories=["A", "B"]),
        column("admitted", "date", "31.12.2021", plan={"date_formats": ["%d.%m.%Y"]}),
        column(
            "smokes?", "boolean", "yes", plan={"true_values": ["yes", "y"], "false_values": ["no", "n"]}, nullable=False
        ),
    ]
)


class DoseModel:
    """Probability of `yes` rises with the dose and with smoking; a missing dose counts as none."""

    classes = ("no", "yes")

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        dose = frame["dose mg"].astype(float).fillna(0).to_numpy()
        smokes = pd.Series(frame["smokes?"]).astype("boolean").fillna(False).to_numpy(dtype=float)
        yes = np.clip(dose / 2000 + 0.1 * smokes, 0, 1)
        return pd.DataFrame({"no": 1 - yes, "yes": yes})

    def decide(self, shares: np.ndarray) -> np.ndarray:
        return np.where(shares[:, 1] >= 0.5, "yes", "no")

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        return frame["dose mg"].astype(float) * 2


def make_bundle(**changes: Any) -> Bundle:
    manifest = BundleManifest(
        model_version="v007",
        created="2025-01-01T00:00:00+00:00",
        task="binary",
        metric="roc_auc",
        target="cured",
        classes=["no", "yes"],
        positive="yes",
        threshold=0.5,
        features=["dose mg"],
        runtime_version="0.1.0",
        files=[],
    )
    manifest = manifest.model_copy(update=changes)
    return Bundle(folder=Path(), manifest=manifest, schema=SCHEMA, reference={}, model=DoseModel())  # type: ignore[arg-type]


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    open_clients: list[TestClient] = []

    def make(features: Any = None, *, limits: Any = None, metrics: Any = None, **changes: Any) -> TestClient:
        app = create_app(make_bundle(**changes), features, limits=limits, metrics=metrics)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        open_clients.append(client)
        return client

    yield make
    for client in open_clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client()


PLAIN_SCHEMA = InputSchema(
    columns=[
        InputColumn(name=name, type=kind, plan=ColumnPlan(column=name, type=kind), example=example)  # type: ignore[arg-type]
        for name, kind, example in (("a", "number", 1.5), ("b", "number", 2.5), ("kind", "category", "x"))
    ]
)


@pytest.fixture(scope="session")
def fitted_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A real model of two numbers and a category, which answers records too."""
    draw, folder = np.random.default_rng(0), tmp_path_factory.mktemp("instant")
    rows = pd.DataFrame({"a": draw.normal(size=200), "b": draw.normal(size=200), "kind": draw.choice(["x", "y"], 200)})
    model = fit(rows.assign(y=np.where(rows["a"] > 0, "no", "yes")), "y", trials=1, models=["linear"])
    manifest = write_bundle(
        model,
        PLAIN_SCHEMA,
        folder / "v001",
        version="v001",
        target="y",
        created="2025-01-01T00:00:00+00:00",
        reference=sketch(rows, PLAIN_SCHEMA, model.predict_proba(rows)["yes"]).model_dump(mode="json"),
    )
    assert manifest.signature is not None
    (folder / "keys").write_text(manifest.signature.public_key + "\n")
    return open_bundle(folder / "v001", folder / "keys")


@contextmanager
def running(app: Any, protocol: type[PatientProtocol], **wishes: Any) -> Iterator[int]:
    """The port at which a thread answers for `app`, by uvicorn with these wishes."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=protocol, log_level="error", lifespan="on", **wishes))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def talk(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """What comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        answer = b""
        try:
            while received := connection.recv(65536):
                answer += received
        except ConnectionResetError:
            pass
    return answer
