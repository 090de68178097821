"""From the body of a request to that of the answer; plain functions, called off the event loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from automl_runtime.data.records import CellProblem, parse_columns, parse_records
from automl_runtime.engine.multilabel.model import label_sets
from automl_runtime.engine.reasons import reasons_of
from automl_runtime.errors import DataError, RequestError, SchemaMismatchError
from automl_runtime.inference.explaining import Reason
from automl_runtime.kernels.arrays import Ints
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.answers import Answer, Columns, Form, Observed, Writer
from automl_runtime.serving.cache_levels import CacheLevels, row_key
from automl_runtime.serving.caching import ResultCache
from automl_runtime.serving.formats import JSON_FORM, write_json
from automl_runtime.serving.lines import NDJSON, LinesAsk, error_answer, read_lines
from automl_runtime.serving.pictures import check_pictures
from automl_runtime.serving.record_scorer import RecordFeatures, record_scorer
from automl_runtime.serving.requests import BadRequest, Problem, cell_problem, check_rows, plain, text_of
from automl_runtime.serving.series import check_series
from automl_runtime.serving.shared_cache import SharedCache

__all__ = ["Ask", "Features", "Limits", "Scorer"]

Features = Callable[[pd.DataFrame], pd.DataFrame]

_EXPLAINED = 100
_INSTANT_ROWS = 8
_MOST_KEPT = 256
"""Rows that are scored together; of more, none is looked up or kept: they are files, not questions."""
_encode_lines = msgspec.json.Encoder().encode_lines


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold, and what is kept of it."""

    body_bytes: int = 16 * 1024 * 1024
    rows: int = 100_000
    explained_rows: int = 100
    """Rows of a request that asks for reasons: each costs hundreds of predictions."""
    cache_bytes: int = 0
    """What answers may take that are kept for rows that come again; 0: none are kept."""
    cache_seconds: float = 300.0
    shared_cache: SharedCache | None = None
    """Where answers are kept for other services too, of models that are slower than asking there."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request whose body has been read."""

    rows: Sequence[Mapping[str, object]]
    many: bool
    """Whether it came as `{"rows": [...]}`, and is answered in the same way."""
    explain: bool = False
    columns: Columns | None = None
    """In place of `rows`, of those that came column by column."""
    write: Writer = write_json

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.rows) if self.columns is None else self.columns.count


