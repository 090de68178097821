from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from automl_runtime import Experiment
from automl_runtime.errors import AutomlError, Cancelled, DataError, RequestError
from automl_runtime.events import Event, Finding, Warned
from automl_runtime.tracking.index import open_index

SMALL = "project: shop\ndataset: customers.csv\ntarget: bought\ntraining: {trials: 2}\n"


@pytest.fixture
def written(table: Path) -> Path:
    path = table.parent / "experiment.yaml"
    path.write_text(SMALL)
    return path


def test_a_small_configuration_gives_a_run_that_is_judged_on_rows_it_has_not_seen(written: Path) -> None:
    run = Experiment.from_config(written).run()
    scores = run.evaluate()
    assert run.path == written.parent / "shop" / "tables" / "baseline" / "experiments" / run.id
    assert run.record.holdout == scores["roc_auc"] > 0.7
    assert run.model.features == ["visits", "colour", "distance"]
    assert run.record.rows + json.loads((run.path / "evaluation.json").read_text())["rows"] == 300
    with open_index(run.path.parent.parent) as index:
        assert [row.holdout for row in index.rows()] == [scores["roc_auc"]]


def test_a_configuration_with_every_section_is_read_and_run(written: Path) -> None:
    written.write_text(
        """
project: shop
family: trees
experiment: first
version: 2.0.0
dataset: customers.csv
target: distance
drop: [bought]
architecture: xgboost
params: {n_estimators: 20, max_depth: 3}
training: {trials: 1, folds: 3}
export: {auto: true, format: onnx}
evaluation: {auto: true, evaluator: regression, plots: [cdf, loglog]}
"""
    )
    run = Experiment.from_config(written).run()
    home = written.parent / "shop" / "trees" / "first" / "experiments" / run.id
    assert (home / "exports" / "model.onnx").is_file()
    assert {path.stem for path in (home / "plots").iterdir()} == {"error_cdf", "error_loglog"}
    assert json.loads((home / "evaluation.json").read_text())["evaluator"] == "regression"
    assert yaml.safe_load((home / "config.yaml").read_text())["experiment"]["version"] == "2.0.0"


def test_a_setting_that_is_changed_lands_in_what_is_kept_and_not_in_the_file(written: Path) -> None:
    experiment = Experiment.from_config(written)
    experiment.config.training.trials = 1
    run = experiment.run()
    kept = yaml.safe_load((run.path / "config.yaml").read_text())
    assert (kept["experiment"]["training"]["trials"], run.record.trials) == (1, 1)
    assert kept["experiment"]["training"]["folds"] == 5
    assert kept["experiment"]["dataset"] == str(written.parent / "customers.csv")
    assert kept["versions"]["automl-runtime"] and kept["created"]
    assert written.read_text() == SMALL


def test_the_expanded_configuration_gives_the_same_metrics(written: Path, tmp_path: Path) -> None:
    experiment = Experiment.from_config(written)
    experiment.config.training = {"budget_seconds": 1.0}
    first = experiment.run()
    again = Experiment.from_config(first.path / "config.yaml").run()
    assert again.id != first.id
    assert again.evaluate() == first.evaluate()
    assert [trial["params"] for trial in again.model.trials] == [
        trial["params"] for trial in first.model.trials if trial["rounds"]
    ]


def test_trials_are_not_repeated_when_something_is_changed(written: Path) -> None:
    first = Experiment.from_config(written).run()
    other = Experiment.from_config(first.path / "config.yaml")
    other.config.training.trials = 1
    assert len(other.run().model.trials) == 1


