"""Jobs of learners on small tables, as the search would give them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from automl_runtime.engine.folds import Fold
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.learners.base import Job, Stopper
from automl_runtime.engine.learners.registry import learner_named
from automl_runtime.engine.portfolio import portfolio
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.workspace import Workspace
from automl_runtime.inference.encoding import Encoder
from threadpoolctl import threadpool_limits

ODD_COLUMNS = {
    "constant": lambda count: 1,
    "null": lambda count: None,
    "infinite": lambda count: np.inf,
    "mixed": lambda count: [["a", 1, None, 2.5, True][place % 5] for place in range(count)],
    "ids": lambda count: [f"id-{place}" for place in range(count)],
    "huge": lambda count: [1e300 * (-1) ** place for place in range(count)],
    "texts": lambda count: [f"the text number {place % 7} of many words" for place in range(count)],
    "counter": range,
}
"""Columns that say nothing, for a table of so many rows."""

LABELS = {"binary": ["no", "yes"], "multiclass": ["high", "low", "middle"], "regression": None}


def mixed_rows(task, count=400, seed=0):
    """Numbers with gaps, categories with gaps and a date, of which each says something about `y`."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "size": rng.normal(size=count),
            "weight": rng.gamma(2.0, size=count),
            "kind": rng.choice(list("abcdef"), count),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, count), unit="D"),
        }
    )
    y = rows["size"] + (rows["kind"] == "a") * 2 + rows["weight"] * 0.5 + rng.normal(scale=0.3, size=count)
    rows.loc[rng.random(count) < 0.1, "size"] = np.nan
    rows.loc[rng.random(count) < 0.1, "kind"] = None
    labels = LABELS[task]
    if labels:
        cuts = np.quantile(y, np.linspace(0, 1, len(labels) + 1)[1:-1])
        return rows.assign(y=np.array(labels)[np.searchsorted(cuts, y)])
    return rows.assign(y=y)


def make_job(rows, family, *, valid=100, rounds=None, stop=None, weights=None, threads=1, name=None, **params):
    """The learner, and its job with the family's first configuration, changed by `params`; `valid` rows validate."""
    inputs, problem = make_problem(rows, "y", weights=weights)
    data = Encoder(make_columns(inputs, None)).encode(inputs)
    places = np.arange(len(rows))
    workspace = Workspace(problem, data, [Fold(places[valid:], places[:valid])], 0)
    configs = portfolio(problem, data, interpretable=False, models=[family])
    config = next(config for config in configs if name in (None, config.name))
    learner = learner_named(config.learner)
    settings = dict(config.params) | params
    fold = workspace.fold_data(learner.recipe(settings), 0)
    return learner, Job(workspace, fold, settings, 0, threads, stop or Stopper(), rounds)


def run(learner, job):
    """The fit, as the search does it: threads of BLAS would fight over the cores."""
    learner.prepare()
    with threadpool_limits(limits=1, user_api="blas"):
        return learner.fit(job)
