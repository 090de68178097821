"""What a model of several labels is worth on rows that it has not seen, taken together and label by label."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
from automl_schemas.vocabulary import higher_is_better

from automl_runtime.engine.curves import pr_points, reports, roc_points
from automl_runtime.engine.evaluation import Curve, Evaluation
from automl_runtime.engine.importance import permutation_importance
from automl_runtime.engine.metrics import score_classes
from automl_runtime.engine.model import problem_of
from automl_runtime.engine.multilabel.model import MultilabelModel
from automl_runtime.engine.multilabel.scores import label_interval, mean_scores, score_labels, two_columns
from automl_runtime.errors import TrainingError
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["LabelScore", "evaluate_labels", "label_importance"]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label: how often it is there, and how well it is told."""

    label: str
    rows: int
    """Of the evaluated rows, those that have it."""
    found: int
    """Those of which it was predicted."""
    score: float
    """By the metric of the model."""
    cv: float | None
    """The same out of fold; None when the label could not be learned."""
    precision: float
    recall: float
    f1: float
    roc_auc: float | None
    """None where all of the rows have it, or none."""
    threshold: float | None
    """It is predicted where its probability is at least this; None when the label could not be learned."""
    roc: Curve | None = None
    """None as `roc_auc`, and when the label could not be learned."""
    pr: Curve | None = None
    """Likewise."""


def evaluate_labels(
    model: MultilabelModel, frame: pd.DataFrame, truth: pd.DataFrame, *, seed: int = 0
) -> tuple[Evaluation, list[LabelScore]]:
    """The scores of `model`, each the mean over the labels that it could learn, and each label for itself.

    Args:
        model: what `fit` or `load` returned.
        frame: the inputs.
        truth: 0 and 1, a column for each label of the model; one for each row of `frame`.
        seed: of the bootstrap of rows behind the interval.

    Raises:
        SchemaMismatchError: if a column is missing.
        TrainingError: if there is no row.
    """
    if not len(frame):
        raise TrainingError("There is no row to evaluate on.")
    start = time.perf_counter()
    shares = model.predict_proba(frame)
    seconds = time.perf_counter() - start
    found = model.decide(shares)
    learned = list(model.heads)
    cells = [part[learned].to_numpy() for part in (truth.astype(np.int64), shares, found.astype(np.int64))]
    means = mean_scores(*cells)
    more = {name: value for name, value in score_labels(*cells).items() if name not in ("f1_macro", "hamming_loss")}
    evaluation = Evaluation(
        task=model.task,
        metric=model.metric,
        higher_is_better=higher_is_better(model.metric),
        rows=len(frame),
        score=means[model.metric],
        ci=label_interval(model.metric, *cells, seed=seed),
        scores={**{str(name): value for name, value in means.items()}, **more},
        predict_us_per_row=round(1e6 * seconds / len(frame), 3),
    )
    return evaluation, [_of_label(model, label, truth[label], shares[label], found[label]) for label in model.labels]


def _of_label(model: MultilabelModel, label: str, truth: pd.Series, share: pd.Series, flag: pd.Series) -> LabelScore:
    actual, guessed = truth.to_numpy(dtype=np.int64), flag.to_numpy(dtype=np.int64)
    precision, recall, f1, rows = reports(actual, guessed, 2)[1]
    chances = two_columns(share.to_numpy(dtype=float))
    varied = 0 < rows < len(actual)
    auc = score_classes("roc_auc", actual, chances, None, 2, 1) if varied else None
    roc, pr = _curves(label, actual, chances, auc) if auc is not None and label in model.heads else (None, None)
    return LabelScore(
        label=label,
        rows=rows,
        found=int(guessed.sum()),
        score=float(mean_scores(actual[:, None], chances[:, 1:], guessed[:, None])[model.metric]),
        cv=model.scores.get(label),
        precision=precision,
        recall=recall,
        f1=f1,
        roc_auc=auc,
        threshold=model.thresholds.get(label),
        roc=roc,
        pr=pr,
    )


def _curves(label: str, actual: Ints, chances: Floats, auc: float) -> tuple[Curve, Curve]:
    precision = score_classes("average_precision", actual, chances, None, 2, 1)
    truth, share = actual == 1, chances[:, 1]
    return Curve(label, *roc_points(truth, share), area=auc), Curve(label, *pr_points(truth, share), area=precision)


def label_importance(
    model: MultilabelModel, frame: pd.DataFrame, truth: pd.DataFrame, *, seconds: float, seed: int
) -> dict[str, float]:
    """See `permutation_importance`: its mean over the labels, largest first; labels that do not vary are left out."""
    varied = [label for label in model.heads if truth[label].nunique() > 1]
    total: dict[str, float] = {}
    for label in varied:
        head = model.heads[label]
        problem = problem_of(head, truth[label])
        data = head.encoder.encode(frame)
        found = permutation_importance(head, data, problem, seconds=seconds / len(varied), seed=seed)
        for name, value in found.items():
            total[name] = total.get(name, 0.0) + value / len(varied)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
