"""Metrics and goals: "AUC above 0.85", "at least 90 % accurate", "within 10 %", "off by at most 3 dollars"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from automl_agent.requirements.numbers import NUMBER, parse_number
from automl_agent.requirements.text import Text
from automl_runtime.errors import RequestError, shorten
from automl_schemas.requirement import Goal
from automl_schemas.vocabulary import MetricName, Operator, higher_is_better

__all__ = ["METRIC_WORDS", "OPERATORS", "MetricAsked", "metric_named", "parse_goal", "take_metric"]


@dataclass(frozen=True, slots=True)
class MetricAsked:
    """A metric, with its goal when one was given."""

    name: MetricName
    goal: Goal | None


_NAMES: Final[list[tuple[str, str]]] = [
    ("average_precision", r"(?:(?:pr|precision[- ]recall)[\s_-]?auc|auc[\s_-]?pr\b|auprc|average[\s_-]precision(?:[\s_-]score)?"
     r"|area under (?:the )?(?:pr|precision[- ]recall)(?: curve)?)"),
    ("roc_auc", r"(?:roc[\s_-]?auc|auc[\s_-]?roc|auroc|auc|area under (?:the )?(?:roc |receiver operating characteristic )?curve"
     r"|c[- ]statistic)(?:[\s_-]?score|[\s_-]value)?"),
    ("log_loss", r"(?:log[\s_-]?loss|(?:binary )?cross[\s_-]?entropy)"),
    ("balanced_accuracy", r"balanced[\s_-]acc(?:uracy)?(?:[\s_-]score)?"),
    ("f1", r"(?:macro[\s_-])?f[\s_-]?1(?:[\s_-]?(?:score|measure|value|macro|weighted))?|f[\s_-](?:score|measure)"),
    ("accuracy", r"accuracy(?:[\s_-]score)?|acc|hit rate|exactitude"),
    ("mse", r"mse|mean[\s_-]squared?[\s_-]error"),
    ("rmse", r"rmse|root[\s_-]mean[\s_-]squared?[\s_-](?:error|deviation)|rms(?:[\s_-]error)?"),
    ("mape", r"mape|mean[\s_-]absolute[\s_-]percentage[\s_-]error|(?:average |mean )?percentage[\s_-]error|relative error"),
    ("mae", r"mae|mean[\s_-]absolute[\s_-]error|(?:average|mean|typical)[\s_-](?:absolute[\s_-])?(?:error|deviation)|absolute error"),
    ("r2", r"r\^2|r[\s_-]?squared?|r2(?:[\s_-]score)?|coefficient of determination"),
    ("pinball", r"pinball(?:[\s_-]loss)?|quantile loss"),
    ("silhouette", r"silhouette(?:[\s_-](?:score|coefficient|width))?"),
]  # fmt: skip
_BY_NAME: Final = {name: pattern for name, pattern in _NAMES}
METRIC_WORDS: Final = "|".join(rf"(?P<{name}>{pattern})" for name, pattern in _NAMES)
_PLAIN_WORDS: Final = "|".join(f"(?:{pattern})" for _, pattern in _NAMES)
_UNKNOWN: Final = (
    r"(?P<unknown>recall|sensitivity|specificity|precision|(?:cohen'?s )?kappa|mcc|matthews\w*(?: correlation\w*)?|gini|smape|wape"
    r"|brier(?: score)?|rmsle|msle|ndcg|bleu|iou|f2|f0\.5|top-\d accuracy)"
)
_CAREFUL: Final = frozenset({"accuracy", "f1", "r2", "mae", "mape", "mse"})
"""Words that mean something else as well ("F1 race", "the accuracy of a shot"): a bare mention needs a hint."""

OPERATORS: Final[list[tuple[Operator, str]]] = [
    (">=", r"(?:>=|=>|≥|⩾|(?:of |by )?at least|no(?:t)? (?:less|lower|smaller|worse) than|not (?:below|under)|(?:of )?(?:a )?"
     r"min(?:imum|imal|imally)?(?: of)?\b\.?|starting (?:at|from)|from)"),
    ("<=", r"(?:<=|=<|≤|⩽|(?:of |by )?at (?:the )?most|no(?:t)? (?:more|higher|greater|larger|bigger|longer|later|worse) than"
     r"|not (?:above|over|exceed(?:ing)?)|(?:of )?(?:a )?max(?:imum|imal|imally)?(?: of)?\b\.?|up to|within)"),
    (">", r"(?:>|(?:of |by |with )?(?:(?:much |well |strictly )?(?:more|greater|higher|larger|bigger|longer|older|later|heavier|taller"
     r"|worth more|better) (?:than|as)|above|over|beyond|exceed(?:s|ing)?|superior to|upwards? of|north of|in excess of|beat(?:s|ing)?"
     r"|surpass(?:es|ing)?))"),
    ("<", r"(?:<|(?:of |by |with )?(?:(?:much |well |strictly )?(?:less|lower|smaller|fewer|shorter|younger|earlier|lighter|cheaper)"
     r" (?:than|as)|below|under|beneath|inferior to))"),
]  # fmt: skip
_OPERATOR: Final = "|".join(rf"(?P<op{i}>{pattern})" for i, (_, pattern) in enumerate(OPERATORS))
_AFTER: Final = r"(?:\s*(?P<after>\+|or (?:more|better|higher|above|over|less|lower|below|under)|(?:at )?(?:min(?:imum)?|max(?:imum)?|least|most)\b))?"
_FILLERS: Final = (
    r"(?:[\s,(:=]|\b(?:score|value|metric|on (?:the |unseen )?(?:test|holdout|hold-out|validation|unseen)(?: set| data)?|should|must|needs?"
    r"|has|have|to|be|is|are|stays?|remains?|would|will|ideally|please|a|an|the|of|with|that|which|reach(?:es|ing)?|we|i|want|target(?:ed)?"
    r"|goal|somewhere|around|about|approximately|ca|roughly|clearly|get|achieve|hit|preferably|equal|equals|it|better|good|as)\b){0,12}?"
)
_LEAD: Final = (
    r"(?:[\s,(]*(?:\b(?:and|with|an?|the|at|aim(?:ing)?|target(?:ing)?|goal|reach(?:ing)?|achiev(?:e|ing)|optimi[sz](?:e|ed|ing)|maximi[sz](?:e|ing)|minimi[sz](?:e|ing)"
    r"|for|metrics?|is|are|be|to|get|getting|have|having|has|want|need|by|measured?|judged?|evaluated?|in terms of|our|we|i|it|should|must|would|like|expect(?:ed)?|model|of|so that|such that|where|on average|use|using|as|give me|give)\b|:|=))*"
    r"[\s,(]*"
)
_VALUE: Final = rf"(?P<value>{NUMBER})\s*(?P<percent>%|percent\b|per ?cent\b|pct\b|prozent\b)?"

_GOAL_AFTER: Final = re.compile(
    rf"{_LEAD}\b(?:{METRIC_WORDS}|{_UNKNOWN})(?![\w^]){_FILLERS}(?:{_OPERATOR})?\s*{_VALUE}{_AFTER}\)?", re.IGNORECASE
)
_GOAL_BEFORE: Final = re.compile(
    rf"{_LEAD}(?:{_OPERATOR})?\s*{_VALUE}\s*(?:or (?:more|better|higher|less|lower)\s+)?(?:of |in |as |for |the )*\b(?:{METRIC_WORDS}|{_UNKNOWN}|(?P<accurate>accurate|correct(?:ly classified)?|right))\b\)?",
    re.IGNORECASE,
)
_CASES: Final = re.compile(
    rf"{_LEAD}\b(?:correct|right|accurate)\b[^|,]{{0,20}}?(?:{_OPERATOR})?\s*{_VALUE}\s*(?:of (?:the |all )?(?:cases|time|them))", re.IGNORECASE
)
_OUT_OF: Final = re.compile(
    r"\b(?:correct|right|accurate)?\s*(?:in )?(\d+|nine|eight) (?:times )?out of (\d+|ten)(?: (?:cases|times))?(?: correct(?:ly)?| right)?", re.IGNORECASE
)
_VARIANCE: Final = re.compile(
    rf"{_LEAD}explain\w*\s+(?:{_OPERATOR})?\s*{_VALUE}\s+of (?:the )?varia(?:nce|tion|bility)", re.IGNORECASE
)
_UNIT: Final = (
    r"(?P<unit>dollars?|usd|euros?|eur|pounds?|gbp|chf|francs?|cents?|points?|degrees?|kelvin|kg|kilos?|kilograms?|tonnes?|tons?|grams?|km|kilomet(?:er|re)s?"
    r"|miles?|met(?:er|re)s?|litres?|liters?|mm|cm|kwh|mwh|units?|places?|positions?|ranks?|stars?|grades?|years?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?"
    r"|percentage points|bikes?|pieces?|items?|persons?|people|customers?|orders?|°\s?[cf]?|[$€£])"
)
_ERROR: Final = re.compile(
    rf"{_LEAD}\b(?:errors?|deviation|off|wrong|mistaken?)\b(?:[\s,:]|\b(?:of|by|should|must|be|is|stay|may|on average|in average|the model|not|we|it|average)\b)*?"
    rf"(?:{_OPERATOR})?\s*[$€£]?{_VALUE}\s*{_UNIT}?(?: on average| off)?",
    re.IGNORECASE,
)
_WITHIN_PERCENT: Final = re.compile(
    rf"{_LEAD}(?:\baccurate\s+)?(?:\bto\s+)?(?:within|±|\+/-|\+-|plus or minus|plus/minus)\s*(?:about |a )?(?P<value>{NUMBER})\s*(?:%|percent\b|per ?cent\b|pct\b)"
    r"(?:\s+(?:of|from) the (?:true|real|actual|right)[^|,]*)?",
    re.IGNORECASE,
)
_WITHIN_UNIT: Final = re.compile(
    rf"{_LEAD}(?:(?:\baccurate\s+)?(?:\bto\s+within|(?<=accurate )to|±|\+/-|\+-|plus or minus|give or take)\s*[$€£]?(?P<value>{NUMBER})\s*{_UNIT}?"
    rf"|\bwithin\s+[$€£]?(?P<value2>{NUMBER})\s*(?!(?:days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|years?|months?|weeks?)\b){_UNIT.replace('unit', 'unit2')})"
    r"(?:\s+(?:of|from) the (?:true|real|actual|right)[^|,]*|(?!\s+of\b))",
    re.IGNORECASE,
)
_MENTION_HINT: Final = (
    r"(?:\b(?:optimi[sz]\w*(?: for)?|maximi[sz]\w*|minimi[sz]\w*|metrics?|measured?|judged?|evaluat\w+|scor\w+|scoring|criterion|performance|in terms of|best(?: possible)?|highest|lowest|high|low|good)"
    r"(?:[\s:=,]|\b(?:is|by|with|on|the|an?|for|possible|it|using|should|be|to|us|as|we use|in)\b)*)"
)
_ALONE: Final = re.compile(rf"(?:(?<=[|,;])|^)\s*(?:and |with )?(?:{METRIC_WORDS})\s*(?=[|,;]|$)", re.IGNORECASE)
_HINTED: Final = re.compile(
    rf"[\s,]*(?:\bwith\b|\band\b)?\s*(?:{_MENTION_HINT})(?:{METRIC_WORDS})\b(?: as (?:the |a )?(?:metric|measure|criterion))?(?: as (?:possible|can be))?", re.IGNORECASE
)
_MENTION: Final = re.compile(
    rf"{_LEAD}(?<![\w])(?:{'|'.join(f'(?P<{name}>{pattern})' for name, pattern in _NAMES if name not in _CAREFUL)}"
    r"|(?P<accuracy>accuracy (?=as (?:the |a )?(?:metric|measure)))|(?P<f1>f1[\s_-](?:score|measure))|(?P<mae>(?-i:MAE))|(?P<mape>(?-i:MAPE))|(?P<r2>(?-i:R2|R\^2)))"
    r"(?![\w])(?: as (?:the |a )?(?:metric|measure|criterion))?",
    re.IGNORECASE,
)
