"""One service around the booster in FOLDER, in the environment of a peer: `python peer_servers.py PEER FOLDER PORT`.

Each is written as its documentation writes it, with batching on where it has batching, and validates no more than it
does by itself. It runs in the foreground until it is killed.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

COLUMNS = [f"number_{place:02}" for place in range(30)]
MOST_ROWS, WAIT_SECONDS = 64, 0.002
"""Of a batch."""


def booster_of(folder: Path) -> Any:
    import lightgbm

    return lightgbm.Booster(model_file=str(folder / "model.txt"))


def fastapi(folder: Path, port: int) -> None:
    """FastAPI, a pydantic model, a frame of one row."""
    import pandas as pd
    import uvicorn
    from fastapi import FastAPI
    from pydantic import create_model

    fields: dict[str, Any] = dict.fromkeys(COLUMNS, (float, ...))
    record = create_model("Record", **fields)
    booster, app = booster_of(folder), FastAPI()

    def predict(row: Any) -> dict[str, float]:
        return {"probability": float(booster.predict(pd.DataFrame([row.model_dump()]))[0])}

    predict.__annotations__["row"] = record
    app.post("/predict")(predict)
    uvicorn.run(app, port=port, log_level="error")


def mlserver(folder: Path, port: int) -> None:
    """MLServer with its adaptive batching, in one process."""
    settings = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "parallel_workers": 0}
    model = {
        "name": "model",
        "implementation": "mlserver_lightgbm.LightGBMModel",
        "max_batch_size": MOST_ROWS,
        "max_batch_time": WAIT_SECONDS,
        "parameters": {"uri": str(folder / "model.txt")},
    }
    (folder / "settings.json").write_text(json.dumps(settings | {"debug": False}))
    (folder / "model-settings.json").write_text(json.dumps(model))
    sys.argv = ["mlserver", "start", str(folder)]
    runpy.run_module("mlserver.cli.main", run_name="__main__")


_LIT = """
import litserve, lightgbm, numpy as np

class Api(litserve.LitAPI):
    def setup(self, device):
        self.booster = lightgbm.Booster(model_file={model!r})

    def decode_request(self, request):
        return request["row"]

    def batch(self, inputs):
        return np.array(inputs)

    def predict(self, rows):
        return self.booster.predict(rows)

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return {{"probability": float(output)}}

if __name__ == "__main__":
    api = Api(max_batch_size={most}, batch_timeout={wait})
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port={port}, generate_client_file=False, num_api_servers=1, log_level="error")
"""


def litserve(folder: Path, port: int) -> None:
    """LitServe with batches, one worker, which its parent starts from a file of its own."""
    script = folder / "lit_service.py"
    model = str(folder / "model.txt")
    script.write_text(_LIT.format(model=model, most=MOST_ROWS, wait=WAIT_SECONDS, port=port))
    os.execv(sys.executable, [sys.executable, str(script)])


_BENTO = """
import bentoml, lightgbm, numpy as np

@bentoml.service(workers=1, traffic={{"timeout": 30}}, logging={{"access": {{"enabled": False}}}})
class Model:
    def __init__(self) -> None:
        self.booster = lightgbm.Booster(model_file={model!r})

    @bentoml.api(batchable=True, max_batch_size={most}, max_latency_ms=500)
    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.booster.predict(rows)
"""


def bentoml(folder: Path, port: int) -> None:
    """BentoML with its adaptive batching, one worker."""
    (folder / "bento_service.py").write_text(_BENTO.format(model=str(folder / "model.txt"), most=MOST_ROWS))
    os.chdir(folder)
    sys.argv = ["bentoml", "serve", "bento_service:Model", "--port", str(port)]
    runpy.run_module("bentoml", run_name="__main__")


def mlflow(folder: Path, port: int) -> None:
    """`mlflow models serve`, one worker."""
    import mlflow.lightgbm

    if not (folder / "mlflow").exists():
        mlflow.lightgbm.save_model(booster_of(folder), folder / "mlflow")
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    sys.argv = ["mlflow", "models", "serve", "-m", str(folder / "mlflow"), "-p", str(port), "--workers", "1"]
    sys.argv += ["--env-manager", "local"]
    runpy.run_module("mlflow", run_name="__main__")


def ray(folder: Path, port: int) -> None:
    """Ray Serve with `serve.batch`, one replica."""
    import time

    import numpy as np
    from ray import init, serve

    init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": port})

    class Model:
        def __init__(self) -> None:
            self.booster = booster_of(folder)

        @serve.batch(max_batch_size=MOST_ROWS, batch_wait_timeout_s=WAIT_SECONDS)  # type: ignore[untyped-decorator]
        async def many(self, rows: list[Any]) -> list[float]:
            return list(map(float, self.booster.predict(np.array(rows))))

        async def __call__(self, request: Any) -> Any:
            return {"probability": await self.many((await request.json())["row"])}

    serve.run(serve.deployment(Model, max_ongoing_requests=256).bind(), route_prefix="/predict")
    while True:
        time.sleep(60)


PEERS: dict[str, Callable[[Path, int], None]] = {
    "fastapi": fastapi,
    "mlserver": mlserver,
    "litserve": litserve,
    "bentoml": bentoml,
    "mlflow": mlflow,
    "ray": ray,
}

if __name__ == "__main__":
    # The folder of this script has modules of other names that libraries import too.
    sys.path.pop(0)
    PEERS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
