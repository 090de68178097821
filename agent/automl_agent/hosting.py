"""Serving the models of many projects in one process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from automl_runtime.errors import RequestError
from automl_runtime.project.layout import Project
from automl_runtime.project.live import ProjectModel

from automl_agent.listing import projects_below

if TYPE_CHECKING:
    from automl_runtime.serving.guard import Guard
    from fastapi import FastAPI

__all__ = ["LOGGED", "host_app", "named_models", "serve_models"]

LOGGED = 0.01
"""Share of the predictions that are logged where nobody says another."""


def named_models(folders: Sequence[Path]) -> dict[str, ProjectModel]:
    """The model in production of each project at or below `folders`, by the name of the project.

    Raises:
        DataError: if a folder holds no project.
        RequestError: if two projects have one name.
    """
    found: dict[str, ProjectModel] = {}
    for place in dict.fromkeys(place.resolve() for folder in folders for place in projects_below(folder)):
        project = Project.load(place)
        name = project.spec.name
        if name in found:
            raise RequestError(
                f"Two projects are called {name!r}: {found[name].project.root} and {place}.",
                hint="Change `name` in one project.yaml, or serve them apart.",
            )
        found[name] = ProjectModel(project)
    return found


def host_app(
    folders: Sequence[Path],
    *,
    memory_gb: float | None = None,
    guard: Guard | None = None,
    jobs: Path | None = None,
    job_folders: Sequence[Path] = (),
    predictions: Path | None = None,
    log_predictions: float = LOGGED,
) -> FastAPI:
    """The service of `named_models`; models are loaded when they are asked for, and together take no more memory.

    Prediction jobs lie in the folder `jobs` (None: there are none), and may use files below `job_folders`. Of the
    predictions a share is logged in the folder `predictions` (None: none are).

    Raises:
        RequestError: if `memory_gb` is not positive, `log_predictions` no share, or two projects have one name.
        DataError: if a folder holds no project.
    """
    from automl_runtime.serving.host import ModelHost
    from automl_runtime.serving.host_app import create_host_app
    from automl_runtime.serving.jobs import JobStore
    from automl_runtime.serving.jobs_app import add_jobs
    from automl_runtime.serving.observing import Observer
    from automl_runtime.serving.prediction_log import PredictionLog

    if memory_gb is not None and not memory_gb > 0:
        raise RequestError(f"--memory-gb is {memory_gb:g}; a number above 0 is needed.")
    held = None if memory_gb is None else int(memory_gb * 1e9)
    if not 0 < log_predictions <= 1:
        raise RequestError(f"--log-predictions is {log_predictions:g}; a share above 0, at most 1, is needed.")
    models = named_models(folders)
    log = None if predictions is None else PredictionLog(predictions.resolve(), log_predictions)
    observer = Observer(predictions=log, slow_seconds=1.0)
    traffic = {name: model.traffic_source() for name, model in models.items()}
    app = create_host_app(ModelHost(models, memory_bytes=held, traffic=traffic), guard, observer)
    if jobs is not None:
        commands = {name: command for name, model in models.items() if (command := model.job_command()) is not None}
        add_jobs(app, JobStore(jobs.resolve(), commands, allowed=job_folders), prefix="/models/{name}")
    return app


def serve_models(
    folders: Sequence[Path],
    host: str,
    port: int,
    *,
    memory_gb: float | None = None,
    keys: Path | None = None,
    jobs: Path | None = None,
    job_folders: Sequence[Path] = (),
    predictions: Path | None = None,
    log_predictions: float = LOGGED,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serves the models of many projects until Ctrl-C or SIGTERM.

    Who may ask stands in the file `keys`, or is told by tokens that $AUTOML_TOKEN_KEY has signed.

    Raises:
        RequestError: as `host_app`, or if the port is taken.
        DataError: if a folder holds no project.
    """
    from automl_runtime.serving.guard import Guard, check_exposure
    from automl_runtime.serving.server import serve

    guard = Guard(keys, token_key=os.environ.get("AUTOML_TOKEN_KEY") or None)
    check_exposure(guard, host, anonymous=os.environ.get("AUTOML_ANONYMOUS", "").lower() in ("1", "true", "yes"))
    app = host_app(
        folders,
        memory_gb=memory_gb,
        guard=guard,
        jobs=jobs,
        job_folders=job_folders,
        predictions=predictions,
        log_predictions=log_predictions,
    )
    serve(app, host, port, on_ready=on_ready)