class Scorer:
    """Answers prediction requests with the model of one bundle. Not thread-safe: call it from one thread."""

    takes_lines = True

    def __init__(
        self,
        bundle: Bundle,
        features: Features | None,
        limits: Limits,
        record_features: RecordFeatures | None = None,
    ) -> None:
        """Compiles the model, where that is possible.

        Args:
            bundle: of the model.
            features: makes the model's features from clean rows; None when the model takes the rows as they are.
            limits: of one request.
            record_features: makes the same of one row without a frame; None when only `features` can.
        """
        self._bundle = bundle
        self._version = msgspec.json.encode(bundle.manifest.model_version)
        self.cache = ResultCache[bytes](limits.cache_bytes, limits.cache_seconds) if limits.cache_bytes else None
        """Answers that are kept, of rows that come one at a time."""
        self.record = record_scorer(bundle, dict if features is None else record_features, self.cache)
        self.levels: CacheLevels | None = None
        """Of a model whose rows are not answered on the event loop: what is kept of them. Rows of series are not, for
        their answers depend on those beside them."""
        keeps = self.cache is not None or limits.shared_cache is not None
        if keeps and self.record is None and bundle.windows is None:
            self.levels = CacheLevels(self.cache, limits.shared_cache, bundle.manifest)
        self._features = features
        self._limits = limits
        self._columns = {column.name: column for column in bundle.schema.columns}
        self._observed: Observed | None = None

    def observe(self, rows: Observed) -> None:
        """Lets `rows` see what is asked and answered from now on."""
        self._observed = rows
        if self.record is not None:
            self.record.observed = rows

    def ask(self, body: bytes, explain: bool = False, form: Form | None = None) -> Ask:
        """What the body of a request in this form (None: JSON) asks for. May be called from any thread.

        Raises:
            BadRequest: if it cannot be answered.
        """
        form = form or JSON_FORM
        found = form.read(body, self._bundle.schema, self._limits.rows)
        ask = Ask(found.rows, found.many, explain, found.columns, found.write or form.write)
        if explain and ask.count > self._limits.explained_rows:
            most = self._limits.explained_rows
            message = f"The request asks for the reasons of {ask.count:,} rows; at most {most:,} are explained at once."
            raise BadRequest([Problem(f"{message} Send it in parts.", allowed=f"at most {most} rows")], status=413)
        check_rows(ask.rows, self._columns)
        return ask

    def instant(self, ask: Ask) -> Answer | None:
        """The answer, if it is made so fast that nothing else has to wait for it; from any thread.

        Raises:
            BadRequest: if a cell is no value of its column.
        """
        if self.record is None or ask.explain or ask.count > _INSTANT_ROWS or ask.columns is not None:
            return None
        if ask.write is not write_json:
            rows = [self.record.predict(row, number) for number, row in enumerate(ask.rows)]
            return ask.write(rows, self._bundle.manifest, ask.many)
        answers = [self.record.answer(row, number) for number, row in enumerate(ask.rows)]
        if not ask.many:
            return Answer(answers[0], 1)
        return Answer(b'{"predictions":[%b],"model_version":%b}' % (b",".join(answers), self._version), len(answers))

    def weight(self, ask: Ask | LinesAsk) -> int:
        """How many rows the work is worth: one that is explained costs a hundred."""
        return max(1, ask.count) * (_EXPLAINED if ask.explain else 1)

    def answers(self, asks: Sequence[Ask | LinesAsk]) -> list[Answer | Exception]:
        """The JSON answers to several requests, scored together; of a request that is wrong its `BadRequest`.

        Rows of series look back at those of their own request, and never at those of another.
        """
        if len(asks) > 1 and self._bundle.windows is None:
            try:
                return self._together(asks)
            except BadRequest:
                # Not all are to blame: one by one.
                pass
        return [self._answer_or_refusal(ask) for ask in asks]

    def _together(self, asks: Sequence[Ask | LinesAsk]) -> list[Answer | Exception]:
        shared = [ask for ask in asks if isinstance(ask, Ask) and not ask.explain and ask.columns is None]
        found = iter(self.predict([row for ask in shared for row in ask.rows]))
        together = {id(ask): self._encoded(ask, list(islice(found, ask.count))) for ask in shared}
        return [together.get(id(ask)) or self._answer_or_refusal(ask) for ask in asks]

    def _answer_or_refusal(self, ask: Ask | LinesAsk) -> Answer | Exception:
        try:
            if isinstance(ask, LinesAsk):
                return self._answered_lines(ask)
            if ask.columns is None:
                return self._encoded(ask, self.predict(ask.rows, explain=ask.explain))
            return self._encoded(ask, self.predict_columns(ask.columns, explain=ask.explain))
        except BadRequest as refusal:
            return refusal

    def _answered_lines(self, ask: LinesAsk) -> Answer:
        """A line for each line that is not blank: an answer, or what is wrong with it."""
        places, rows, wrong = read_lines(ask.block)
        frame, problems = parse_records(rows, self._bundle.schema)
        of_row: dict[int, list[Problem]] = {}
        for problem in problems:
            line = replace(problem, row=ask.first + places[problem.row])
            of_row.setdefault(problem.row, []).append(cell_problem(line, where="line"))
        good = [row for row in range(len(rows)) if row not in of_row]
        answers = dict(zip(good, self._lenient(frame if not of_row else frame.iloc[good], ask.explain), strict=True))
        told: dict[int, Any] = {}
        for row, place in enumerate(places):
            found = answers.get(row)
            problems_ = of_row.get(row) or (found.problems if isinstance(found, BadRequest) else None)
            told[place] = error_answer(problems_, ask.first + place) if problems_ else found
        for place, refusal in wrong.items():
            told[place] = error_answer(refusal.problems, ask.first + place)
        content = [told[place] for place in sorted(told)]
        return Answer(_encode_lines(content), len(good), NDJSON)

    def _lenient(self, frame: pd.DataFrame, explain: bool) -> list[dict[str, Any] | BadRequest]:
        """An answer to each row, or why there is none."""
        if not len(frame):
            return []
        # Which lines come together depends on how they travel, so lines of series are looked at one by one.
        if self._bundle.windows is not None and len(frame) > 1:
            return [self._lenient(frame.iloc[row : row + 1], explain)[0] for row in range(len(frame))]
        try:
            return [*self._answers_to(frame, [], explain)]
        except BadRequest as refusal:
            if len(frame) == 1:
                return [refusal]
            return [self._lenient(frame.iloc[row : row + 1], explain)[0] for row in range(len(frame))]

    def _encoded(self, ask: Ask, answers: Sequence[dict[str, Any]]) -> Answer:
        return ask.write(answers, self._bundle.manifest, ask.many)

    def predict(self, rows: Sequence[Mapping[str, object]], *, explain: bool = False) -> list[dict[str, Any]]:
        """One answer per row, in order; BadRequest names every cell that is no value of its column."""
        if not rows:
            return []
        try:
            frame, problems = parse_records(rows, self._bundle.schema)
        except SchemaMismatchError as error:
            raise BadRequest([Problem(str(error))]) from error
        if self.levels is None or explain or problems or len(frame) > _MOST_KEPT:
            return self._answers_to(frame, problems, explain)
        return self._kept_or_scored(frame, self.levels)

    def _kept_or_scored(self, frame: pd.DataFrame, levels: CacheLevels) -> list[dict[str, Any]]:
        keys = [row_key(values) for values in frame.itertuples(index=False, name=None)]
        answers = [self._kept(value) for value in levels.get(keys)]
        missing = [place for place, answer in enumerate(answers) if answer is None]
        if missing:
            start = time.perf_counter()
            scored = self._scored(frame.iloc[missing], explain=False)
            seconds = time.perf_counter() - start
            for place, answer in zip(missing, scored, strict=True):
                answers[place] = answer
            found = zip(missing, scored, strict=True)
            levels.put({keys[place]: msgspec.json.encode(answer) for place, answer in found}, seconds)
        told = [answer for answer in answers if answer is not None]
        if self._observed is not None:
            self._observed.frame(frame, told)
        return told

    def _kept(self, value: bytes | None) -> dict[str, Any] | None:
        """The answer that was kept; None where it is none of this version: others may write to a shared level."""
        if value is None:
            return None
        try:
            answer = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not isinstance(answer, dict) or answer.get("model_version") != self._bundle.manifest.model_version:
            return None
        return answer

    def predict_columns(self, columns: Columns, *, explain: bool = False) -> list[dict[str, Any]]:
        """`predict` of rows that came column by column."""
        if not columns.count:
            return []
        frame, problems = parse_columns(columns.values, columns.count, self._bundle.schema)
        return self._answers_to(frame, problems, explain)

    def _answers_to(self, frame: pd.DataFrame, problems: list[CellProblem], explain: bool) -> list[dict[str, Any]]:
        if problems:
            raise BadRequest([cell_problem(problem) for problem in problems])
        answers = self._scored(frame.copy(deep=False), explain)
        if self._observed is not None:
            self._observed.frame(frame, answers)
        return answers

    def _scored(self, frame: pd.DataFrame, explain: bool) -> list[dict[str, Any]]:
        if self._features is not None:
            frame = self._features(frame)
        check_pictures(frame, getattr(getattr(self._bundle.model, "encoder", None), "image_owners", ()))
        answers = self._bare_answers(frame)
        told = np.flatnonzero([explain or answer.get("anomaly", False) for answer in answers])
        if len(told):
            for place, found in zip(told, self._reasons(frame, told), strict=True):
                answers[place]["reasons"] = [asdict(reason) for reason in found]
        return answers

    def _bare_answers(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        if self._bundle.manifest.task == "clustering":
            return self._clusters(frame)
        if self._bundle.manifest.task == "anomaly":
            return self._anomalies(frame)
        if self._bundle.manifest.task == "multilabel":
            return self._labels(frame)
        return self._classes(frame) if self._bundle.manifest.classes else self._numbers(frame)

    def _reasons(self, frame: pd.DataFrame, places: Ints) -> list[list[Reason]]:
        try:
            return reasons_of(self._bundle.model, frame, places=places)
        except RequestError as error:
            raise BadRequest([Problem(str(error))]) from error

    def _clusters(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        version = self._bundle.manifest.model_version
        labels = self._bundle.model.predict(frame).tolist()
        return [{"cluster": label, "model_version": version} for label in labels]

    def _anomalies(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        version, model = self._bundle.manifest.model_version, self._bundle.model
        if self._bundle.windows is not None:
            check_series(frame, self._bundle.windows)
        try:
            scores, known = model.score_samples(frame).tolist(), model.past_known(frame)
        except DataError as error:
            # Two rows of one step, or steps without end.
            raise BadRequest([Problem(str(error))]) from error
        answers: list[dict[str, Any]] = [
            {"score": score, "anomaly": score > model.threshold, "threshold": model.threshold} for score in scores
        ]
        for answer, share in zip(answers, () if known is None else known.tolist(), strict=known is not None):
            answer["past_known"] = share
        return [answer | {"model_version": version} for answer in answers]

    def _labels(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        version, model = self._bundle.manifest.model_version, self._bundle.model
        shares = model.predict_proba(frame)
        return [
            {"labels": labels, "probabilities": dict(zip(shares.columns, row, strict=True)), "model_version": version}
            for labels, row in zip(label_sets(model, shares), shares.to_numpy().tolist(), strict=True)
        ]

    def _numbers(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        version = self._bundle.manifest.model_version
        values = np.asarray(self._bundle.model.predict(frame), dtype=float)
        return [{"prediction": _finite(value), "model_version": version} for value in values.tolist()]

    def _classes(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        manifest = self._bundle.manifest
        table = self._bundle.model.predict_proba(frame)
        shares = table.to_numpy(dtype=float)
        names = [text_of(plain(label)) for label in table.columns]
        labels = self._bundle.model.decide(shares).tolist()
        threshold, version, rows = manifest.threshold, manifest.model_version, shares.tolist()
        if not np.isfinite(shares).all():
            rows = [list(map(_finite, row)) for row in rows]
        return [
            {
                "label": label,
                "probabilities": dict(zip(names, row, strict=True)),
                "threshold": threshold,
                "model_version": version,
            }
            for label, row in zip(labels, rows, strict=True)
        ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
