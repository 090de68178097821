"""Requests that are not plain text: `project.yaml`, our own fields in YAML or JSON, and the older form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from automl_runtime.contracts import load_yaml
from automl_runtime.errors import RequestError, shorten
from automl_runtime.project.specfile import parse_model
from automl_schemas.requirement import Requirement
from automl_schemas.spec import ProjectSpec
from rapidfuzz import process

from automl_agent.requirements.metrics import metric_named, take_metric
from automl_agent.requirements.numbers import DURATION, days_in, parse_count, seconds_in
from automl_agent.requirements.parsing import HOW_TO_SAY_IT, parse_request
from automl_agent.requirements.phrases import split_threshold
from automl_agent.requirements.service import take_latency, take_rate
from automl_agent.requirements.text import Text, word_set

__all__ = ["load_request"]

_SUFFIXES: Final = (".yaml", ".yml", ".json", ".txt", ".md")
_STRUCTURED: Final = (".yaml", ".yml", ".json")
_LARGEST: Final = 1_000_000
_OLDER: Final = {"objective": "request", "data_source": "data", "data_description": "description"}
"""Keys of the older form -> fields of a requirement."""
_KNOWN: Final = frozenset({*Requirement.model_fields, *_OLDER, "target_metric", "deployment"})
_DEPLOYMENT_TEXTS: Final = word_set("""
    type kind target platform environment format api scale load traffic throughput rate latency p99 requests
    response_time sla mode endpoint service
