"""Strategies that a user registered."""

from __future__ import annotations

import pytest
from automl_runtime.engine.strategies.base import Observation
from automl_runtime.engine.strategies.registry import check_strategy, make_strategy
from automl_runtime.engine.strategies.space import SearchSpace
from automl_runtime.engine.tuning import tune
from automl_runtime.errors import RequestError, TrainingError

SPACE = SearchSpace({"x": (0.0, 10.0)})


def test_it_is_told_of_objectives_and_steps_where_it_asks_and_stays_inside_the_space(plugs):
    plugs("strategies", "fixed", "Fixed")
    assert make_strategy("fixed", SPACE, seed=0, objectives=2, steps=4).ask() == {"x": 8.0}
    assert make_strategy("fixed", SPACE, seed=0, objectives=2, steps=40).ask() == {"x": 10.0}


def test_it_tunes_any_function(plugs):
    plugs("strategies", "impatient", "Impatient")
    study = tune(lambda trial: trial["x"], SPACE, trials=5, strategy="impatient")
    assert (study.strategy, len(study.complete)) == ("impatient", 5)
    strategy = make_strategy("impatient", SPACE, seed=study.seed)
    for trial in study.trials:
        assert strategy.ask() == trial.params
        strategy.tell(Observation(trial.params, trial.values))


def test_one_objective_is_the_rule(plugs):
    plugs("strategies", "impatient", "Impatient")
    with pytest.raises(RequestError, match="impatient has one objective"):
        tune(lambda trial: (1.0, 2.0), SPACE, direction=["minimize", "minimize"], strategy="impatient")


@pytest.mark.parametrize(
    ("attribute", "error", "words"),
    [
        ("Silent", RequestError, r"has no report and no tell(.|\n)*base\.History"),
        ("misses", TrainingError, "mine failed: "),
        ("Absent", RequestError, "lack 'x'"),
        ("Stuck", TrainingError, "mine failed: KeyError: .*lost"),
    ],
)
def test_what_is_wrong_with_one_is_said_with_its_name(plugs, attribute, error, words):
    plugs("strategies", "mine", attribute)
    with pytest.raises(error, match=words):
        tune(lambda trial: trial["x"], SPACE, trials=3, strategy="mine")


def test_one_whose_module_has_gone_is_refused_before_training(plugs, tmp_path, monkeypatch):
    import sys

    plugs("strategies", "mine", "Impatient")
    monkeypatch.delitem(sys.modules, "user_parts")
    (tmp_path / "mine" / "user_parts.py").unlink()
    with pytest.raises(RequestError, match=r"mine \(user_parts:Impatient, registered\) cannot be loaded"):
        check_strategy("mine")
