"""What came true, delivered after the prediction, and how far a prediction was from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from automl_schemas.bundle import BundleManifest

from automl_runtime.errors import shorten
from automl_runtime.registry.ledger import Outcome
from automl_runtime.registry.traffic import TrafficRule
from automl_runtime.serving.requests import BadRequest, Problem, parse_object, text_of
from automl_runtime.serving.splitting import hash_of, key_of

__all__ = ["losses_of", "measure_of", "read_outcomes"]

_MOST = 10_000
_FORM = 'an object {"prediction_id": ..., "outcome": ...}, or "key" instead of the id; many as {"outcomes": [...]}'


def measure_of(manifest: BundleManifest) -> str | None:
    """What a loss is; None where a model has no outcomes that could be delivered for a prediction."""
    if manifest.task in ("forecast", "clustering"):
        return None
    if manifest.task == "anomaly":
        return "error rate"
    return "brier" if manifest.classes else "absolute error"


def losses_of(manifest: BundleManifest) -> Callable[[Any, Any], float]:
    """The loss of an answer given what came true; smaller is better.

    Of classes half the squared distance of the probabilities from the outcome (Brier 1950), 0 to 1; of several labels
    the mean squared distance over them; of numbers the absolute error; of anomalies 1 where the answer was wrong.
    """
    if manifest.task == "multilabel":
        return _brier_of_labels
    if manifest.task == "anomaly":
        return lambda answer, outcome: float(answer["anomaly"] != outcome)
    return _brier if manifest.classes else _absolute


def _brier(answer: Mapping[str, Any], outcome: Any) -> float:
    shares, came = answer["probabilities"], text_of(outcome)
    return float(0.5 * sum(((share or 0.0) - (name == came)) ** 2 for name, share in shares.items()))


def _brier_of_labels(answer: Mapping[str, Any], outcome: Any) -> float:
    shares = answer["probabilities"]
    return float(sum((share - (name in outcome)) ** 2 for name, share in shares.items()) / len(shares))


def _absolute(answer: Mapping[str, Any], outcome: Any) -> float:
    predicted = answer["prediction"]
    return abs(float(predicted or 0.0) - float(outcome))


def read_outcomes(body: bytes, rule: TrafficRule, manifest: BundleManifest) -> list[Outcome]:
    """The outcomes in the body of a request.

    Raises:
        BadRequest: naming each that has no id and no key, or that is no outcome of this model.
    """
    if measure_of(manifest) is None:
        raise BadRequest([Problem(f"A {manifest.task} model has no outcome for each prediction.")])
    content = parse_object(body, form=_FORM)
    given = content["outcomes"] if set(content) == {"outcomes"} else [content]
    if not isinstance(given, list):
        raise BadRequest([Problem("'outcomes' is no list.", allowed=_FORM)])
    if len(given) > _MOST:
        raise BadRequest([Problem(f"{len(given):,} outcomes; at most {_MOST:,} are taken at once.")], status=413)
    found: list[Outcome] = []
    problems: list[Problem] = []
    for place, entry in enumerate(given):
        read = _outcome(entry, rule, manifest)
        if isinstance(read, Outcome):
            found.append(read)
        else:
            problems.append(Problem(f"Outcome {place}: {read}", row=place))
    if problems:
        raise BadRequest(problems)
    return found


def _outcome(entry: object, rule: TrafficRule, manifest: BundleManifest) -> Outcome | str:
    """An outcome, or what is wrong with it."""
    if not isinstance(entry, dict) or set(entry) not in ({"prediction_id", "outcome"}, {"key", "outcome"}):
        return f"it is not {_FORM}."
    wrong = _wrong(entry["outcome"], manifest)
    if wrong is not None:
        return wrong
    if "prediction_id" in entry:
        identity = entry["prediction_id"]
        return Outcome(entry["outcome"], id=identity) if isinstance(identity, str) else "prediction_id is no text."
    if rule.key is None:
        return "the traffic rule has no key; give the prediction_id."
    key = key_of(entry["key"])
    return "the key is empty." if key is None else Outcome(entry["outcome"], key=hash_of(rule, key))


def _wrong(outcome: object, manifest: BundleManifest) -> str | None:
    if manifest.task == "anomaly":
        return None if isinstance(outcome, bool) else f"{shorten(outcome)} is not true or false."
    if not manifest.classes:
        number = isinstance(outcome, int | float) and not isinstance(outcome, bool) and math.isfinite(outcome)
        return None if number else f"{shorten(outcome)} is no number."
    names = [text_of(label) for label in manifest.classes]
    if manifest.task == "multilabel":
        fits = isinstance(outcome, list) and all(isinstance(label, str) and label in names for label in outcome)
        return None if fits else f"{shorten(outcome)} is no list of labels; labels: {', '.join(names[:20])}."
    if not isinstance(outcome, dict | list) and text_of(outcome) in names:
        return None
    return f"{shorten(outcome)} is no class; classes: {', '.join(names[:20])}."