def test_data_that_changed_since_are_told(written: Path) -> None:
    first = Experiment.from_config(written).run()
    table = written.parent / "customers.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-40]))
    events: list[Event] = []
    Experiment.from_config(first.path / "config.yaml").run(on_event=events.append)
    assert any("have changed" in event.text for event in events if isinstance(event, Warned))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "bougt"}, "Did you mean 'bought'"),
        ({"traning": {}}, "unknown key `traning`; did you mean `training`?"),
        ({"training": {"trils": 1}}, "unknown key `training.trils`; did you mean `trials`?"),
        ({"training": {"folds": "many"}}, "`training.folds`"),
        ({"training": {"strategy": "rndom"}}, "no strategy 'rndom'. Did you mean random?"),
        ({"architecture": "lightgmb"}, "Did you mean lightgbm"),
        ({"evaluation": {"evaluator": "regression"}}, "regression is for regression; the target 'bought' is a binary"),
        ({"evaluation": {"evaluator": "skores"}}, "Did you mean scores"),
        ({"evaluation": {"plots": ["cfd"]}}, "`evaluation.plots.0`: Input should be 'roc', 'precision_recall'"),
        ({"task": "clustering", "target": None, "evaluation": {"plots": []}}, "evaluation.plots"),
        ({"clusters": 3}, "`clusters` is only for task='clustering'"),
        ({"task": "regression"}, "finite numbers"),
        ({"task": "multiclass", "positive": "yes"}, "`positive` is only for two classes"),
        ({"task": "clustering", "target": None, "training": {"strategy": "tpe"}}, "training.strategy"),
        ({"task": "regression", "target": None}, "`target` is missing"),
        ({"task": "clustering"}, "a clustering predicts no column"),
        ({"task": "forecast"}, "A forecast cannot be described"),
        ({"training": {"validation": "temporal"}}, "needs `time`"),
        ({"training": {"holdout_from": "2024-05-01"}}, "no column dates the rows"),
        ({"project": "../out"}, "`project`"),
        ({"dataset": "absent.csv"}, "does not exist"),
    ],
)
def test_what_cannot_work_is_refused_before_a_run_begins(written: Path, change: dict[str, Any], said: str) -> None:
    content = yaml.safe_load(SMALL) | change
    with pytest.raises(AutomlError) as caught:
        Experiment(content, written.parent).run()
    assert said in str(caught.value)
    assert not list(written.parent.glob("**/run.json"))


@pytest.mark.parametrize("change", [{"params": {"d_model": 64}}, {"training": {"epochs": 3}}])
def test_a_setting_that_the_architecture_has_not_fails_the_run(written: Path, change: dict[str, Any]) -> None:
    name = "d_model" if "params" in change else "epochs"
    with pytest.raises(RequestError, match=f"lightgbm has no setting '{name}'"):
        Experiment(yaml.safe_load(SMALL) | {"architecture": "lightgbm"} | change, written.parent).run()
    [record] = written.parent.glob("**/run.json")
    assert json.loads(record.read_text())["status"] == "failed"


def test_a_setting_that_does_not_exist_is_named_when_it_is_read(written: Path) -> None:
    with pytest.raises(AttributeError, match="did you mean `training`"):
        _ = Experiment.from_config(written).config.trainig


def test_a_misspelt_setting_is_named_with_its_path_when_it_is_used(written: Path) -> None:
    experiment = Experiment.from_config(written)
    experiment.config.training.budget_secods = 20
    with pytest.raises(RequestError, match=r"unknown key `training.budget_secods`; did you mean `budget_seconds`"):
        experiment.run()


def test_what_gives_the_target_away_is_no_input_unless_it_is_kept(customers: pd.DataFrame, tmp_path: Path) -> None:
    customers.assign(refund=customers["bought"].map({"yes": 1, "no": 0})).to_csv(tmp_path / "t.csv", index=False)
    config = {"project": "p", "dataset": "t.csv", "target": "bought", "training": {"trials": 1}}
    events: list[Event] = []
    run = Experiment(config, tmp_path).run(on_event=events.append)
    assert "refund" not in run.model.features
    assert any(event.topic == "dropped" and "refund" in event.text for event in events if isinstance(event, Finding))
    assert "refund" in Experiment(config | {"keep": ["refund"]}, tmp_path).run().model.features


def test_a_training_that_is_cancelled_is_recorded_as_such(written: Path) -> None:
    with pytest.raises(Cancelled):
        Experiment.from_config(written).run(cancel=lambda: True)
    [record] = written.parent.glob("**/run.json")
    assert json.loads(record.read_text())["status"] == "cancelled"


