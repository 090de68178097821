"""A job of a project: its features, its model, in the types of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from automl_runtime.project import rows_read
from automl_runtime.project.job_worker import work
from automl_runtime.project.layout import Project
from automl_runtime.project.live import ProjectModel
from automl_runtime.serving.jobs import JobStore

from tests.runtime.project.test_live import project, publish

__all__ = ["project"]


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(rows_read, "_CHUNK_ROWS", 10)
    frame = pd.DataFrame({"a": range(40), "note": [None] * 10 + ["late"] * 30, "prediction": "old"})
    frame.to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def test_a_project_answers_its_jobs_as_it_answers_files(project: Project, rows: Path, tmp_path: Path) -> None:
    publish(project, "v001")
    store = JobStore(tmp_path / "jobs", {"shop": []})
    job = store.start(rows)
    folder = store.place(job)
    work(folder, lambda version: ProjectModel(project, version).open()[:2])
    assert folder.note("outcome") == {"error": None}
    assert folder.note("model").items() >= {"model_version": "v001", "rows_total": 40}.items()
    scored = pd.read_parquet(folder.output(job))
    bundle, features, _ = ProjectModel(project).open()
    expected = bundle.model.predict(features(pd.DataFrame({"a": range(40)})))
    assert scored.columns.tolist() == ["a", "note", "prediction", "probability_no", "probability_yes", "error"]
    assert scored["a"].tolist() == list(range(40))
    assert scored["prediction"].tolist() == expected.tolist()
    # Nothing stands in the first chunk of it.
    assert scored["note"].tolist()[10:] == ["late"] * 30


def test_a_job_goes_on_with_the_version_and_the_file_that_it_began_with(
    project: Project, rows: Path, tmp_path: Path
) -> None:
    store = JobStore(tmp_path / "jobs", {"shop": []})
    job = store.start(rows)
    folder = store.place(job)
    opened = []

    def open_model(version: str | None) -> Any:
        opened.append(version)
        return ProjectModel(project, version).open()[:2]

    publish(project, "v001")
    work(folder, open_model)
    publish(project, "v002")
    work(folder, open_model)
    assert (opened, folder.note("outcome")) == ([None, "v001"], {"error": None})
    pd.DataFrame({"a": [1]}).to_parquet(rows)
    work(folder, open_model)
    assert "was changed since the job began" in folder.note("outcome")["error"]
