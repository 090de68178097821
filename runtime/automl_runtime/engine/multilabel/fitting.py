"""Learns several labels of the same rows: a search for each on shared preprocessing, then a second level over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.vocabulary import MetricName, default_metric

from automl_runtime.engine.clock import Clock
from automl_runtime.engine.metrics import check_metric, score_classes
from automl_runtime.engine.model import Model
from automl_runtime.engine.multilabel.labels import read_labels
from automl_runtime.engine.multilabel.mixing import fit_mixing
from automl_runtime.engine.multilabel.model import MultilabelModel
from automl_runtime.engine.multilabel.scores import two_columns
from automl_runtime.engine.options import Options
from automl_runtime.engine.problem import FEWEST_ROWS, make_problem
from automl_runtime.engine.tabular import asked_for, encode_table, fit_table
from automl_runtime.engine.thresholds import choose_threshold, default_policy
from automl_runtime.errors import RequestError, TrainingError, shorten
from automl_runtime.events import Warned

__all__ = ["fit_labels"]

_FEWEST_OF_CLASS = 2
_LEAST_SECONDS = 0.2
_FEWEST_MIXED = 50
_PARTS = 5


def fit_labels(
    table: pd.DataFrame,
    target: str | Sequence[str] | pd.Series | pd.DataFrame,
    options: Options,
    *,
    metric: MetricName | None,
    separator: str | None,
    **roles: Any,
) -> MultilabelModel:
    """See `fit`. The budget is divided evenly among the labels; `trials` are the trials of each, and `replay` executes
    the recorded ones of each.

    A label that fewer than two rows have, or lack, cannot be learned: its share of the rows is predicted, and a
    `Warned` names it.

    Raises:
        RequestError: if an argument does not fit.
        TrainingError: if no label can be learned.
    """
    if options.max_predict_us is not None:
        raise RequestError("`max_predict_us` limits one model; it is not possible for several labels.")
    chosen: MetricName = metric or default_metric("multilabel")
    check_metric(chosen, "binary")
    clock = options.clock()
    inputs, labels = read_labels(table, target, separator)
    constants = _constants(labels, options)
    learned = [name for name in labels.columns if name not in constants]
    if not learned:
        raise TrainingError("No label is there in two rows and absent in two: there is nothing to tell apart.")
    roles = {name: role.reset_index(drop=True) if isinstance(role, pd.Series) else role for name, role in roles.items()}
    shared = None
    models: dict[str, Model] = {}
    for place, name in enumerate(learned):
        options.check_cancelled()
        own_inputs, problem = make_problem(
            inputs, labels[name].rename(str(name)), task="binary", metric=chosen, positive=1, **roles
        )
        part = _part(options, clock, place, len(learned))
        shared = shared or encode_table(own_inputs, options, asked_for(problem, part))
        models[name] = fit_table(own_inputs, problem, part.clock(), part, shared)
    return _assembled(labels, models, constants, chosen, options, clock, list(inputs.columns))


def _constants(labels: pd.DataFrame, options: Options) -> dict[str, float]:
    if len(labels) < FEWEST_ROWS:
        raise TrainingError(f"There are {len(labels)} rows to learn from; at least {FEWEST_ROWS} are needed.")
    counts = labels.sum()
    found = {
        name: float(counts[name] / len(labels))
        for name in labels.columns
        if min(counts[name], len(labels) - counts[name]) < _FEWEST_OF_CLASS
    }
    for name, share in found.items():
        options.on_event(
            Warned(
                f"{counts[name]} of {len(labels)} rows have the label {shorten(name)}: it cannot be learned, "
                f"{share:.3g} is always its probability."
            )
        )
    return found


def _part(options: Options, clock: Clock, place: int, count: int) -> Options:
    """The options for one label: an even part of the time that is left."""
    seconds = options.budget_seconds if clock.budget is None else max(clock.left() / (count - place), _LEAST_SECONDS)
    return replace(options.below(_search(place)), budget_seconds=seconds)


def _search(place: int) -> str:
    """What the search of a label is called."""
    return f"label{place}"


def _assembled(
    labels: pd.DataFrame,
    models: dict[str, Model],
    constants: dict[str, float],
    metric: MetricName,
    options: Options,
    clock: Clock,
    features: list[str],
) -> MultilabelModel:
    names = list(models)
    oof = pd.concat([models[name].oof.iloc[:, 1] for name in names], axis=1, join="inner", keys=names).sort_index()
    rows = oof.index.to_numpy()
    mixing = np.eye(len(names), len(names) + 1)
    if len(names) > 1 and len(rows) >= _FEWEST_MIXED and options.validation != "temporal" and not options.interpretable:
        parts = np.random.default_rng(options.seed).permutation(len(rows)) % _PARTS
        mixing, mixed = fit_mixing(oof.to_numpy(), labels.loc[rows, names].to_numpy(), parts)
        oof = pd.DataFrame(mixed, index=oof.index, columns=oof.columns)
    thresholds, scores, found = {}, {}, {}
    for place, name in enumerate(names):
        known = _known(models[name], oof, name, changed=bool((mixing[place] != np.eye(len(mixing[0]))[place]).any()))
        found[str(name)] = known
        truth = labels.loc[known.index, name].to_numpy(dtype=np.int64)
        decision = choose_threshold(options.threshold or default_policy(metric), truth == 1, known.to_numpy())
        thresholds[name] = decision.threshold
        flags = (known.to_numpy() >= decision.threshold).astype(np.int64)
        scores[name] = score_classes(metric, truth, two_columns(known.to_numpy()), flags, 2, 1)
    return MultilabelModel(
        labels=[str(name) for name in labels.columns],
        features=features,
        heads={str(name): model.fitted for name, model in models.items()},
        constants={str(name): share for name, share in constants.items()},
        mixing=mixing,
        thresholds={str(name): value for name, value in thresholds.items()},
        metric=metric,
        scores={str(name): float(value) for name, value in scores.items()},
        rows=[row for name, model in models.items() for row in _rows(str(name), model)],
        best={str(name): model.best_model for name, model in models.items()},
        trials=[
            {"search": _search(place)} | trial for place, model in enumerate(models.values()) for trial in model.trials
        ],
        seconds=clock.elapsed(),
        oof=pd.DataFrame(found),
    )


def _known(model: Model, oof: pd.DataFrame, name: str, *, changed: bool) -> pd.Series:
    """The probabilities of a label out of fold: after the second level, else of all rows that its models give."""
    return oof[name] if changed else model.oof.iloc[:, 1].sort_index()


def _rows(label: str, model: Model) -> list[LeaderboardRow]:
    return [row.model_copy(update={"model": f"{label}: {row.model}"}) for row in model.leaderboard()]
