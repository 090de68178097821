"""The command for requests that two versions share: traffic."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from automl_agent.cli.shared import Debug, Json, ProjectFolder, emit, emit_json, print_table

__all__ = ["register"]


class Action(StrEnum):
    """What to do with the rule."""

    AB = "ab"
    CANARY = "canary"
    SHADOW = "shadow"
    WATCH = "watch"
    OFF = "off"
    SHOW = "show"


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command(epilog="Example: automl traffic ./churn ab v002 --share 0.1 --key customer_id")(traffic)


def traffic(
    project: ProjectFolder,
    action: Annotated[
        Action,
        typer.Argument(
            help="ab: two versions answer. canary: until one is found fit or not. shadow: the second is only compared. "
            "watch: outcomes of production alone. off. show."
        ),
    ] = Action.SHOW,
    challenger: Annotated[
        str | None, typer.Argument(help="The second version, or an alias.", metavar="[VERSION]")
    ] = None,
    share: Annotated[
        float | None, typer.Option("--share", help="What the second version gets; default: ab 0.5, canary 0.1, else 1.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="A column, or header:NAME, whose values stay with one version.")
    ] = None,
    hold: Annotated[int | None, typer.Option("--hold", help="canary: requests until it is promoted; 1000.")] = None,
    error_rate: Annotated[float | None, typer.Option("--error-rate", help="canary: share that may fail; 0.01.")] = None,
    slower: Annotated[
        float | None, typer.Option("--slower", help="canary: how many times slower it may be at p95; 2.")
    ] = None,
    alpha: Annotated[float | None, typer.Option("--alpha", help="Level of the sequential test; 0.05.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Kept in models/history.jsonl.")] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Let two versions share the requests of a running service, compare them, and see who does better."""
    from automl_runtime.errors import RequestError
    from automl_runtime.project import Project
    from automl_runtime.registry.traffic import CanaryLimits, start_traffic, stop_traffic

    limits: dict[str, Any] = {"hold": hold, "error_rate": error_rate, "slower": slower, "alpha": alpha}
    given = {name: value for name, value in limits.items() if value is not None}
    starts = action not in (Action.OFF, Action.SHOW)
    if not starts and (challenger is not None or share is not None or key is not None or given):
        raise RequestError(f"`{action}` takes no version, share, key or limits.")
    if starts and action is not Action.CANARY and given.keys() - {"alpha"}:
        raise RequestError("--hold, --error-rate and --slower are of a canary.")
    root = Project.load(project).root
    if action is Action.SHOW:
        _show(root / "models", as_json)
        return
    if action is Action.OFF:
        ended = stop_traffic(root / "models", reason=reason)
        told = "there is no traffic rule" if ended is None else f"{ended.kind} of {ended.challenger} is over"
        emit_json({"ended": None if ended is None else ended.to_json()}) if as_json else emit(told)
        return
    rule = start_traffic(
        root / "models",
        action.value,  # type: ignore[arg-type]
        challenger,
        share=share if share is not None else {Action.AB: 0.5, Action.CANARY: 0.1}.get(action, 1.0),
        key=key,
        limits=CanaryLimits(**given),
        trusted_keys=root / ".automl" / "trusted_keys",
        reason=reason,
    )
    emit_json(rule.to_json()) if as_json else emit(_said(rule))


def _said(rule: Any) -> str:
    if rule.challenger is None:
        return f"answers of {rule.control} are kept for their outcomes"
    by = "" if rule.key is None else f", by {rule.key}"
    return f"{rule.kind}: {rule.challenger} gets {rule.share:.1%}{by}, {rule.control} is in production"


def _show(models: Path, as_json: bool) -> None:
    from automl_runtime.registry.aliases import read_aliases
    from automl_runtime.registry.ledger import Ledger
    from automl_runtime.registry.standing import LEDGER, standing
    from automl_runtime.registry.traffic import read_traffic, traffic_history

    rule = read_traffic(models)
    told = {} if rule is None else standing(rule, Ledger(models / LEDGER).arms(rule.id))
    last = traffic_history(models)[-1:]
    if as_json:
        none: dict[str, Any] = {"rule": None, "arms": [], "comparison": None}
        emit_json(none | told | {"last": asdict(last[0]) if last else None})
        return
    for change in last:
        emit(f"{change.at} {change.traffic}: {change.rule['challenger'] or change.rule['control']} {change.reason}")
    if rule is None:
        emit("there is no traffic rule; production answers")
        return
    production = read_aliases(models).get("production")
    emit(
        _said(rule)
        if production == rule.control
        else f"production is {production} now: the rule for {rule.control} rests"
    )
    print_table(
        ["version", "share", "requests", "errors", "p95 ms", "outcomes", "loss"],
        [
            (
                arm["version"],
                f"{arm['share']:.1%}",
                f"{arm['requests']:,}",
                f"{arm['errors']:,}",
                "" if arm["p95_ms"] is None else f"{arm['p95_ms']:.2f}",
                f"{arm['outcomes']:,}",
                "" if arm["loss"] is None else f"{arm['loss']:.4g}",
            )
            for arm in told["arms"]
        ],
        right=(1, 2, 3, 4, 5, 6),
    )
    found = told["comparison"]
    if found is not None and found["low"] is not None:
        ends = f"{found['low']:.4g} to {found['high']:.4g}"
        emit(f"gain {found['gain']:.4g} ({ends}), p = {found['p_value']:.2g}: {found['verdict']}")
