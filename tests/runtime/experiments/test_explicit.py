from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from automl_runtime import Architecture, Dataset, Experiment, Project
from automl_runtime.errors import RequestError


def test_both_ways_give_the_same_record(table: Path) -> None:
    content = {
        "project": "shop",
        "dataset": table.name,
        "target": "bought",
        "architecture": "lightgbm",
        "params": {"max_depth": 3},
        "training": {"trials": 1},
    }
    described = Experiment(content, table.parent).run()
    explicit = Project("shop", folder=table.parent).train(
        Dataset.load(table), Architecture.from_registry("lightgbm", max_depth=3), target="bought", trials=1
    )
    assert described.evaluate() == explicit.evaluate()
    records = [run.record.model_dump(exclude={"run_id", "started", "seconds"}) for run in (described, explicit)]
    assert records[0] == records[1]
    configs = [yaml.safe_load((run.path / "config.yaml").read_text()) for run in (described, explicit)]
    assert configs[0]["experiment"] == configs[1]["experiment"]
    assert configs[0]["executed_trials"][0]["params"]["max_depth"] == 3


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_a_dataset_knows_its_columns_whatever_the_format(customers, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"customers.{suffix}"
    if suffix == "parquet":
        customers.to_parquet(path)
    else:
        customers.to_json(path, orient="records", lines=True)
    found = Dataset.load(path)
    assert (len(found), found.columns["visits"], found.columns["colour"]) == (300, "number", "category")
    assert Project("p", folder=tmp_path).train(found, target="distance", trials=1).record.metric == "rmse"


def test_the_other_names_of_an_architecture_are_known() -> None:
    assert Architecture.from_registry("mlp", width=8).params == {"width": 8}
    with pytest.raises(RequestError, match="Did you mean lightgbm"):
        Architecture.from_registry("lightgmb")


def test_epochs_and_batches_are_settings_of_what_learns_in_them(table: Path) -> None:
    run = Project("p", folder=table.parent).train(
        Dataset.load(table), Architecture.from_registry("network"), target="bought", trials=1, epochs=2, batch_size=16
    )
    assert {key: run.model.trials[0]["params"][key] for key in ("epochs", "batch")} == {"epochs": 2, "batch": 16}


def test_a_setting_that_is_given_twice_is_refused(table: Path) -> None:
    with pytest.raises(RequestError, match="`trials` is given twice"):
        Project("p", folder=table.parent).train(Dataset.load(table), target="bought", trials=1, training={"trials": 2})
