"""Writes what was found into the portfolio that the engine comes with; all else in it stays as it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automl_runtime.engine.configurations import PORTFOLIO, Entry, read_portfolio
from automl_runtime.engine.probes import MADE

__all__ = ["ship"]

_FORESTS = ("extra_trees", "random_forest")
_TREES = 100
"""What the engine grows where a configuration does not say."""
_PLACES = (3, 6)
"""Of the trials of made features, whose worth lies in what the boosters behind them gain, and is not measured here."""


def ship(few_rows: Sequence[str], further: Sequence[Entry], path: Path = PORTFOLIO) -> None:
    """Puts the order of names `few_rows`, and `further` configurations, into the file, and reads it again.

    Raises:
        DataError: if the engine could not use it.
    """
    file = json.loads(path.read_text(encoding="utf-8"))
    order = list(few_rows)
    probes = [each["name"] for each in file["diverse"] if any(each.get("params", {}).get(made) for made in MADE)]
    for place, probe in zip(_PLACES, probes, strict=True):
        order.insert(place, probe)
    measured = {entry.name for entry in further}
    file["further"] = [each for each in file["further"] if each["name"] not in measured]
    file["further"] += [_record(entry, file["base"]) for entry in further]
    file["few_rows"] = order
    path.write_text(_text(file), encoding="utf-8")
    read_portfolio(path)


def _record(entry: Entry, base: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The entry as the file has it: what differs from the base of its family."""
    usual = base.get(entry.learner, {"trees": _TREES} if entry.learner in _FORESTS else {})
    record = entry.model_dump(mode="json", exclude_defaults=True)
    params = {name: value for name, value in entry.params.items() if name not in usual or usual[name] != value}
    missing = usual.keys() - entry.params.keys() - {"trees"}
    if missing:
        raise ValueError(f"{entry.name} does not say what its {', '.join(sorted(missing))} is.")
    return {key: params if key == "params" else value for key, value in record.items() if key != "params" or params}


def _text(file: Mapping[str, Any]) -> str:
    """JSON with an entry a line."""
    lines = []
    for key, value in file.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in value.items())
            lines.append(f" {json.dumps(key)}: {{\n{inner}\n }}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n".join(f"  {json.dumps(each)}" for each in value)
            lines.append(f" {json.dumps(key)}: [\n{inner}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
