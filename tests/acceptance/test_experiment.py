"""A generated project as an experiment of Python."""

from __future__ import annotations

import json
import sys

import pytest
import yaml
from automl_runtime import Experiment
from automl_runtime.errors import RequestError


def test_a_generated_project_is_trained_by_its_own_features(copy_of):
    package = next(copy_of.glob("src/*/custom_features.py"))
    package.write_text(package.read_text().replace("return features", "return features.assign(one_more=0.5)"))
    experiment = Experiment.from_config(copy_of / "project.yaml")
    experiment.config.training.trials = 1
    run = experiment.run()
    assert "one_more" in run.model.features
    assert json.loads((copy_of / "reports" / "metrics.json").read_text())["holdout"] == run.record.holdout
    assert yaml.safe_load((run.path / "config.yaml").read_text())["spec"]["training"]["trials"] == 1
    assert yaml.safe_load((copy_of / "project.yaml").read_text())["training"]["trials"] == 2
    assert not [name for name in sys.modules if name.startswith(package.parent.name)]
    again = Experiment.from_config(run.path / "config.yaml").run()
    assert (again.evaluate(), again.record.trials) == (run.evaluate(), 1)


def test_what_the_project_was_made_from_cannot_be_changed_here(copy_of):
    experiment = Experiment.from_config(copy_of / "project.yaml")
    experiment.config.target.column = "Visits"
    with pytest.raises(RequestError, match="`target` is not what"):
        experiment.run()
