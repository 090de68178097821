"""Predictions are logged so that they lead back to their data, and nothing personal is in the log."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from automl_runtime.errors import RequestError
from automl_runtime.project.observing import observer_of, origin_of
from automl_runtime.project.settings import Settings
from automl_runtime.serving.app import create_app
from automl_runtime.serving.observing import Observer
from automl_runtime.serving.prediction_log import PredictionLog, find_prediction
from automl_schemas.bundle import InputSchema, TrainingSummary
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import SCHEMA, column, make_bundle

ROW = {"dose mg": 1500, "ward": "A", "smokes?": "yes"}
TRAINING = TrainingSummary(
    run_id="run_004_20250101_0000",
    data_sha256="f" * 64,
    rows=10,
    seconds=1.0,
    cv=0.9,
    best_model="m",
    trials=1,
    leaderboard=[],
)


def bundle() -> Any:
    more = [
        column("mail", "text", "x", personal="email"),
        column("note", "text", "x"),
        column("scan", "category", "x"),
    ]
    made = make_bundle(training=TRAINING)
    columns = [*SCHEMA.columns, *more[:2], more[2].model_copy(update={"type": "image"})]
    return replace(made, schema=InputSchema(columns=columns))


def lines(folder: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.ndjson")) for line in path.read_text().splitlines()]


def offered(log: PredictionLog, name: str, rows: int = 1) -> None:
    body = b'{"predictions":[%b]}' % b",".join([b'{"label":"yes","model_version":"v007","reasons":[1]}'] * rows)
    log.offer(name, 1.5, bundle(), [ROW] * rows, many=True, body=body, size=100)


def test_requests_are_logged_with_what_leads_back_to_the_data(tmp_path):
    log = PredictionLog(tmp_path / "log", 1.0)
    with TestClient(create_app(make_bundle(training=TRAINING), observer=Observer(predictions=log))) as client:
        answer = client.post("/predict", json=ROW, headers={"X-Request-Id": "one"}).json()
        client.post("/predict", json={"rows": [ROW, {**ROW, "dose mg": 10}]}, headers={"X-Request-Id": "two"})
        assert client.post("/predict", json={"no": 1}, headers={"X-Request-Id": "bad"}).status_code == 422
    found = lines(tmp_path / "log")
    assert [line["prediction_id"] for line in found] == ["one", "two.0", "two.1"]
    first = found[0]
    assert (first["model_version"], first["run_id"], first["data_sha256"]) == ("v007", TRAINING.run_id, "f" * 64)
    assert first["inputs"] == ROW
    assert first["output"] == {name: answer[name] for name in ("label", "probabilities", "threshold")}
    assert find_prediction(tmp_path / "log", "two.1") == found[2]
    assert find_prediction(tmp_path / "log", "two") is None


def test_personal_data_are_masked_and_pictures_are_named(tmp_path):
    log = PredictionLog(tmp_path, 1.0)
    row = {
        "mail": "jane.doe@mail.example.com",
        "note": "call 0170 5550123 or j@x.org",
        "scan": "data:abc",
        "ward": None,
    }
    log.offer("a", 0.0, bundle(), [row], many=False, body=b'{"label":"yes"}', size=1)
    log.close()
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert not any(secret in text for secret in ("jane", "example.com", "5550123", "x.org", "data:abc"))
    inputs = lines(tmp_path)[0]["inputs"]
    assert (inputs["mail"], inputs["ward"]) == ("j***@***.com", None)
    assert inputs["scan"].startswith("sha256:")


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.25, 180, 320), (1.0, 1000, 1000)])
def test_the_share_of_the_requests_is_kept(tmp_path, share, least, most):
    log = PredictionLog(tmp_path, share, seed=1)
    for number in range(1000):
        offered(log, str(number))
    log.close()
    assert least <= len(lines(tmp_path)) <= most


def test_files_rotate_by_size_and_old_ones_go(tmp_path):
    log = PredictionLog(tmp_path, 1.0, file_bytes=2_000, files=3)
    for number in range(200):
        offered(log, str(number))
        log.write()
    log.close()
    files = list(tmp_path.iterdir())
    assert len(files) == 3
    assert all(path.stat().st_size < 3_000 and path.stat().st_mode & 0o077 == 0 for path in files)
    assert find_prediction(tmp_path, "199.0") is not None
    assert find_prediction(tmp_path, "0.0") is None


def test_what_waits_is_bounded(tmp_path):
    log = PredictionLog(tmp_path, 1.0)
    for number in range(100):
        log.offer(str(number), 0.0, bundle(), [ROW], many=False, body=b'{"label":1}', size=1_000_000)
    assert log.lost == 69
    log.write()
    offered(log, "later", rows=1500)
    log.close()
    assert len(lines(tmp_path)) == 31 + 1000


def test_a_folder_that_cannot_be_written_harms_no_request(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    log = PredictionLog(tmp_path / "file", 1.0)
    with TestClient(create_app(make_bundle(), observer=Observer(predictions=log))) as client:
        assert client.post("/predict", json=ROW).status_code == 200
    assert "cannot be logged" in caplog.text
    assert log.lost == 1


def test_a_project_logs_what_its_settings_say_and_finds_it_again(tmp_path):
    assert observer_of(Settings(), tmp_path).predictions is None
    log = observer_of(Settings(log_predictions=1.0), tmp_path).predictions
    assert log is not None
    offered(log, "mine")
    log.close()
    origin = origin_of(tmp_path, "mine.0")
    assert (origin.prediction["run_id"], origin.run, origin.data) == (TRAINING.run_id, None, None)
    with pytest.raises(RequestError, match=r"(?s)No prediction 'other'.*log_predictions"):
        origin_of(tmp_path, "other")
