"""A score that nobody claims is null in the file and NaN in memory."""

from __future__ import annotations

import json
import math

import pytest
from automl_schemas.metrics import Metrics
from automl_schemas.spec import TaskSpec
from pydantic import ValidationError

NOTHING = float("nan")


def metrics(**changes):
    known = {
        "metric": "roc_auc", "higher_is_better": True, "holdout": 0.75, "holdout_ci": (0.5, 1.0), "cv": 0.5, "goal": None,
        "rows_train": 8, "rows_holdout": 2, "best_model": "tails", "seconds": 1.0, "seed": 0, "data_sha256": "00",
        "leaderboard": [],
    }  # fmt: skip
    return Metrics(**{**known, **changes})


def test_nan_is_written_as_null_and_read_back():
    text = metrics(holdout=NOTHING, holdout_ci=(NOTHING, NOTHING), cv=NOTHING, flagged=0.1).model_dump_json()
    record = json.loads(text)
    assert (record["holdout"], record["holdout_ci"], record["cv"]) == (None, [None, None], None)
    again = Metrics.model_validate_json(text)
    assert math.isnan(again.holdout)
    assert again.flagged == 0.1


def test_a_score_stays_the_number_that_it_is_and_other_tasks_have_no_further_keys():
    record = json.loads(metrics(holdout=0.1 + 0.2).model_dump_json())
    assert (record["holdout"], record["holdout_ci"]) == (0.1 + 0.2, [0.5, 1.0])
    assert not {"flagged", "scores"} & set(record)


def test_what_only_groups_and_anomalies_have_is_left_out_elsewhere():
    assert not {"clusters", "contamination"} & set(TaskSpec(type="binary").model_dump())
    assert TaskSpec(type="clustering", clusters=3).model_dump()["clusters"] == 3


@pytest.mark.parametrize("wrong", [{"clusters": 1}, {"contamination": 0.0}, {"contamination": 0.6}])
def test_impossible_wishes_are_refused(wrong):
    with pytest.raises(ValidationError):
        TaskSpec(type="clustering", **wrong)
