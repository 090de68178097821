"""How the versions under a traffic rule do, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automl_runtime.registry.ledger import Arm
from automl_runtime.registry.sequential import compare
from automl_runtime.registry.traffic import TrafficRule

__all__ = ["LEDGER", "standing"]

LEDGER = "traffic.db"
"""File of the ledger, below `models`."""


def standing(rule: TrafficRule, arms: Mapping[str, Arm]) -> dict[str, Any]:
    """The versions of a rule side by side, and what the sequential test says of the challenger, as JSON has them."""
    versions = [version for version in (rule.control, rule.challenger) if version is not None]
    found = None
    if rule.challenger is not None:
        mine, its = (arms.get(version, Arm()).losses for version in versions)
        found = compare(mine, its, rule.limits.alpha).to_json()
    return {
        "rule": rule.to_json(),
        "arms": [_shown(rule, version, arms.get(version, Arm())) for version in versions],
        "comparison": found,
    }


def _shown(rule: TrafficRule, version: str, arm: Arm) -> dict[str, Any]:
    answers = rule.kind in ("ab", "canary")
    share = rule.share if version == rule.challenger else 1.0 - rule.share
    p50, p95 = arm.quantile(0.5), arm.quantile(0.95)
    shown = {
        "version": version,
        "share": share if answers else float(version == rule.control),
        "requests": arm.requests,
        "rows": arm.rows,
        "errors": arm.errors,
        "p50_ms": None if p50 is None else p50 * 1000,
        "p95_ms": None if p95 is None else p95 * 1000,
        "outcomes": arm.losses.n,
        "loss": arm.losses.mean,
    }
    if rule.kind == "shadow" and version == rule.challenger:
        shown |= {
            "compared": arm.compared,
            "agreed": arm.agreed / arm.compared if arm.compared else None,
            "mean_difference": arm.difference / arm.compared if arm.compared else None,
            "largest_difference": arm.largest,
            "dropped": arm.dropped,
        }
    return shown
