from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_agent.quickstart import quickstart, suggest
from automl_runtime import Dataset
from automl_runtime.errors import RequestError
from automl_runtime.events import Event, Finding


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    random = np.random.default_rng(2)
    kind = random.integers(0, 3, 240)
    frame = pd.DataFrame(
        {
            "length": (kind * 2 + random.normal(size=240)).round(2),
            "width": (kind - random.normal(size=240)).round(2),
            "soil": random.choice(["sand", "clay"], 240),
            "height": (kind * 3 + random.normal(size=240)).round(2),
            "sort": np.array(["fern", "moss", "reed"])[kind],
        }
    )
    frame.to_csv(tmp_path / "plants.csv", index=False)
    return tmp_path / "plants.csv"


@pytest.mark.parametrize(
    ("task", "target", "metric"),
    [
        ("classification", None, "log_loss"),
        ("classification", "soil", "roc_auc"),
        ("regression", None, "rmse"),
        (None, "height", "rmse"),
        ("clustering", None, "silhouette"),
        ("anomaly", None, "anomalies"),
        (None, None, "log_loss"),
    ],
)
def test_one_file_is_enough_for_every_task(plants: Path, task: str | None, target: str | None, metric: str) -> None:
    run = quickstart(plants, task=task, target=target, folder=plants.parent, budget_seconds=1)
    assert metric in run.scores
    assert run.path.is_relative_to(plants.parent / "plants")


def test_what_is_asked_is_what_flags_say(plants: Path) -> None:
    asked: list[tuple[str, str]] = []

    def ask(question: str, answers: Sequence[str], default: str) -> str:
        asked.append((question, default))
        return "regression" if "classification" in answers else "width"

    events: list[Event] = []
    run = quickstart(plants, folder=plants.parent, budget_seconds=1, ask=ask, on_event=events.append)
    assert [default for _, default in asked] == ["classification", "height"]
    assert (run.model.task, run.model.target) == ("regression", "width")
    topics = [event.topic for event in events if isinstance(event, Finding)]
    assert topics.index("analysed") < topics.index("understood") < topics.index("pipeline")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"task": "clasification"}, "possible: classification, regression"),
        ({"target": "sorts"}, "Did you mean 'sort'"),
        ({"task": "clustering", "target": "soil"}, "`target`"),
    ],
)
def test_what_cannot_be_is_refused(plants: Path, arguments: dict[str, str], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        quickstart(plants, folder=plants.parent, budget_seconds=1, **arguments)
    assert said in str(caught.value)


def test_columns_that_name_rows_are_no_targets(tmp_path: Path) -> None:
    pd.DataFrame({"a": np.arange(60) * 0.5, "code": [f"x{place}" for place in range(60)]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    columns = Dataset.load(tmp_path / "t.csv").table.columns
    assert suggest(columns).task == "clustering"
    assert suggest(columns, task="regression").target == "a"
    assert suggest(columns, task="classification").target is None
