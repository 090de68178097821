"""Which version answers which request: the rule in `models/traffic.json`, and its history.

A rule stands beside the aliases. It holds as long as `production` points at the version that it names as `control`; a
promotion by hand ends it at once, without a moment in which nobody can tell who answers.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from automl_runtime.errors import BundleError, RequestError, shorten
from automl_runtime.files import locked, write_text
from automl_runtime.registry.aliases import LOCK, PRODUCTION, find_version, read_aliases, set_alias
from automl_runtime.registry.bundle import verify_bundle
from automl_runtime.registry.history import add_change, now, read_changes, user_name

__all__ = [
    "CanaryLimits",
    "Kind",
    "TrafficChange",
    "TrafficRule",
    "finish_canary",
    "read_traffic",
    "start_traffic",
    "stop_traffic",
    "traffic_history",
]

Kind = Literal["ab", "canary", "shadow", "watch"]
"""`ab`: two versions answer. `canary`: so they do, until one is found fit or not. `shadow`: the second is only
compared. `watch`: there is no second; answers are remembered for their outcomes."""

_HEADER = "header:"
_HEADER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PARTS = 1 << 64


@dataclass(frozen=True, slots=True)
class CanaryLimits:
    """What ends a canary."""

    hold: int = 1000
    """Requests that it must answer within all limits before it is promoted."""
    error_rate: float = 0.01
    """Share of its requests that may fail; three failures are needed to speak of a share."""
    slower: float = 2.0
    """How many times slower than the other version it may be, at the 95th percentile of 100 requests of each."""
    alpha: float = 0.05
    """Level of the sequential test by which its score counts as worse."""


@dataclass(frozen=True, slots=True)
class TrafficRule:
    """How requests are shared between two versions."""

    id: str
    """Another one for each rule: counts and scores belong to it."""
    kind: Kind
    control: str
    """The version in production."""
    challenger: str | None
    share: float
    """Of the keys (or of the requests without one) that the challenger answers; of a shadow, that it sees."""
    key: str | None
    """A column of the request, or `header:NAME`; None: each request is drawn anew."""
    salt: str
    since: str
    limits: CanaryLimits = field(default_factory=CanaryLimits)

    @property
    def header(self) -> str | None:
        """The header that holds the key, in lower case."""
        return self.key[len(_HEADER) :] if self.key is not None and self.key.startswith(_HEADER) else None

    @property
    def column(self) -> str | None:
        """The column that holds the key."""
        return None if self.header is not None else self.key

    def chosen(self, key: str) -> bool:
        """Whether `key` belongs to the challenger: by its hash, the same in all processes and after all restarts."""
        digest = hashlib.blake2b(f"{self.salt}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest) < self.share * _PARTS

    def to_json(self) -> dict[str, Any]:
        """The rule as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TrafficChange:
    """A rule that began or ended; a line of `history.jsonl`, between those of the aliases."""

    at: str
    """In UTC."""
    traffic: str
    """What happened: the kind of rule that began, or `off`, `promoted`, `rolled back`."""
    rule: dict[str, Any]
    by: str
    reason: str


def read_traffic(models: Path) -> TrafficRule | None:
    """The rule of the project, if there is one.

    Raises:
        BundleError: if `traffic.json` is broken.
    """
    path = models / "traffic.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["limits"] = CanaryLimits(**content["limits"])
        rule = TrafficRule(**content)
        texts = (rule.id, rule.kind, rule.control, rule.salt, rule.since)
        if not all(isinstance(text, str) for text in texts) or not isinstance(rule.key, str | None):
            raise ValueError
        _check(rule)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RequestError) as error:
        raise BundleError(
            f"{path} is broken: it holds no rule as `automl traffic` writes them.",
            hint="Delete it: all answers come from production then.",
        ) from error
    return rule


