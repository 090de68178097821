"""From the bytes of a request for a forecast to the bytes of the answer; plain functions, called off the event loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import pandas as pd
from automl_schemas.bundle import InputColumn, InputSchema

from automl_runtime.data.records import parse_records
from automl_runtime.engine.forecasting.forecaster import Forecaster
from automl_runtime.errors import AutomlError, RequestError, SchemaMismatchError, shorten
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.answers import JSON, Answer, Form, Observed
from automl_runtime.serving.requests import BadRequest, Problem, cell_problem, check_rows, parse_object
from automl_runtime.serving.scorer import Features, Limits

__all__ = ["ForecastScorer", "forecast_rows", "parts_of_schema"]

_PARTS: Final = ("horizon", "series", "future", "history")
_FORM: Final = 'an object such as {"horizon": 7}; its keys are horizon, series, future and history, all optional'


def parts_of_schema(bundle: Bundle) -> dict[str, InputSchema]:
    """The columns of the rows of each part of a request: `series`, `future`, `history`."""
    layout = bundle.model.layout
    by_name = {column.name: column for column in bundle.schema.columns}
    key = [_needed(by_name[name]) for name in (layout.time, *layout.series)]
    taken = {layout.time, layout.target, *layout.series}
    ahead = [column for column in bundle.schema.columns if column.name not in taken]
    return {
        "series": InputSchema(columns=key[1:]),
        "future": InputSchema(columns=[*key, *ahead]),
        "history": InputSchema(columns=[*key, _as_number(by_name[layout.target])]),
    }


def _as_number(target: InputColumn) -> InputColumn:
    """Whole numbers were counted; what is told of a step may still be a fraction."""
    plan = target.plan.model_copy(update={"type": "number"}) if target.plan.type == "integer" else target.plan
    return target.model_copy(update={"required": True, "type": plan.type, "plan": plan})


def _needed(column: InputColumn) -> InputColumn:
    return column.model_copy(update={"required": True, "nullable": False})


def forecast_rows(
    bundle: Bundle,
    features: Features | None,
    horizon: int | None = None,
    *,
    history: pd.DataFrame | None = None,
    future: pd.DataFrame | None = None,
    series: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The next steps after the history of the model in `bundle`, as `Forecaster.forecast` gives them.

    Args:
        bundle: of a forecast.
        features: makes what the model is told of rows ahead; None when it takes the rows as they are.
        horizon: how many steps; None: as far as `future` reaches, else all that the model can.
        history: rows that tell what happened since; the forecast starts after the last of them.
        future: rows that tell what is known ahead.
        series: rows with the series to forecast; None: those of `future`, else all.

    Raises:
        RequestError: if the horizon is too long, or nothing is told of what must be known ahead.
        SchemaMismatchError: if a row, a column or a series does not fit.
    """
    model: Forecaster = bundle.model
    if history is not None:
        model = model.continued(history)
    only = series if series is not None or future is None else future
    steps = _reach(model, future) if horizon is None and future is not None else horizon
    ahead = model.ahead(steps, only)
    told = _told(bundle, model, ahead) if future is None else _complete(bundle, future)
    return model.forecast(steps, told if features is None else features(told), only=only)


def _complete(bundle: Bundle, future: pd.DataFrame) -> pd.DataFrame:
    for column in parts_of_schema(bundle)["future"].columns:
        if column.name not in future.columns:
            have = ", ".join(shorten(str(name)) for name in future.columns[:20])
            raise SchemaMismatchError(
                f"The rows ahead have no column {shorten(column.name)}, which must be known of them.",
                hint=f"They have {have}.",
            )
    return future


def _told(bundle: Bundle, model: Forecaster, ahead: pd.DataFrame) -> pd.DataFrame:
    """The bare steps ahead, where nothing must be told of them."""
    key = [model.layout.time, *model.layout.series]
    needed = [column.name for column in parts_of_schema(bundle)["future"].columns if column.name not in key]
    if needed and model.members:
        raise RequestError(
            f"The model must be told what is known ahead of the next steps: {', '.join(needed)}.",
            hint=f"Give a row for each step with {', '.join([*key, *needed])}.",
        )
    return ahead.assign(**dict.fromkeys(needed))


