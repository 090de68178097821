from __future__ import annotations

import time
from pathlib import Path

import pytest
from automl_agent.hosting import host_app, named_models
from automl_runtime.errors import DataError, RequestError
from starlette.testclient import TestClient

SPEC = """version: 1
name: {name}
request: predict y
task: {{type: binary}}
target: {{table: t, column: y}}
metric: {{name: roc_auc}}
data: {{source: ., tables: []}}
"""


def project(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "project.yaml").write_text(SPEC.format(name=name))
    return folder


def test_projects_are_found_below_folders_and_once(tmp_path: Path) -> None:
    project(tmp_path / "projects" / "ann" / "a", "first")
    second = project(tmp_path / "projects" / "bob" / "b", "second")
    found = named_models([tmp_path, second])
    assert list(found) == ["first", "second"]
    assert found["second"].project.root == second.resolve()


def test_two_projects_of_one_name_are_told_apart(tmp_path: Path) -> None:
    project(tmp_path / "a", "same")
    project(tmp_path / "b", "same")
    with pytest.raises(RequestError, match="Two projects are called 'same'"):
        named_models([tmp_path])


def test_a_folder_without_projects_and_no_memory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No project"):
        host_app([tmp_path])
    project(tmp_path / "a", "a")
    with pytest.raises(RequestError, match="above 0"):
        host_app([tmp_path], memory_gb=0)
    for share in (0.0, -0.1, 1.5, float("nan")):
        with pytest.raises(RequestError, match="a share above 0, at most 1"):
            host_app([tmp_path], predictions=tmp_path / "log", log_predictions=share)


def test_predictions_of_all_models_are_offered_to_one_log(tmp_path: Path) -> None:
    project(tmp_path / "a", "a")
    assert host_app([tmp_path]).observer.predictions is None  # type: ignore[attr-defined]
    app = host_app([tmp_path], predictions=tmp_path / "log", log_predictions=0.5)
    assert app.observer.predictions is not None  # type: ignore[attr-defined]


def test_a_project_without_a_model_is_listed_and_says_so(tmp_path: Path) -> None:
    project(tmp_path / "a", "new")
    with TestClient(host_app([tmp_path])) as client:
        assert [model["name"] for model in client.get("/models").json()] == ["new"]
        refused = client.post("/models/new/predict", json={})
        assert refused.status_code == 503
        assert "in production yet" in refused.json()["detail"][0]["message"]


def test_jobs_run_in_processes_that_open_the_project(tmp_path: Path) -> None:
    project(tmp_path / "a", "new")
    app = host_app([tmp_path / "a"], jobs=tmp_path / "jobs")
    with TestClient(app) as client:
        headers = {"content-type": "text/csv"}
        job = client.post("/models/new/jobs", content=b"a\n1\n", headers=headers).json()["id"]
        end = time.monotonic() + 240
        while (view := client.get(f"/jobs/{job}").json())["status"] in ("queued", "running"):
            assert time.monotonic() < end
            time.sleep(0.05)
    assert view["status"] == "failed"
    assert "in production yet" in view["error"]
