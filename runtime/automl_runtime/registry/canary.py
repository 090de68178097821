"""Whether a canary has held, or must be taken back."""

from __future__ import annotations

from dataclasses import dataclass

from automl_runtime.registry.ledger import Arm
from automl_runtime.registry.sequential import compare
from automl_runtime.registry.traffic import CanaryLimits

__all__ = ["CanaryVerdict", "judge"]

_LEAST_ERRORS = 3
_LEAST_TIMES = 100


@dataclass(frozen=True, slots=True)
class CanaryVerdict:
    """The end of a canary."""

    fit: bool
    reason: str


def judge(limits: CanaryLimits, control: Arm, challenger: Arm) -> CanaryVerdict | None:
    """What the counts of both arms say of the challenger; None while it is too early to say."""
    share = challenger.errors / challenger.requests if challenger.requests else 0.0
    if share > limits.error_rate and (challenger.errors >= _LEAST_ERRORS or challenger.requests >= limits.hold):
        of = f"{challenger.errors} of {challenger.requests} requests failed"
        return CanaryVerdict(False, f"{of}; {limits.error_rate:.2%} are allowed")
    if min(sum(control.seconds), sum(challenger.seconds)) >= _LEAST_TIMES:
        before, now = control.quantile(0.95), challenger.quantile(0.95)
        if before is not None and now is not None and now > before * limits.slower:
            times = f"p95 is {now * 1000:.2g} ms instead of {before * 1000:.2g} ms"
            return CanaryVerdict(False, f"{times}; {limits.slower:g} times as long is allowed")
    found = compare(control.losses, challenger.losses, limits.alpha)
    if found.verdict == "worse":
        means = f"mean loss {challenger.losses.mean:.4g} instead of {control.losses.mean:.4g}"
        return CanaryVerdict(False, f"{means}, {challenger.losses.n} outcomes, p = {found.p_value:.2g}")
    if challenger.requests >= limits.hold:
        return CanaryVerdict(True, f"held for {challenger.requests} requests, {challenger.errors} of them failed")
    return None
