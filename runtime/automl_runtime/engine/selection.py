"""Which families suit a table: by its size, the time there is, and whether people must read the models."""

from __future__ import annotations

from collections.abc import Sequence

from automl_schemas.vocabulary import TaskType

from automl_runtime.engine.learners.gaussian_process import MOST_GP_ROWS
from automl_runtime.engine.learners.neighbors import MOST_STORED
from automl_runtime.engine.learners.registry import learner_named, registered_params
from automl_runtime.engine.learners.svm import MOST_RBF_ROWS
from automl_runtime.errors import RequestError

__all__ = ["READABLE", "SCALABLE", "fitting_families", "named_families", "select_families"]

SCALABLE = ("lightgbm", "xgboost", "catboost", "linear")
"""What still learns from millions of rows, in the order in which it is tried there."""
READABLE = ("linear", "lasso", "elastic_net", "additive", "tree")
"""What people can read: weights, shapes of single columns, a few questions."""

_CLASSES_ONLY = "naive_bayes"
_SAMPLED = {"gaussian_process": MOST_GP_ROWS, "neighbors": MOST_STORED}
_MANY_ROWS = 1_000_000
_DIVERSE = ("lightgbm", "linear", "extra_trees", "catboost", "network")
_SMOOTH = "gaussian_process"
_SMOOTH_ROWS = 3_000
"""With so few rows a Gaussian process costs little, and saved a tenth of the error of the mixture on smooth targets."""
_LATE = ("xgboost", "random_forest", "lasso", "rbf_svm")
"""Added nothing, or luck, to the mixture of the others on seven tables; for long searches, which saw the others."""
_LONG_BUDGET = 120.0


def select_families(rows: int, *, budget_seconds: float | None, interpretable: bool) -> tuple[str, ...]:
    """The families that a search tries when none is named, most promising first.

    Over a million rows these are the boosters that scale and linear models. Gaussian processes join on few rows.
    Families that add little to the mixture come last, and only where there is time for them (`budget_seconds` None:
    as much as it takes). Readable models are readable whatever the size.
    """
    if interpretable:
        return READABLE
    if rows > _MANY_ROWS:
        return SCALABLE
    long = budget_seconds is None or budget_seconds >= _LONG_BUDGET
    few = (_SMOOTH,) if rows <= _SMOOTH_ROWS else ()
    return (*registered_params(), *_DIVERSE, *few, *(_LATE if long else ()))


def named_families(models: Sequence[str], *, interpretable: bool) -> tuple[str, ...]:
    """The families that were asked for by name, each once.

    Raises:
        RequestError: if one does not exist (the nearest are named), none is given, or one cannot be read although it
            shall.
    """
    asked = [models] if isinstance(models, str) else list(models)
    if not asked:
        raise RequestError("`models` is empty; name a family, or leave it out for all that suit.")
    names = tuple(dict.fromkeys(learner_named(name).name for name in asked))
    unreadable = [name for name in names if interpretable and name not in READABLE]
    if unreadable:
        raise RequestError(
            f"{', '.join(unreadable)}: cannot be read, and `interpretable` is set; readable: {', '.join(READABLE)}."
        )
    return names


def fitting_families(families: Sequence[str], task: TaskType, rows: int) -> tuple[tuple[str, ...], list[str]]:
    """The families as this table can bear them, and what people should know about it, in sentences.

    Over 50,000 rows a linear support vector machine stands for one with radial basis functions; Gaussian processes
    read 10,000 rows at most, neighbours keep 20,000 at most; naive Bayes is for classes.

    Raises:
        RequestError: if no family is left.
    """
    kept, notes = [], []
    for family in families:
        if family == _CLASSES_ONLY and task == "regression":
            notes.append(f"{family} tells classes apart, and a regression has none: it is left out.")
            continue
        if family == "rbf_svm" and rows > MOST_RBF_ROWS:
            notes.append(f"There are {rows:,} rows; over {MOST_RBF_ROWS:,} linear_svm is used instead of rbf_svm.")
            family = "linear_svm"
        if rows > _SAMPLED.get(family, rows):
            notes.append(
                f"There are {rows:,} rows; {family} uses at most {_SAMPLED[family]:,} of them, drawn at random."
            )
        kept.append(family)
    if not kept:
        raise RequestError(" ".join(notes))
    return tuple(dict.fromkeys(kept)), notes