def start_traffic(
    models: Path,
    kind: Kind,
    challenger: str | None = None,
    *,
    share: float = 0.5,
    key: str | None = None,
    limits: CanaryLimits | None = None,
    trusted_keys: Path | None = None,
    reason: str = "",
) -> TrafficRule:
    """Begins a rule in place of the one that there is; services follow within a second.

    A new share for the same challenger and key keeps the salt: keys only move to the arm that grows.

    Args:
        models: folder of the versions.
        kind: what to do with `challenger`.
        challenger: a version or an alias; None for `watch` alone.
        share: above 0 and below 1 for `ab` and `canary`, up to 1 for `shadow`.
        key: a column or `header:NAME`.
        limits: of a canary.
        trusted_keys: as `verify_bundle` has them.
        reason: for the history.

    Raises:
        RequestError: if there is no such version, it is in production already, or a value is not allowed.
        BundleError: if the challenger was tampered with.
    """
    control = find_version(models)
    second = None if challenger is None else find_version(models, challenger)
    rule = TrafficRule(
        id=secrets.token_hex(8),
        kind=kind,
        control=control,
        challenger=second,
        share=share,
        key=_HEADER + key[len(_HEADER) :].lower() if key is not None and key.startswith(_HEADER) else key,
        salt=secrets.token_hex(8),
        since=now(),
        limits=limits or CanaryLimits(),
    )
    _check(rule)
    tasks = {verify_bundle(models / version, trusted_keys).task for version in (control, second) if version}
    if len(tasks) > 1:
        raise RequestError(f"{control} and {second} are models of other kinds: {', '.join(sorted(tasks))}.")
    if "forecast" in tasks and rule.column is not None:
        raise RequestError("A request for a forecast has no columns of its own; take --key header:NAME.")
    with locked(models / LOCK):
        before = read_traffic(models)
        if before is not None and (before.challenger, before.key) == (rule.challenger, rule.key):
            rule = replace(rule, salt=before.salt)
        _log(models, kind, rule, reason)
        write_text(models / "traffic.json", json.dumps(rule.to_json(), indent=2) + "\n")
    return rule


def stop_traffic(
    models: Path, *, reason: str = "", only: str | None = None, outcome: str = "off"
) -> TrafficRule | None:
    """Ends the rule: `production` answers all.

    Args:
        models: folder of the versions.
        reason: for the history.
        only: id of the rule that is meant; another one stays.
        outcome: what the history calls it.

    Returns:
        What was ended; None when there was none, or another one.
    """
    with locked(models / LOCK):
        rule = read_traffic(models)
        if rule is None or (only is not None and rule.id != only):
            return None
        _log(models, outcome, rule, reason)
        (models / "traffic.json").unlink(missing_ok=True)
    return rule


def finish_canary(models: Path, rule: TrafficRule, *, fit: bool, reason: str, trusted_keys: Path | None = None) -> bool:
    """Promotes the challenger of `rule` if it is `fit`, and ends the rule; of several workers one does it.

    Returns:
        Whether it was done here; False when the rule was over, or production had moved on.

    Raises:
        BundleError: if the challenger was tampered with; the rule ends then as well.
    """
    if not fit or rule.challenger is None:
        return stop_traffic(models, reason=reason, only=rule.id, outcome="rolled back") is not None
    try:
        verify_bundle(models / rule.challenger, trusted_keys)
    except BundleError as error:
        stop_traffic(models, reason=str(error), only=rule.id, outcome="rolled back")
        raise
    if read_aliases(models).get(PRODUCTION) != rule.control:
        stop_traffic(models, reason=f"production is no longer {rule.control}", only=rule.id)
        return False
    # The rule goes first: who takes it away is the only one to move the alias.
    if stop_traffic(models, reason=reason, only=rule.id, outcome="promoted") is None:
        return False
    set_alias(models, PRODUCTION, rule.challenger, reason=f"canary: {reason}")
    return True


def traffic_history(models: Path) -> list[TrafficChange]:
    """The rules that began and ended, oldest first."""
    return read_changes(models, TrafficChange)


def _check(rule: TrafficRule) -> None:
    if rule.kind not in get_args(Kind):
        raise RequestError(f"There is no traffic rule {shorten(rule.kind)}; rules: {', '.join(get_args(Kind))}.")
    if (rule.kind == "watch") != (rule.challenger is None):
        raise RequestError(f"A rule {rule.kind!r} has {'no' if rule.kind == 'watch' else 'a'} second version.")
    if rule.challenger == rule.control:
        raise RequestError(f"{rule.control} is in production already.", hint="Name another version.")
    most = "1" if rule.kind in ("shadow", "watch") else "less than 1"
    if not (0 < rule.share < 1 or (rule.share == 1 and most == "1")):
        raise RequestError(f"The share is {rule.share:g}; above 0 and {most} is allowed.")
    if rule.key is not None and not rule.key.strip():
        raise RequestError("The key is empty; name a column, or a header as `header:x-user`.")
    if rule.header is not None and not _HEADER_NAME.fullmatch(rule.header):
        raise RequestError(f"{shorten(rule.header)} is no name of a header; letters, digits and - are allowed.")
    limits = rule.limits
    if limits.hold < 1 or not 0 <= limits.error_rate < 1 or not limits.slower > 1 or not 0 < limits.alpha <= 0.5:
        raise RequestError(
            "The limits of a canary: hold at least 1, error rate from 0 to 1, slower above 1, alpha up to 0.5."
        )


def _log(models: Path, what: str, rule: TrafficRule, reason: str) -> None:
    add_change(models, TrafficChange(now(), what, rule.to_json(), user_name(), reason))