class ForecastScorer:
    """Answers requests for forecasts with the model of one bundle. Not thread-safe: call it from one thread."""

    takes_lines = False
    record = None

    def __init__(self, bundle: Bundle, features: Features | None, limits: Limits) -> None:
        """`features` makes what the model is told of rows ahead; None when it takes the rows as they are."""
        self._bundle = bundle
        self._features = features
        self._limits = limits
        self._parts = parts_of_schema(bundle)
        self._observed: Observed | None = None

    def observe(self, rows: Observed) -> None:
        """Lets `rows` see what is told of the past and of what lies ahead from now on."""
        self._observed = rows

    def ask(self, body: bytes, explain: bool = False, form: Form | None = None) -> Mapping[str, Any]:
        """What the body of a request asks for; an empty one asks for everything. May be called from any thread.

        Raises:
            BadRequest: if it is no JSON object, or reasons are asked for, which a forecast has none of; 415 and 406 for
                other forms than JSON.
        """
        if form is not None and (form.media_type, form.answer_type) != (JSON, JSON):
            what, status = (form.media_type, 415) if form.media_type != JSON else (form.answer_type, 406)
            raise BadRequest(
                [Problem(f"Forecasts are asked for and told in JSON, not {what}.", allowed=JSON)], status=status
            )
        if explain:
            raise BadRequest([Problem("A forecast has no reasons to give.", allowed="explain=false")])
        return parse_object(body, form=_FORM) if body.strip() else {}

    def instant(self, ask: Mapping[str, Any]) -> None:
        """A forecast is never made that fast."""
        del ask

    def weight(self, ask: Mapping[str, Any]) -> int:
        """A forecast takes the whole model, however long it is."""
        del ask
        return 1

    def answers(self, asks: Sequence[Mapping[str, Any]]) -> list[Answer | Exception]:
        """The JSON answers to several requests, one after the other; of one that is wrong its `BadRequest`."""
        found: list[Answer | Exception] = []
        for request in asks:
            try:
                content = self.forecast(request)
                found.append(Answer(msgspec.json.encode(content), len(content["forecast"])))
            except BadRequest as refusal:
                found.append(refusal)
        return found

    def forecast(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The forecast that `request` asks for; see `example`.

        Raises:
            BadRequest: naming the part, the row and the column that is wrong.
        """
        check_rows([request], dict.fromkeys(_PARTS))
        rows = {part: self._rows(part, request.get(part)) for part in _PARTS[1:]}
        horizon, series, future, history = request.get("horizon"), *(rows[part] for part in _PARTS[1:])
        if horizon is not None and (isinstance(horizon, bool) or not isinstance(horizon, int)):
            raise BadRequest([Problem("'horizon' is no whole number.", column="horizon", value=str(horizon)[:100])])
        try:
            found = forecast_rows(self._bundle, self._features, horizon, history=history, future=future, series=series)
        except AutomlError as error:
            raise BadRequest([Problem(" ".join(str(error).split()))]) from error
        if self._observed is not None:
            for part in (history, future):
                if part is not None:
                    self._observed.frame(part)
        return {
            "forecast": self._records(found),
            "interval": self._bundle.model.spread.level,
            "model_version": self._bundle.manifest.model_version,
        }

    def example(self, steps: int = 2) -> dict[str, Any]:
        """A request for the next steps of one series; what must be known ahead is made up of examples from training."""
        model: Forecaster = self._bundle.model
        layout = model.layout
        only = pd.DataFrame([layout.keys[0]], columns=list(layout.series)) if layout.series else None
        request: dict[str, Any] = {"horizon": steps}
        if only is not None:
            request["series"] = only.to_dict(orient="records")
        key = (layout.time, *layout.series)
        ahead = [column for column in self._parts["future"].columns if column.name not in key]
        if ahead:
            rows = model.ahead(steps, only).assign(**{column.name: column.example for column in ahead})
            request["future"] = self._records(rows)
        return request

    def _rows(self, part: str, rows: Any) -> pd.DataFrame | None:
        if rows is None:
            return None
        schema = self._parts[part]
        if not schema.columns:
            raise BadRequest([Problem("This model has one series; leave 'series' out.", column=part)])
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise BadRequest([Problem(f"'{part}' is no list of objects.", column=part, allowed="[{...}, ...]")])
        if len(rows) > self._limits.rows:
            message = f"'{part}' has {len(rows):,} rows; at most {self._limits.rows:,} are allowed."
            raise BadRequest([Problem(message, column=part)], status=413)
        check_rows(rows, {column.name: column for column in schema.columns}, where=part)
        frame, problems = parse_records(rows, schema)
        if problems:
            raise BadRequest([cell_problem(problem, where=part) for problem in problems])
        return frame

    def _records(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Rows as JSON has them; moments as ISO 8601, of dates without a time of day."""
        time = self._bundle.model.layout.time
        plain = next(column.type for column in self._bundle.schema.columns if column.name == time) == "date"
        texts = [moment.date().isoformat() if plain else moment.isoformat() for moment in frame[time]]
        return [
            {str(name): _plain(value) for name, value in row.items()}
            for row in frame.assign(**{time: texts}).to_dict(orient="records")
        ]


def _reach(model: Forecaster, future: pd.DataFrame) -> int:
    """How many steps ahead the given rows reach, within what is possible."""
    steps: Sequence[int] = model.layout.frequency.steps(future[model.layout.time]).tolist()
    return min(max(max(steps) - model.history.last, 1), model.horizon)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not pd.notna(value):
        return None
    return value.item() if hasattr(value, "item") else value
