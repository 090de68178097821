"""`python -m automl_runtime.project.scoring PROJECT VERSION`: one model version on the holdout, as a JSON line.

It runs in a process of its own, with the project's package importable, because it calls the project's features.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from automl_runtime.data.label_lists import label_flags
from automl_runtime.engine.anomaly.evaluation import evaluate_anomalies
from automl_runtime.engine.anomaly.model import AnomalyModel
from automl_runtime.engine.clustering.evaluation import evaluate_clusters
from automl_runtime.engine.clustering.model import ClusterModel
from automl_runtime.engine.evaluation import evaluate
from automl_runtime.engine.forecasting.evaluation import evaluate_forecast
from automl_runtime.engine.forecasting.forecaster import Forecaster
from automl_runtime.engine.multilabel.evaluation import evaluate_labels
from automl_runtime.engine.multilabel.model import MultilabelModel
from automl_runtime.errors import AutomlError
from automl_runtime.project.forecasts import before_holdout, of_known_series
from automl_runtime.project.layout import Project
from automl_runtime.project.pasts import known_rows, with_past

__all__ = ["main", "score_version"]


def score_version(project: Project, version: str) -> dict[str, Any]:
    """Score, 95 % interval and number of rows of a version on the project's holdout.

    A forecast made before a series began is scored on the series that it knows.
    """
    package = next(iter(sorted(project.root.glob("src/*/features.py")))).parent.name
    build_features = importlib.import_module(f"{package}.features").build_features
    rows = project.load_rows("holdout")
    model, features = project.bundle(version).model, build_features(rows)
    if isinstance(model, Forecaster):
        known = of_known_series(model, features.assign(**{project.target: rows[project.target]}))
        past = of_known_series(model, project.load_rows("train"))
        result, _ = evaluate_forecast(before_holdout(model.continued(past), known), known, seed=project.spec.seed)
    elif isinstance(model, ClusterModel):
        result, _ = evaluate_clusters(model, features, seed=project.spec.seed)
    elif isinstance(model, AnomalyModel):
        model, features = with_past(model, project, build_features), known_rows(model, features)
        target = project.spec.target
        known = None if target is None else rows.loc[features.index, project.target]
        positive = None if target is None else target.positive
        result, _ = evaluate_anomalies(model, features, known, positive=positive, seed=project.spec.seed)
    elif isinstance(model, MultilabelModel):
        truth = label_flags(rows[project.target], model.labels)
        result, _ = evaluate_labels(model, features, truth, seed=project.spec.seed)
    else:
        result = evaluate(model, features, rows[project.target], seed=project.spec.seed)
    return {"version": version, "score": result.score, "interval": list(result.ci), "rows": result.rows}


def main(arguments: list[str]) -> int:
    """Prints the score; the exit code is that of the error otherwise."""
    root, version = arguments
    try:
        record = score_version(Project.load(root), version)
    except AutomlError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(record) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
