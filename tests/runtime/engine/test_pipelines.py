"""Pipelines as YAML: read, fitted, judged, kept by name."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.pipelines import PipelineRegistry, fit_pipeline, read_pipeline
from automl_runtime.errors import DataError, RequestError

TEXT = """
name: churn-boosted
description: gradient boosting on scaled numbers
preprocessing:
  imputation: median
  scaling: standard
  encoding: onehot
  selection: k_best
  k: 3
  outliers: iqr
model:
  type: xgboost
  params: {n_estimators: 20, max_depth: 3}
evaluation:
  metrics: [accuracy, roc_auc, f1]
variants:
  small: {model: {params: {n_estimators: 2}}}
  mixed: {model: {type: ensemble, params: {}, members: [lightgbm, linear]}}
  plain: {preprocessing: {scaling: none}, model: {type: linear}}
"""


def _rows(count=200, seed=0):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {"a": rng.normal(size=count), "b": rng.normal(size=count), "kind": rng.choice(list("xyz"), count)}
    )
    rows.loc[::9, "a"] = np.nan
    score = rows["b"] + (rows["kind"] == "x") + rng.normal(scale=0.4, size=count)
    return rows.assign(y=np.where(score > 1, "yes", "no"))


def _fit(source=TEXT, variant=None, rows=None, **options):
    spec = read_pipeline(source, variant=variant)
    return fit_pipeline(spec, _rows() if rows is None else rows, "y", folds=2, **options)


def test_every_metric_that_is_listed_is_reported_and_settings_are_kept():
    run = _fit()
    assert list(run.metrics) == ["accuracy", "roc_auc", "f1"]
    assert run.model.metric == "accuracy"
    assert run.metrics["accuracy"] == pytest.approx(run.model.cv)
    assert run.metrics["roc_auc"] > 0.8
    (trial,) = run.model.trials
    assert (trial["learner"], trial["params"]["max_depth"]) == ("xgboost", 3)
    assert max(trial["rounds"]) <= 20
    assert trial["plan"]["preprocessing"]["selection"] == "k_best"


def test_the_same_pipeline_twice_is_equal():
    pd.testing.assert_frame_equal(_fit().model.oof, _fit().model.oof)


@pytest.mark.parametrize(
    ("variant", "learners"), [("small", {"xgboost"}), ("mixed", {"lightgbm", "linear"}), ("plain", {"linear"})]
)
def test_a_variant_differs_in_what_it_says(variant, learners):
    text = TEXT.replace("params: {n_estimators: 20, max_depth: 3}", "params: {}") if variant == "plain" else TEXT
    text = text.replace("  params: {n_estimators: 20, max_depth: 3}\n", "") if variant == "mixed" else text
    run = _fit(text, variant, **({"trials": 2} if variant == "mixed" else {}))
    assert {trial["learner"] for trial in run.model.trials} == learners
    if variant == "small":
        assert max(run.model.trials[0]["rounds"]) <= 2
    assert len(run.metrics) == 3


@pytest.mark.parametrize("family", ["lightgbm", "catboost", "extra_trees", "random_forest"])
def test_the_number_of_rounds_or_trees_is_kept_by_every_family_that_has_one(family):
    text = TEXT.replace("xgboost", family).replace("{n_estimators: 20, max_depth: 3}", "{n_estimators: 4}")
    assert max(_fit(text).model.trials[0]["rounds"]) <= 4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("type: xgboost", "type: xgbost", "Did you mean xgboost"),
        ("[accuracy, roc_auc, f1]", "[acuracy]", "Did you mean accuracy"),
        ("[accuracy, roc_auc, f1]", "[rmse]", "metric rmse does not suit a binary task"),
        ("max_depth: 3", "max_deth: 3", "xgboost has no setting 'max_deth'; did you mean `max_depth`"),
        ("scaling: standard", "scaling: standart", "did you mean `standard`"),
        ("evaluation:", "evaluaton:", "unknown key `evaluaton`; did you mean `evaluation`"),
        ("name: churn-boosted", "name: a b", "letters, digits"),
        ("scaling: none", "scaling: nune", "variant plain: `preprocessing.scaling`.*did you mean `none`"),
        ("metrics: [accuracy", "evaluators: [skores]\n  metrics: [accuracy", "Did you mean scores"),
        ("type: xgboost", "type: ensemble", "settings of one family"),
    ],
)
def test_what_is_wrong_is_said_before_anything_trains(old, new, words):
    heard = []
    with pytest.raises(RequestError, match=words):
        _fit(TEXT.replace(old, new), on_event=heard.append)
    assert not [event for event in heard if type(event).__name__ == "TrialFinished"]


def test_an_unknown_variant_gets_the_nearest():
    with pytest.raises(RequestError, match=r"no variant 'smal'; did you mean `small`\? There are: small, mixed, plain"):
        read_pipeline(TEXT, variant="smal")


def test_metrics_and_evaluators_of_one_s_own_are_reported(plugs):
    plugs("metrics", "misses", "misses")
    plugs("evaluators", "shape", "shape")
    run = _fit(
        TEXT.replace("[accuracy, roc_auc, f1]", "[misses, accuracy]\n  evaluators: [shape, scores, out_of_fold]")
    )
    assert run.metrics["misses"] == pytest.approx(200 * (1 - run.metrics["accuracy"]))
    assert run.evaluations["shape"] == {"rows": 200}
    assert set(run.evaluations["scores"]) >= {"roc_auc", "f1"}
    assert run.evaluations["out_of_fold"] == {"accuracy": run.model.cv}


def test_an_evaluator_of_another_task_is_refused(plugs):
    plugs("evaluators", "for_values", "for_values")
    with pytest.raises(RequestError, match="evaluator for_values is for regression; the target 'y' is a binary task"):
        _fit(TEXT.replace("metrics: [", "evaluators: [for_values]\n  metrics: ["))


def test_a_regression_reports_its_metrics():
    rows = _rows().assign(y=lambda rows: rows["b"] * 2 + 1)
    text = "name: values\nmodel: {type: linear}\nevaluation: {metrics: [mae, r2]}\n"
    run = _fit(text, rows=rows, trials=1)
    assert run.metrics["r2"] > 0.95
    assert run.metrics["mae"] == pytest.approx(run.model.cv)


def test_a_registered_pipeline_is_there_in_a_new_process(tmp_path):
    kept = PipelineRegistry(tmp_path)
    kept.register(TEXT)
    kept.register({"name": "other", "model": {"type": "linear"}})
    code = (
        "import sys; from automl_runtime.engine.pipelines import PipelineRegistry; kept = PipelineRegistry(sys.argv[1]);"
        "print(*kept.names(), kept.get('churn-boosted', variant='small').model.params['n_estimators'])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=os.environ)
    assert done.stdout.split() == ["churn-boosted", "other", "2"], done.stderr
    assert kept.get("churn-boosted") == read_pipeline(TEXT)


def test_a_name_is_taken_once(tmp_path):
    kept = PipelineRegistry(tmp_path)
    kept.register(TEXT)
    with pytest.raises(RequestError, match="already a pipeline churn-boosted"):
        kept.register(TEXT)
    kept.register(TEXT.replace("standard", "minmax"), replace=True)
    assert kept.get("churn-boosted").preprocessing.scaling == "minmax"
    with pytest.raises(RequestError, match="did you mean `churn-boosted`"):
        kept.get("churn-bosted")


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("nowhere.yaml", DataError, "cannot be read"),
        ("a: [\n", RequestError, "not valid YAML"),
        ("- one\n- two\n", RequestError, "a mapping of keys"),
        ({"name": "x"}, RequestError, "`model`: Field required"),
    ],
)
def test_what_is_no_pipeline_is_refused(source, error, words):
    with pytest.raises(error, match=words):
        read_pipeline(source)