@pytest.mark.parametrize(
    ("settings", "metric"),
    [({"task": "clustering", "drop": ["bought"]}, "silhouette"), ({"task": "anomaly", "target": "bought"}, "roc_auc")],
)
def test_tasks_without_a_target_leave_a_run_too(table: Path, settings: dict[str, Any], metric: str) -> None:
    content = {"project": "p", "dataset": table.name, "training": {"budget_seconds": 2}} | settings
    run = Experiment(content, table.parent).run()
    assert metric in run.evaluate()
    assert (run.record.status, run.record.metric) == ("completed", metric)
    assert "bought" not in run.model.features
    again = Experiment.from_config(run.path / "config.yaml").run()
    assert again.evaluate() == run.evaluate()
    assert again.model.trials == run.model.trials != []


def test_a_file_of_several_tables_is_refused_by_their_names(tmp_path: Path, customers: pd.DataFrame) -> None:
    (tmp_path / "data").mkdir()
    customers.to_csv(tmp_path / "data" / "one.csv", index=False)
    customers[["customer_id"]].assign(n=1.5).head(50).to_csv(tmp_path / "data" / "other.csv", index=False)
    with pytest.raises(DataError, match="holds 2 tables: one, other"):
        Experiment({"project": "p", "dataset": "data", "target": "bought"}, tmp_path).run()


def test_two_trainings_in_one_process_do_not_mix(table: Path) -> None:
    content = {"project": "p", "dataset": table.name, "target": "bought", "training": {"trials": 1}}
    one = Experiment(content, table.parent)
    two = Experiment(content | {"experiment": "other", "target": "distance"}, table.parent)
    assert {*one.run().evaluate()} & {*two.run().evaluate()} == set()
    assert one.config.target == "bought"


@pytest.mark.parametrize(
    ("plots", "names"),
    [
        (None, {"predicted_actual", "residuals", "error_cdf", "error_loglog"}),
        (["cdf", "loglog"], {"error_cdf", "error_loglog"}),
        ([], set()),
    ],
)
def test_the_plots_of_a_run_are_those_that_the_configuration_names(
    written: Path, plots: list[str] | None, names: set[str]
) -> None:
    experiment = Experiment.from_config(written)
    experiment.config.target, experiment.config.training.trials = "distance", 1
    experiment.config.drop, experiment.config.evaluation.plots = ["bought"], plots
    run = experiment.run()
    found = [path for path in run.path.glob("plots/*") if path.stat().st_size > 500]
    assert {path.stem for path in found} == names
    assert yaml.safe_load((run.path / "config.yaml").read_text())["experiment"]["evaluation"]["plots"] == plots


def test_a_run_is_exported_as_the_configuration_says(written: Path) -> None:
    experiment = Experiment.from_config(written)
    experiment.config.export.auto = True
    experiment.config.architecture = "lightgbm"
    run = experiment.run()
    assert (run.path / "exports" / "model.onnx").is_file()
    assert run.export(path=written.parent / "copy.onnx").read_bytes()


def test_tuning_ends_after_the_trials_and_what_it_wrote_trains_the_same_model(written: Path) -> None:
    best = written.parent / "best_config.yaml"
    run = Experiment.from_config(written).tune(best, trials=3, timeout_seconds=60, strategy="random")
    assert len(run.model.trials) == 3
    assert yaml.safe_load(best.read_text())["experiment"]["training"]["strategy"] == "random"
    again = Experiment.from_config(best).run()
    assert {trial["model"] for trial in again.model.trials} == set(run.model.weights)
    assert again.evaluate()["roc_auc"] == pytest.approx(run.evaluate()["roc_auc"], abs=0.02)


def test_tuning_ends_with_its_time_too(written: Path) -> None:
    run = Experiment.from_config(written).tune(written.parent / "best.yaml", trials=10_000, timeout_seconds=1)
    assert 1 <= len(run.model.trials) < 10_000


@pytest.mark.parametrize("limits", [{"trials": 0}, {"timeout_seconds": 0}, {"strategy": "rndom"}])
def test_limits_that_are_none_are_refused(written: Path, limits: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        Experiment.from_config(written).tune(written.parent / "best.yaml", **limits)
    assert not (written.parent / "best.yaml").exists()
