from __future__ import annotations

import sys

import pytest
from automl_runtime.errors import DataError, MissingExtraError
from automl_runtime.events import EpochCompleted, Progress, TrialFinished
from automl_runtime.tracking.mlflow_sink import export_run, live_run, update_live_run
from automl_runtime.tracking.runs import RunFolder, record_metrics

from .test_index import metrics

CONFIG = {"spec": {"training": {"folds": 5}, "seed": 3}, "executed_trials": [], "model_version": "v001"}
EVENTS = [
    Progress("training", 1.0, 2.0),
    TrialFinished(1, "linear", 2.5, 2.5, 0.5),
    EpochCompleted(1, 9, 0.75, 0.5, "boost & co", 0),
    EpochCompleted(2, 9, None, 0.25, "boost & co", 0),
    TrialFinished(2, "boost", None, 2.5, 0.25, "ValueError: no"),
]

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow and what it imports


def end(project, run):
    """What a training leaves besides its events."""
    run.write_config(CONFIG)
    (run.plots / "roc.svg").write_text("<svg/>")
    (project / "models" / "v001").mkdir(parents=True, exist_ok=True)
    (project / "models" / "v001" / "manifest.json").write_text("{}")
    run.update(cv=2.5, best_model="linear", rows=80)


def made(project):
    with RunFolder.create(project / "experiments", "rmse") as run:
        for event in EVENTS:
            run.on_event(event)
        end(project, run)
    return run.path


def read(folder, experiment):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id], order_by=["start_time"])
    return client, found


def history(client, run, name):
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, name)]


def files(client, run, path=None):
    return sorted(entry.path for entry in client.list_artifacts(run.info.run_id, path))


def check(folder, run_path):
    client, [run] = read(folder, "shop")
    assert (run.info.run_name, run.info.status) == (run_path.name, "FINISHED")
    assert run.data.params == {"training.folds": "5", "seed": "3", "best_model": "linear", "rows": "80"}
    assert history(client, run, "trial_score") == [(1, 2.5)]
    assert history(client, run, "best_score") == [(1, 2.5), (2, 2.5)]
    assert history(client, run, "val_loss/boost _ co/fold_0") == [(1, 0.5), (2, 0.25)]
    assert history(client, run, "train_loss/boost _ co/fold_0") == [(1, 0.75)]
    assert (run.data.metrics["cv"], run.data.metrics["trials"]) == (2.5, 2.0)
    assert files(client, run) == ["config.yaml", "events.jsonl", "model", "plots", "run.json"]
    assert files(client, run, "model") == ["model/manifest.json"]
    return client, run


def test_an_exported_run_is_readable_by_the_client_and_exported_once(tmp_path):
    path = made(tmp_path / "shop")
    assert export_run(str(tmp_path / "ml"), tmp_path / "shop", path)
    check(tmp_path / "ml", path)
    record_metrics(path, metrics(cv=2.5))
    assert not export_run(str(tmp_path / "ml"), tmp_path / "shop", path)
    client, [run] = read(tmp_path / "ml", "shop")
    assert history(client, run, "trial_score") == [(1, 2.5)]
    assert history(client, run, "cv") == [(0, 2.5)]
    assert run.data.metrics["holdout"] == 2.0
    assert "metrics.json" in files(client, run)


def test_a_live_run_is_the_same_as_an_exported_one(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOML_MLFLOW", f"sqlite:///{tmp_path / 'mlflow.db'}")
    project = tmp_path / "shop"
    run = RunFolder.create(project / "experiments", "rmse")
    with live_run(project, run.path) as sink:
        for event in EVENTS:
            run.on_event(event)
            sink(event)
        end(project, run)
        run.finish("completed")
    client, found = check(tmp_path, run.path)
    record_metrics(run.path, metrics(cv=2.5))
    update_live_run(project, run.path)
    assert client.get_run(found.info.run_id).data.metrics["holdout"] == 2.0


@pytest.mark.parametrize(("status", "mlflow"), [("failed", "FAILED"), ("cancelled", "KILLED")])
def test_how_a_run_ended(tmp_path, status, mlflow):
    run = RunFolder.create(tmp_path / "shop" / "experiments", "rmse")
    run.finish(status)
    export_run(str(tmp_path), tmp_path / "shop", run.path)
    _, [found] = read(tmp_path, "shop")
    assert found.info.status == mlflow


def test_without_mlflow_an_export_names_the_extra(tmp_path, monkeypatch):
    path = made(tmp_path / "shop")
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match=r"automl-runtime\[mlflow\]"):
        export_run(str(tmp_path), tmp_path / "shop", path)
    monkeypatch.delenv("AUTOML_MLFLOW", raising=False)
    with live_run(tmp_path / "shop", path) as sink:
        assert sink is None


def test_a_server_that_says_no_stops_an_export_and_no_training(tmp_path, monkeypatch, caplog):
    path = made(tmp_path / "shop")
    with pytest.raises(DataError, match="MLflow at nonsense://x cannot be used"):
        export_run("nonsense://x", tmp_path / "shop", path)
    monkeypatch.setenv("AUTOML_MLFLOW", "nonsense://x")
    with live_run(tmp_path / "shop", path) as sink:
        assert sink is None
    assert "nonsense://x cannot be used" in caplog.text
