"""Metrics and goals: "AUC above 0.85", "at least 90 % accurate", "within 10 %", "off by at most 3 dollars"."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, get_args

from automl_runtime.errors import RequestError, shorten
from automl_schemas.requirement import Goal
from automl_schemas.vocabulary import MetricName, Operator, higher_is_better

from automl_agent.requirements.comparisons import AFTER, COMPARISON, operator_after, operator_in
from automl_agent.requirements.numbers import NUMBER, parse_number
from automl_agent.requirements.text import Text

__all__ = ["MetricAsked", "further_metrics", "metric_named", "take_metric", "weighs_errors"]


@dataclass(frozen=True, slots=True)
class MetricAsked:
    """A metric, with its goal when one was given."""

    name: MetricName
    goal: Goal | None


_PATTERNS: Final[dict[str, str]] = {
    "average_precision": r"(?:pr|precision[- ]recall)[\s_-]?auc|auc[\s_-]?pr|auprc|average[\s_-]precision"
    r"|area under (?:the )?(?:pr|precision[- ]recall)(?: curve)?",
    "roc_auc": r"roc[\s_-]?auc|auc[\s_-]?roc|auroc|auc|c[- ]statistic"
    r"|area under (?:the )?(?:roc |receiver operating characteristic )?curve",
    "log_loss": r"log[\s_-]?loss|(?:binary )?cross[\s_-]?entropy(?: loss)?",
    "balanced_accuracy": r"balanced[\s_-]acc(?:uracy)?",
    "f1": r"(?:macro[\s_-])?f[\s_-]?1(?:[\s_-](?:macro|weighted))?|f[\s_-]?(?=score|measure)|f[\s_-](?=score|measure)",
    "accuracy": r"accuracy|acc|hit rate|exactitude",
    "rmse": r"rmse|root[\s_-]mean[\s_-]squared?[\s_-](?:error|deviation)|rms error",
    "mse": r"mse|mean[\s_-]squared?[\s_-]error",
    "mape": r"mape|mean[\s_-]absolute[\s_-]percentage[\s_-]error|(?:average |mean )?percentage[\s_-]error"
    r"|relative error",
    "mae": r"mae|(?:average|mean|typical)[\s_-](?:absolute[\s_-])?(?:error|deviation)|absolute error",
    "r2": r"r\^2|r[\s_-]squared?|r2|coefficient of determination",
    "pinball": r"pinball(?: loss)?|quantile loss",
    "silhouette": r"silhouette(?: coefficient| width)?",
    "unknown": r"recall|sensitivity|specificity|precision|(?:cohen'?s )?kappa|mcc|gini|smape|wape"
    r"|brier(?: score)?|rmsle|msle|ndcg|bleu|iou|f2|f-?beta",
}
_MENTION: Final = re.compile(
    r"(?<![\w.-])(?:"
    + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS.items())
    + r")(?:[\s_-]?(?:score|measure|value)s?)?(?![\w-])",
    re.IGNORECASE,
)
_CAREFUL: Final = frozenset({"accuracy", "f1", "r2", "mae", "mape", "mse", "unknown"})
"""What also means something else ("F1 race", "accuracy of a shot"): without a number it needs a hint."""

_FILLER: Final = (
    r"(?:[\s,(:=]|\b(?:on (?:the )?(?:test|holdout|hold-out|validation|unseen)(?: set| data)?|should|must|needs?"
    r"|has|have|had|to|be|is|are|stays?|remains?|would|will|ideally|please|an?|the|of|with|which|reach(?:es|ing)?"
    r"|we|i|want|target|goal|around|about|roughly|ca|clearly|get|achieve|hit|preferably|equals?|it|better|good"
    r"|at)\b(?! least| most| (?:very|the) (?:least|most)| than| as\b)){0,14}?"
)
_VALUE: Final = rf"(?P<value>{NUMBER})\s*(?P<percent>%|percent\b|per ?cent\b|pct\b|prozent\b)?"
_RIGHT_GOAL: Final = re.compile(
    rf"{_FILLER}(?P<op>{COMPARISON})?{_FILLER}\s*[$€£]?{_VALUE}(?P<after>{AFTER})?\)?", re.IGNORECASE
)
_LEFT_GOAL: Final = re.compile(
    rf"(?:(?P<op>{COMPARISON})\s*)?(?:an? |the )?{_VALUE}(?P<after>{AFTER})?\s*(?:of |in |as |for |the |an? |\()*$",
    re.IGNORECASE,
)
_HINT_LEFT: Final = re.compile(
    r"(?:\b(?:optimi[sz]\w*|maximi[sz]\w*|minimi[sz]\w*|metrics?|measured?|judged?|evaluat\w+|scor(?:ed|ing)"
    r"|criterion|performance|in terms of|best|highest|lowest|high|low|good)\b(?:[\s:=,]|\b(?:for|is|by|with|on|the"
    r"|an?|possible|it|using|should|be|to|us|as|in)\b)*|(?:^|[|,])\s*(?:and |with )?)$",
    re.IGNORECASE,
)
_HINT_RIGHT: Final = re.compile(
    r"\s*(?:as (?:the |a |our )?(?:metric|measure|criterion)|as possible|metric\b)", re.IGNORECASE
)
_NOTHING_RIGHT: Final = re.compile(r"\s*(?:$|[|,)])")
_SCORE: Final = re.compile(r"(?:score|measure)s?$", re.IGNORECASE)

_UNIT: Final = (
    r"(?:dollars?|usd|euros?|eur|pounds?|gbp|chf|francs?|cents?|points?|degrees?|kelvin|kg|kilos?|kilograms?"
    r"|tonnes?|tons?|grams?|km|kilomet(?:er|re)s?|miles?|met(?:er|re)s?|lit(?:er|re)s?|mm|cm|kwh|mwh|units?|places?"
    r"|positions?|ranks?|stars?|grades?|years?|days?|hours?|hrs?|h\b|minutes?|mins?|min\b|seconds?|secs?|pieces?"
    r"|items?|people|°\s?[cf]?|[$€£])"
)
_TIME: Final = (
    r"(?:days?|nights?|h|hours?|hrs?|m|min|minutes?|mins?|s|seconds?|secs?|years?|quarters?|months?|weeks?)\b"
)
_WEIGHED: Final = re.compile(
    r"\b(?:false (?:alarms?|positives?|negatives?)"
    r"|miss(?:ing|ed)? (?:an?|any|one|none|no|few|as few|some|too many)"
    r"|(?:an?|one|every|each) missed"
    r"|(?:large|big|huge|rare|few|small) (?:errors?|mistakes?|misses|outliers?)"
    r"|(?:errors?|mistakes?) (?:are|is|be|would be) (?:costly|expensive|worse|bad)"
    r"|(?:trust|rely on|calibrated) (?:the )?(?:probabilit\w+|percentages?)"
    r"|on average (?:be )?(?:right|close|off)"
    r"|(?:usual|typical|relative|percentage) (?:error|difference|deviation)"
    r"|every class (?:counts|matters))\b",
    re.IGNORECASE,
)
"""What says that some errors are worse than others, without a metric."""
_MONEY: Final = re.compile(r"\s*(?:[€$£]|eur|usd|chf|gbp|dollar|pound)", re.IGNORECASE)
_ACCURATE: Final = re.compile(
    rf"(?:(?P<op>{COMPARISON})\s*)?{_VALUE}(?P<after>{AFTER})?[\s-]*(?:accurate(?:ly)?|correct(?:ly classified)?"
    rf"|right)\b",
    re.IGNORECASE,
)
_CASES: Final = re.compile(
    rf"\b(?:correct|right|accurate)\b[^|,]{{0,12}}?\b(?:in"
    rf"|for)?\s*(?:(?P<op>{COMPARISON})\s*)?{_VALUE}\s*of (?:the |all )?(?:cases|time|them)",
    re.IGNORECASE,
)
_OUT_OF: Final = re.compile(
    r"\b(?:correct|right|accurate)(?:ly)? (?:in |at least )*(?P<hits>\d+|nine|eight) (?:times "
    r"|cases )?out of (?P<all>\d+|ten)\b(?: times| cases)?|\b(?P<hits2>\d+|nine|eight) (?:times "
    r"|cases )?out of (?P<all2>\d+|ten)(?: times| cases)? (?:correct|right)(?:ly)?\b",
    re.IGNORECASE,
)
_VARIANCE: Final = re.compile(
    rf"\bexplain\w*\s+(?:(?P<op>{COMPARISON})\s*)?{_VALUE}(?P<after>{AFTER})?\s+of (?:the )?varia(?:nce|tion|bility)",
    re.IGNORECASE,
)
_ERROR: Final = re.compile(
    r"\b(?:errors?|deviation|off|wrong|mistaken)\b(?:[\s,:]|\b(?:of|by|should|must|be|is|are|stay|on average"
    r"|in average|the model|we|it"
    rf"|average|may"
    rf"|can)\b)*(?P<op>{COMPARISON})?\s*[$€£]?{_VALUE}(?P<after>{AFTER})?(?:\s*{_UNIT}(?!\w))?(?: on average| off)?",
    re.IGNORECASE,
)
_WITHIN: Final = re.compile(
    rf"(?:\baccurate )?(?:\bto )?(?:\bwithin|±|\+\s?/\s?-|\+-|\bplus or minus|\bplus/minus)\s*(?:about "
    rf"|a )?[$€£]?{_VALUE}(?=(?P<unit>.{{0,40}}))",
    re.IGNORECASE,
)
_UNIT_AFTER: Final = re.compile(rf"\s*{_UNIT}(?!\w)", re.IGNORECASE)
_WITHIN_TAIL: Final = re.compile(
    rf"\s*{_UNIT}?(?!\w)(?:\s+(?:of|from) (?:the )?(?:true|real|actual|right|correct|final|observed)?[^|,]*)?",
    re.IGNORECASE,
)


def metric_named(text: str) -> MetricName | None:
    """The metric that `text` is a name of, or None.

    >>> metric_named("ROC AUC"), metric_named("R²"), metric_named("mean absolute error"), metric_named("price")
    ('roc_auc', 'r2', 'mae', None)
    """
    plain = text.strip().replace("²", "2")
    for name in get_args(MetricName):
        if plain.casefold() == name:
            return _metric(name)
    match = _MENTION.fullmatch(plain)
    return None if match is None or match.lastgroup in {"unknown", "mse"} else _metric(str(match.lastgroup))


def weighs_errors(request: str) -> bool:
    """Whether `request` says in words which errors are worse than others; which metric that is, they leave open.

    >>> weighs_errors("find fraud, and better a false alarm than a missed one"), weighs_errors("missing values")
    (True, False)
    """
    return _WEIGHED.search(request) is not None


def take_metric(text: Text) -> MetricAsked | None:
    """Takes the metric and its goal out of `text`; None when neither is mentioned.

    Raises:
        RequestError: if the goal cannot be reached by any model (an AUC of 1.5), points the wrong way, or is set on a
            metric that is not known here.
    """
    found = _named_goal(text) or _accuracy_goal(text) or _error_goal(text) or _within_goal(text)
    return found or _bare_mention(text)


def _named_goal(text: Text) -> MetricAsked | None:
    """The first metric with a number beside it; further ones are cut out too, so that they end up in no phrase."""
    first: MetricAsked | None = None
    while True:
        found = next(_goals(text.body), None)
        if found is None:
            return first
        mention, goal, start, end = found
        asked = _asked(str(mention.lastgroup), mention[0], goal)
        text.cut(start, end)
        first = first or asked


def _goals(body: str) -> Iterator[tuple[re.Match[str], re.Match[str], int, int]]:
    """Each metric in `body` with the goal right or left of it, and the span of both."""
    for mention in _MENTION.finditer(body):
        goal = _RIGHT_GOAL.match(body, mention.end())
        if goal is not None and _belongs(mention, goal, body[goal.end() :]):
            unit = _UNIT_AFTER.match(body, goal.end()) if mention.lastgroup in {"mae", "rmse"} else None
            yield mention, goal, mention.start(), unit.end() if unit else goal.end()
            continue
        goal = _LEFT_GOAL.search(body[: mention.start()])
        if goal is not None:
            yield mention, goal, goal.start(), mention.end()


def _belongs(mention: re.Match[str], goal: re.Match[str], rest: str) -> bool:
    """Whether the number right of a metric is its goal, and not the start of the next clause ("AUC, 5 minutes")."""
    if goal["op"] is None and "," in goal[0][: goal.start("value") - goal.start()]:
        return False
    if mention.lastgroup in {"mae", "rmse", "mse"}:
        return True
    return (
        re.match(
            rf"\s*(?:{_TIME}|ms\b|requests?|calls?|queries|rows|columns|features|folds?|models?)", rest, re.IGNORECASE
        )
        is None
    )


def further_metrics(request: str, first: MetricName) -> list[str]:
    """Metrics with a goal in `request` besides `first`; one project optimises one metric."""
    found = [str(mention.lastgroup) for mention, _, _, _ in _goals(Text(request).body)]
    return [name for name in dict.fromkeys(found) if name not in {first, "mse", "unknown"}]


def _accuracy_goal(text: Text) -> MetricAsked | None:
    share = _OUT_OF.search(text.body)
    if share is not None:
        words = {"eight": 8.0, "nine": 9.0, "ten": 10.0}
        hits, total = (share["hits"] or share["hits2"]), (share["all"] or share["all2"])
        value = (words.get(hits.casefold()) or float(hits)) / (words.get(total.casefold()) or float(total))
        text.cut(share.start(), share.end())
        return MetricAsked("accuracy", Goal(op=">=", value=value))
    for pattern, name in ((_CASES, "accuracy"), (_ACCURATE, "accuracy"), (_VARIANCE, "r2")):
        match = pattern.search(text.body)
        if match is not None and (match["percent"] or name == "r2"):
            asked = _asked(name, match[0], match)
            text.cut(match.start(), match.end())
            return asked
    return None


def _error_goal(text: Text) -> MetricAsked | None:
    match = _ERROR.search(text.body)
    if match is None:
        return None
    asked = _asked("mape" if match["percent"] else "mae", match[0], match)
    text.cut(match.start(), match.end())
    return asked


def _within_goal(text: Text) -> MetricAsked | None:
    for match in _WITHIN.finditer(text.body):
        surely = not re.match(r"within", match[0], re.IGNORECASE)
        number, end = float(parse_number(match["value"])), match.end()
        if match["percent"]:
            tail = re.match(r"\s+(?:of|from) the (?:true|real|actual|right)[^|,]*", text.body[end:], re.IGNORECASE)
            text.cut(match.start(), end + (tail.end() if tail else 0))
            return MetricAsked("mape", Goal(op="<=", value=_ratio(number)))
        is_time = re.match(rf"\s*{_TIME}", match["unit"], re.IGNORECASE)
        has_unit = re.match(
            rf"\s*{_UNIT}(?!\w)(?! of (?!the (?:true|real|actual|right)))", match["unit"], re.IGNORECASE
        )
        if surely or (has_unit and not is_time):
            tail = _WITHIN_TAIL.match(text.body, end)
            text.cut(match.start(), tail.end() if tail else end)
            return MetricAsked("mae", Goal(op="<=", value=number))
    return None


def _bare_mention(text: Text) -> MetricAsked | None:
    for mention in _MENTION.finditer(text.body):
        left, right = text.body[: mention.start()], text.body[mention.end() :]
        hinted = _HINT_LEFT.search(left) or _HINT_RIGHT.match(right) or (_SCORE.search(mention[0]) is not None)
        alone = re.search(r"(?:^|[|,])\s*(?:and |with )?$", left) and _NOTHING_RIGHT.match(right)
        asked_for = re.search(
            r"\b(?:optimi|maximi|minimi|metric|measure|judge|evaluat)\w*\W+(?:\w+\W+){0,3}$", left, re.IGNORECASE
        )
        name = str(mention.lastgroup)
        if name in _CAREFUL and not (
            asked_for or _HINT_RIGHT.match(right) or (alone and left.strip()) or (hinted and not alone)
        ):
            continue
        if name == "unknown" and not (asked_for or _HINT_RIGHT.match(right)):
            continue
        if name in {"unknown", "mse"}:
            raise _unknown_metric(mention[0])
        tail = _HINT_RIGHT.match(right)
        text.cut(mention.start(), mention.end() + (tail.end() if tail else 0))
        return MetricAsked(_metric(name), None)
    return None


def _asked(name: str, words: str, match: re.Match[str]) -> MetricAsked:
    if name == "unknown":
        raise _unknown_metric(words)
    money = re.search(r"[€$£]", match[0]) or _MONEY.match(match.string, match.end())
    value = parse_number(match["value"], thousands_first=money is not None)
    goal_op = operator_in(match["op"] or "")
    if goal_op is None and match["after"]:
        goal_op = operator_after(match["after"])
    if name == "mse":
        name, value = "rmse", math.sqrt(value)
    metric = _metric(name)
    if metric not in {"rmse", "mae", "log_loss", "pinball"}:
        value = _share(value, percent=bool(match["percent"]), metric=metric)
    return MetricAsked(metric, Goal(op=_directed(goal_op, metric, match), value=value))


def _directed(operator: Operator | None, metric: MetricName, match: re.Match[str]) -> Operator:
    wanted = ">" if higher_is_better(metric) else "<"
    if operator is None:
        return ">=" if wanted == ">" else "<="
    if operator[0] == wanted:
        return operator
    if re.search(r"better|beat|surpass|superior", match["op"] or "", re.IGNORECASE):
        return "<"
    if re.search(r"within", match["op"] or "", re.IGNORECASE):
        return ">="
    raise RequestError(
        f"{' '.join(match[0].split())!r} asks for a bad model: {'more' if wanted == '>' else 'less'} {metric} is"
        f" better.",
        hint=f'Write the goal as "{metric} {wanted} {match["value"]}".',
    )


def _share(value: float, *, percent: bool, metric: MetricName) -> float:
    """`value` between 0 and 1: "85", "85 %" and "0.85" say the same; only a MAPE may be above 1."""
    if percent or (2 <= value <= 100):
        return _ratio(value)
    if value > 1 and metric != "mape":
        raise RequestError(
            f"A goal of {value:g} cannot be reached: {metric} is never above 1.", hint='Write for example "above 0.85".'
        )
    return value


def _ratio(percent: float) -> float:
    return round(percent / 100, 12)


def _metric(name: str) -> MetricName:
    for known in get_args(MetricName):
        if known == name:
            return known  # type: ignore[no-any-return]
    raise ValueError(name)


def _unknown_metric(words: str) -> RequestError:
    return RequestError(
        f"{shorten(' '.join(words.split()))} is no metric here; known are {', '.join(get_args(MetricName))}.",
        hint="For rare classes take average_precision or f1; for yes and no in general, roc_auc.",
    )
