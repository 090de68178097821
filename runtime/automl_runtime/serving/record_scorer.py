"""One row at a time without a frame: from the values of a request to its answer in tens of microseconds.

What comes out is what `Scorer` answers. A model or a project whose features need a frame has no `RecordScorer`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np

from automl_runtime.data.record_parser import RecordParser
from automl_runtime.engine.multilabel.model import MultilabelModel
from automl_runtime.errors import AutomlError
from automl_runtime.features.dates import DATE_PARTS, date_parts_of
from automl_runtime.inference.model import FittedModel, decide_one
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.answers import Observed
from automl_runtime.serving.caching import ResultCache
from automl_runtime.serving.requests import BadRequest, cell_problem, plain, text_of

__all__ = ["RecordFeatures", "RecordScorer", "record_scorer", "standard_features"]

RecordFeatures = Callable[[Mapping[str, Any]], dict[str, Any]]
"""From the clean values of a row to the model's features."""
_Tell = Callable[[list[float]], dict[str, Any]]
"""From the outputs of a model to its answer."""

_SLOW: Final = 0.002
"""Seconds of a row above which it must not be scored on the event loop."""
_TIMED: Final = 20
_CELL: Final = 32
"""Bytes of a value in a key, text aside."""
_encode = msgspec.json.Encoder().encode


def standard_features(features: list[str], columns: list[str]) -> RecordFeatures | None:
    """What generated code makes: columns as they are, and `<column>.<part>` of dates; None where a name is neither."""
    known = frozenset(columns)
    dates: dict[str, list[tuple[str, int]]] = {}
    for name in features:
        if name in known:
            continue
        column, _, part = name.rpartition(".")
        if column not in known or part not in DATE_PARTS:
            return None
        dates.setdefault(column, []).append((name, DATE_PARTS.index(part)))

    def make(values: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(values)
        for column, parts in dates.items():
            found = date_parts_of(values[column])
            for name, part in parts:
                made[name] = found[part]
        return made

    return make if dates else dict


class RecordScorer:
    """Answers requests of one row; may be called from several threads."""

    def __init__(self, bundle: Bundle, features: RecordFeatures, cache: ResultCache[bytes] | None = None) -> None:
        """Answers of rows that came before are taken from `cache`, if there is one."""
        manifest = bundle.manifest
        self._parser = RecordParser(bundle.schema)
        self._features = features
        self._cache = cache
        self._outputs = bundle.model.outputs_of
        tell = _labels if manifest.task == "multilabel" else _classes if manifest.classes else _number
        self._told = tell(bundle)
        self.observed: Observed | None = None
        """Sees the clean rows and their answers."""

    def answer(self, record: Mapping[str, object], row: int = 0) -> bytes:
        """The JSON answer to one row of a request.

        Raises:
            BadRequest: naming every cell that is no value of its column, in this `row`.
        """
        return self.answer_clean(self._parsed(record, row))

    def clean(self, record: Mapping[str, object]) -> dict[str, Any] | None:
        """The clean values of a row; None where a cell is no value of its column, or a key no column."""
        values, problems = self._parser.parse(record)
        return None if problems else values

    def answer_clean(self, values: Mapping[str, Any]) -> bytes:
        """The JSON answer to a row of clean values."""
        known = self._encoded(values)
        if self.observed is not None:
            self.observed.row(values, known)
        return known

    def _encoded(self, values: Mapping[str, Any]) -> bytes:
        if self._cache is None:
            return _encode(self._answered(values))
        # Clean values: however a row is written, it is the same row.
        key = tuple(values.values())
        known = self._cache.get(key)
        if known is None:
            known = _encode(self._answered(values))
            self._cache.put(key, known, len(known) + _CELL * len(key) + sum(len(v) for v in key if type(v) is str))
        return known

    def predict(self, record: Mapping[str, object], row: int = 0) -> dict[str, Any]:
        """What `answer` tells, before it is JSON; nothing is kept of it."""
        values = self._parsed(record, row)
        answer = self._answered(values)
        if self.observed is not None:
            self.observed.row(values, _encode(answer))
        return answer

    def _parsed(self, record: Mapping[str, object], row: int) -> dict[str, Any]:
        values, problems = self._parser.parse(record, row)
        if problems:
            raise BadRequest([cell_problem(problem) for problem in problems])
        return values

    def _answered(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return self._told(self._outputs(self._features(values)))


def _number(bundle: Bundle) -> _Tell:
    version = bundle.manifest.model_version

    def told(found: list[float]) -> dict[str, Any]:
        [value] = found
        return {"prediction": value if math.isfinite(value) else None, "model_version": version}

    return told


def _classes(bundle: Bundle) -> _Tell:
    manifest, info = bundle.manifest, bundle.model.info
    classes = [plain(label) for label in np.array(manifest.classes)]
    names, threshold, version = [text_of(label) for label in classes], manifest.threshold, manifest.model_version

    def told(found: list[float]) -> dict[str, Any]:
        return {
            "label": classes[decide_one(found, info)],
            "probabilities": dict(zip(names, found, strict=True)),
            "threshold": threshold,
            "model_version": version,
        }

    return told


def _labels(bundle: Bundle) -> _Tell:
    names, limits, version = bundle.model.labels, bundle.model.limits, bundle.manifest.model_version

    def told(found: list[float]) -> dict[str, Any]:
        return {
            "labels": [name for name, share, limit in zip(names, found, limits, strict=True) if share >= limit],
            "probabilities": dict(zip(names, found, strict=True)),
            "model_version": version,
        }

    return told


def record_scorer(
    bundle: Bundle, features: RecordFeatures | None, cache: ResultCache[bytes] | None = None
) -> RecordScorer | None:
    """That of `bundle`, warmed up; None where rows take so long that they would hold up the event loop."""
    if features is None or not isinstance(bundle.model, FittedModel | MultilabelModel):
        return None
    if bundle.model.encoder.image_owners:
        # Pictures are checked first, and take their time.
        return None
    scorer = RecordScorer(bundle, features)
    example = {column.name: column.example for column in bundle.schema.columns}
    seconds = []
    try:
        for _ in range(_TIMED):
            start = time.perf_counter()
            scorer.answer(example)
            seconds.append(time.perf_counter() - start)
    except AutomlError:
        # Of a picture, say, the example is only words.
        return None
    return RecordScorer(bundle, features, cache) if min(seconds) < _SLOW else None