""")
_LEADING: Final = ("request", "objective", "target", "spec", "version", "project_name", "data_source", "task")


def load_request(request: str) -> Requirement | ProjectSpec:
    """The request behind `request`: plain words, the path of a file, or the content of a YAML or JSON file.

    A document with the keys of `project.yaml` (or the output of `automl spec --json`) is a `ProjectSpec`. Any other is
    a requirement: its objective is read like plain words, and each further key settles a field. A relative data path in
    a file is taken from the folder of the file.

    Raises:
        RequestError: if a file cannot be read, a key is unknown (with its path and the nearest known one), a value has
            the wrong type, or nothing that can be predicted is asked.
    """
    path = _as_path(request)
    text = request if path is None else _read(path)
    content = _content(text, structured=path is not None and path.suffix.casefold() in _STRUCTURED)
    origin = "the request" if path is None else str(path)
    if content is None:
        return parse_request(text)
    folder = None if path is None else path.parent
    if isinstance(content.get("spec"), dict):
        content = content["spec"]
    if _is_spec(content):
        return _load_spec(content, origin, folder)
    return _load_requirement(content, origin, folder)


def _as_path(request: str) -> Path | None:
    line = request.strip()
    if "\n" in line or not line.casefold().endswith(_SUFFIXES) or len(line) > 1000:
        return None
    path = Path(line).expanduser()
    if path.is_file():
        return path
    if " " not in line and line.casefold().endswith(_STRUCTURED):
        raise RequestError(f"The request file {shorten(line)} does not exist.", hint="Give a file, or say it in words.")
    return None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise RequestError(f"{path} is larger than {_LARGEST // 1_000_000} MB; that is no request.")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path} cannot be read as a request: {error}.") from error


def _content(text: str, *, structured: bool) -> dict[str, Any] | None:
    """The mapping that `text` writes in YAML or JSON; None when it is plain words."""
    stripped = text.strip()
    keyed = re.match(rf"(?:#[^\n]*\n|---\s*\n|\s*\n)*\s*({'|'.join(_LEADING)})\s*:", stripped)
    several = "\n" in stripped and re.search(r"^[\w.-]+\s*:(?:\s|$)", stripped, re.MULTILINE) is not None
    if not (structured or stripped.startswith("{") or several or (keyed and keyed[1] in {"request", "objective"})):
        return None
    try:
        content = json.loads(stripped) if stripped.startswith("{") else load_yaml(stripped)
    except RecursionError as error:
        raise RequestError("The request is nested too deeply to be one.", hint=HOW_TO_SAY_IT) from error
    except ValueError as error:
        if structured or stripped.startswith("{"):
            message = " ".join(str(error).split())
            raise RequestError(f"The request is neither valid YAML nor JSON: {message}") from error
        return None
    if not isinstance(content, dict):
        if structured:
            raise RequestError(
                f"The request holds {shorten(content)}; a mapping of keys is needed.", hint=HOW_TO_SAY_IT
            )
        return None
    names = sorted({*_KNOWN, *ProjectSpec.model_fields, "spec"})
    known = any(process.extractOne(str(key), names, score_cutoff=80) for key in content)
    return {str(key): value for key, value in content.items()} if known or structured or stripped[0] == "{" else None


def _is_spec(content: Mapping[str, Any]) -> bool:
    nested = ("task", "target", "metric", "data", "training")
    return any(isinstance(content.get(key), dict) for key in nested) or {"version", "name"} <= content.keys()


def _load_spec(content: dict[str, Any], origin: str, folder: Path | None) -> ProjectSpec:
    training = content.get("training")
    if isinstance(training, dict) and isinstance(training.get("budget_seconds"), str):
        training = {**training, "budget_seconds": _seconds(training["budget_seconds"], "training.budget_seconds")}
        content = {**content, "training": training}
    spec = parse_model(ProjectSpec, content, origin=origin)
    source = _resolved(spec.data.source, folder)
    return spec.model_copy(update={"data": spec.data.model_copy(update={"source": source})})


def _resolved(source: str, folder: Path | None) -> str:
    """A relative path in a file, from the folder of the file when it is there."""
    if folder is None or Path(source).expanduser().is_absolute() or not (folder / source).exists():
        return source
    return str(folder / source)


def _load_requirement(content: Mapping[str, Any], origin: str, folder: Path | None) -> Requirement:
    for key in content:
        if key not in _KNOWN:
            raise _unknown_key(key, _KNOWN, origin)
    fields = {_OLDER.get(key, key): value for key, value in content.items() if value is not None}
    fields = _plain_values(fields)
    base = _base(fields)
    settled = {**base.model_dump(exclude_none=True, exclude_defaults=True), **fields}
    requirement = parse_model(Requirement, settled, origin=origin)
    if requirement.data is not None:
        return requirement.model_copy(update={"data": _resolved(requirement.data, folder)})
    return requirement


def _unknown_key(path: str, known: frozenset[str] | set[str], origin: str) -> RequestError:
    name = path.rsplit(".", 1)[-1]
    nearest = process.extractOne(name, sorted(known), score_cutoff=60)
    hint = f"did you mean `{nearest[0]}`?" if nearest else f"known keys: {', '.join(sorted(known))}"
    return RequestError(f"{origin}: unknown key `{path}`; {hint}")


def _plain_values(fields: dict[str, Any]) -> dict[str, Any]:
    """Values that people write as words ("60s", "AUC > 0.85", "100k requests/day") as the model wants them."""
    values = dict(fields)
    _put_metric(values)
    _put_deployment(values)
    for key, convert in (
        ("budget_seconds", _seconds),
        ("horizon_days", _days),
        ("requests_per_day", _count),
        ("p99_ms", _count),
    ):
        if isinstance(values.get(key), str):
            values[key] = convert(values[key], key)
    if isinstance(values.get("threshold"), str):
        threshold, _ = split_threshold(values["threshold"])
        if threshold is None:
            raise _wrong("threshold", values["threshold"], 'a comparison such as "> 50,000"')
        values["threshold"] = threshold.model_dump()
    if isinstance(values.get("exclude"), str):
        values["exclude"] = [item.strip() for item in values["exclude"].split(",") if item.strip()]
    return values


def _put_metric(values: dict[str, Any]) -> None:
    """`metric` and `goal` of a document, given as "AUC > 0.85", "roc_auc", or a goal alone ("> 0.85")."""
    written = values.pop("target_metric", None)
    for key, text in (("target_metric", written), ("metric", values.get("metric"))):
        if isinstance(text, str):
            named = metric_named(text)
            asked = None if named is not None else take_metric(Text(text))
            if named is None and asked is None:
                raise _wrong(key, text, 'a metric and a goal such as "AUC > 0.85"')
            values["metric"] = named or (asked.name if asked else None)
            if asked is not None and asked.goal is not None:
                values.setdefault("goal", asked.goal.model_dump())
        elif text is not None:
            raise _wrong(key, text, 'text such as "AUC > 0.85"')
    if isinstance(values.get("goal"), str):
        asked = take_metric(Text(f"{values.get('metric', 'auc')} {values['goal']}".replace("_", " ")))
        if asked is None or asked.goal is None:
            raise _wrong("goal", values["goal"], 'a comparison such as "> 0.85"')
        values["goal"] = asked.goal.model_dump()


def _put_deployment(values: dict[str, Any]) -> None:
    deployment = values.pop("deployment", None)
    if isinstance(deployment, Mapping):
        texts = []
        for key, value in deployment.items():
            if key in {"requests_per_day", "p99_ms"}:
                values.setdefault(key, value)
            elif key in _DEPLOYMENT_TEXTS:
                texts.append(f"{str(key).replace('_', ' ')} {value}")
            else:
                known = {"requests_per_day", "p99_ms", *_DEPLOYMENT_TEXTS}
                raise _unknown_key(f"deployment.{key}", known, "the request")
        deployment = " | ".join(texts)
    if isinstance(deployment, list):
        deployment = " | ".join(str(item) for item in deployment)
    if isinstance(deployment, str):
        text = Text(deployment)
        for key, found in (("requests_per_day", take_rate(text)), ("p99_ms", take_latency(text))):
            if found is not None:
                values.setdefault(key, found)
    elif deployment is not None:
        raise _wrong("deployment", deployment, 'text such as "100k requests/day", or a mapping')


def _base(fields: dict[str, Any]) -> Requirement:
    """What the objective says by itself; a document without one says it by its fields."""
    words = fields.get("request")
    target = fields.get("target")
    if words is None:
        if target is None and fields.get("task") not in {"clustering", "anomaly"}:
            raise RequestError(
                "The request does not say what to predict: it has no `objective`, `request` or `target`.",
                hint=HOW_TO_SAY_IT,
            )
        fields["request"] = f"predict {target}" if target is not None else f"{fields['task']}"
        return Requirement(request=str(fields["request"]))
    if not isinstance(words, str):
        raise _wrong("objective", words, "text")
    fields.pop("request")
    try:
        return parse_request(words)
    except RequestError:
        if target is None and fields.get("task") not in {"clustering", "anomaly"}:
            raise
        return Requirement(request=" ".join(words.split()) or f"predict {target}")


def _seconds(text: str, key: str) -> float:
    if re.fullmatch(rf"\s*{DURATION}\s*", text, re.IGNORECASE):
        return seconds_in(text)
    return _count(text, key, 'seconds, or a duration such as "60s", "2m", "1h"')


def _days(text: str, key: str) -> float:
    if re.fullmatch(rf"\s*{DURATION}\s*", text, re.IGNORECASE):
        return days_in(text)
    return _count(text, key, 'days, or a duration such as "30 days", "6 hours"')


def _count(text: str, key: str, allowed: str = 'a number such as 100000 or "100k"') -> float:
    try:
        return parse_count(text)
    except ValueError as error:
        raise _wrong(key, text, allowed) from error


def _wrong(key: str, value: object, allowed: str) -> RequestError:
    return RequestError(f"the request: `{key}` is {shorten(value)}; it takes {allowed}.")
