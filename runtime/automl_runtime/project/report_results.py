"""The parts of the report on the model: how good it is, how it was found."""

from __future__ import annotations

from automl_runtime.engine.evaluation import Evaluation
from automl_runtime.project.report_charts import (
    calibration_chart,
    confusion_chart,
    pr_chart,
    residual_chart,
    roc_chart,
    search_chart,
    threshold_chart,
)
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_errors import error_cdf_chart, error_loglog_chart, scatter_chart
from automl_runtime.project.report_forecast import forecast_charts
from automl_runtime.project.report_groups import group_charts
from automl_runtime.project.report_html import Cell, card, fold, numeric, section, table
from automl_runtime.project.report_labels import label_charts
from automl_runtime.project.report_text import (
    METRIC_NAMES,
    clip,
    count,
    escape,
    number,
    percent,
    round_number,
    score_name,
    share,
    threshold_reason,
)

__all__ = ["charts", "quality_section", "search_section"]

_MOST_MATRIX = 20
_MOST_MODELS = 40


def charts(data: ReportData) -> dict[str, str]:
    """The pictures of the evaluation that apply to the task, by file name without suffix."""
    evaluation = data.evaluation
    found: dict[str, str] = {}
    if data.forecast is not None:
        found |= forecast_charts(data.forecast)
    found |= group_charts(data)
    found |= label_charts(data)
    if evaluation.roc:
        found["roc"] = roc_chart(evaluation.roc, _roc_point(data))
    if evaluation.pr:
        found["precision_recall"] = pr_chart(evaluation.pr, _pr_point(data), _base_rate(data))
    if evaluation.calibration:
        found["calibration"] = calibration_chart(evaluation.calibration)
    if evaluation.confusion is not None and 0 < len(evaluation.confusion.labels) <= _MOST_MATRIX:
        found["confusion"] = confusion_chart(evaluation.confusion)
    found |= _error_charts(evaluation)
    if data.thresholds:
        found["threshold"] = threshold_chart(data.thresholds)
    if len(data.trials) > 1:
        name = METRIC_NAMES[data.metrics.metric]
        better = data.metrics.higher_is_better
        found["search"] = search_chart(data.trials, higher_is_better=better, name=name)
    return found


def _error_charts(evaluation: Evaluation) -> dict[str, str]:
    found = {}
    if evaluation.predicted_vs_actual is not None:
        found["predicted_actual"] = scatter_chart(evaluation.predicted_vs_actual, evaluation.coverage)
    if evaluation.residuals is not None:
        found["residuals"] = residual_chart(evaluation.residuals)
    if evaluation.error_quantiles:
        found["error_cdf"] = error_cdf_chart(evaluation.error_quantiles)
    if evaluation.predicted_vs_actual is not None:
        log = error_loglog_chart(evaluation.predicted_vs_actual)
        found |= {} if log is None else {"error_loglog": log}
    return found


_ABOUT = {
    "roc": ("ROC curve", "The further towards the upper left corner, the better the classes are told apart."),
    "precision_recall": (
        "Precision and recall",
        "How many of the flagged rows are right, against how many of the right ones are flagged.",
    ),
    "calibration": ("Calibration", "On the dashed line, a predicted 70 % comes true in 70 % of the rows."),
    "confusion": ("Confusion matrix", "Actual classes in rows, predicted ones in columns."),
    "predicted_actual": (
        "Predicted and actual",
        "On the dashed line, predictions are exact; the band is where nine of ten values were expected to lie.",
    ),
    "residuals": ("Residuals", "Actual minus predicted: centred on zero, the model errs to neither side."),
    "error_cdf": ("How far off", "Share of the rows whose error is at most so large; the worst hundredth is cut off."),
    "error_loglog": (
        "Error and size",
        "Both scales are logarithmic; on the dashed lines, the error is 1, 10 and 100 % of the true value.",
    ),
}


def quality_section(data: ReportData, pictures: dict[str, str]) -> str:
    """Scores, curves, confusion, thresholds and weak spots, all measured on the holdout."""
    unlabelled = data.clusters is not None or data.anomalies is not None
    if unlabelled and not data.evaluation.scores:
        return ""
    cards = [card(title, about, pictures[name]) for name, (title, about) in _ABOUT.items() if name in pictures]
    parts = [f'<div class="pair">{"".join(cards)}</div>' if cards else ""]
    if data.thresholds:
        parts.append(_threshold_card(data, pictures.get("threshold", "")))
    parts.append(
        f'<div class="pair">{_scores_card(data)}{"" if unlabelled or data.labels else _slices_card(data)}</div>'
    )
    parts += [_coverage_card(data), _classes_card(data)]
    rows = count(data.evaluation.rows)
    lead = f"Everything here is measured on {rows} rows that were set aside before anything was looked at."
    return section("quality", "How good it is", lead, "".join(parts))


def search_section(data: ReportData, pictures: dict[str, str]) -> str:
    """Leaderboard and the way of the search."""
    metrics = data.metrics
    if data.anomalies is not None:
        return _detectors_section(data)
    board = metrics.leaderboard[:_MOST_MODELS]
    scores = [row.cv for row in board]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    rows = [
        [
            Cell(escape(row.model, 60), "name"),
            Cell(_bar(row.cv, low, high, better=metrics.higher_is_better), "wide"),
            numeric(row.cv),
            Cell(escape(f"{number(row.fit_seconds, 3)} s"), "n"),
            Cell(escape(f"{number(row.predict_us_per_row, 3)} µs"), "n"),
        ]
        for row in board
    ]
    name = METRIC_NAMES[metrics.metric]
    checked, how = ("training", "training rows") if data.clusters else ("cross-validation", "cross-validated")
    header = ["model", "", f"{name}, {how}", "to fit", "to predict a row"]
    chosen = [row.model == metrics.best_model for row in board]
    left_out = len(metrics.leaderboard) - len(board)
    note = f"The {left_out} models after these are in metrics.json." if left_out > 0 else ""
    parts = [card("Leaderboard", note, table(header, rows, chosen=chosen))]
    if "search" in pictures:
        about = "Each dot is one trained model; the line is the best score so far. Far-off scores lie on the edge."
        parts.append(card("The way of the search", about, pictures["search"]))
    direction = "more" if metrics.higher_is_better else "less"
    lead = (
        f"{len(metrics.leaderboard)} models in {number(metrics.seconds, 3)} seconds, compared by {name} "
        f"({direction} is better) on training rows. {clip(metrics.best_model, 60)} was chosen: {number(metrics.cv)} in "
        f"{checked}, {number(metrics.holdout)} on the holdout."
    )
    return section("search", "How it was found", lead, "".join(parts))


def _detectors_section(data: ReportData) -> str:
    metrics = data.metrics
    lead = (
        f"The detectors {clip(metrics.best_model, 80)} each rank the rows; the ranks are combined, none is chosen. It "
        f"took {number(metrics.seconds, 3)} seconds."
    )
    return section("search", "How it was found", lead, "")


def _scores_card(data: ReportData) -> str:
    evaluation = data.evaluation
    rows = [[Cell(escape(score_name(name)), "name"), numeric(value)] for name, value in evaluation.scores.items()]
    chosen = [name == evaluation.metric for name in evaluation.scores]
    return card(
        "All scores", "The marked one is the one that was optimised.", table(["metric", "holdout"], rows, chosen=chosen)
    )


def _slices_card(data: ReportData) -> str:
    name = METRIC_NAMES[data.evaluation.metric]
    rows = [
        [Cell(escape(item.condition), "name"), Cell(count(item.rows), "n"), numeric(item.score)]
        for item in data.evaluation.worst_slices
    ]
    if not rows:
        return card("Weak spots", "", '<p class="soft">No group of rows stands out as worse than the rest.</p>')
    about = "Groups of rows on which the model does worse than on all."
    return card("Weak spots", about, table(["rows where", "rows", name], rows))


def _coverage_card(data: ReportData) -> str:
    coverage = data.evaluation.coverage
    if coverage is None:
        return ""
    interval = coverage.interval
    text = (
        f"{percent(coverage.share)} of the rows lie inside the interval that was to hold {percent(interval.level)}; "
        f"it is {number(coverage.width, 3)} wide on average."
    )
    edges = [*interval.edges, None]
    rows = [
        [
            Cell(f"up to {escape(number(edge))}" if edge is not None else "above" if interval.edges else "any", "name"),
            Cell(escape(f"{number(low)} to +{number(high)}"), "n"),
        ]
        for edge, low, high in zip(edges, interval.low, interval.high, strict=True)
    ]
    listing = table(["prediction", "the value lies within"], rows)
    return card(
        "Prediction interval", "As wide as errors were on training rows, out of fold.", f"<p>{text}</p>{listing}"
    )


def _classes_card(data: ReportData) -> str:
    reports = data.evaluation.per_class
    if len(reports) < 3:
        return ""
    rows = [
        [
            Cell(escape(item.label, 60), "name"),
            Cell(percent(item.precision), "n"),
            Cell(percent(item.recall), "n"),
            numeric(item.f1, 3),
            Cell(count(item.support), "n"),
        ]
        for item in reports[:100]
    ]
    about = "Precision: how many of the rows given to the class belong there. Recall: how many of its rows were found."
    listing = table(["class", "precision", "recall", "F1", "rows"], rows)
    if len(rows) <= _MOST_MATRIX:
        return card("Class by class", about, listing)
    return fold("Class by class", f"{len(reports)} classes", f'<p class="soft">{about}</p>{listing}', opened=False)


def _threshold_card(data: ReportData, picture: str) -> str:
    evaluation, total = data.evaluation, data.evaluation.rows
    rows = [
        [
            Cell(round_number(round(row.threshold, 3)), "n"),
            Cell(f"{count(row.flagged)} ({share(row.flagged, total)})", "n"),
            Cell(percent(row.precision), "n"),
            Cell(percent(row.recall), "n"),
            numeric(row.f1, 3),
        ]
        for row in data.thresholds
    ]
    chosen = [row.chosen for row in data.thresholds]
    listing = table(["threshold", "rows flagged", "precision", "recall", "F1"], rows, chosen=chosen)
    about = (
        f"A row is called {clip(evaluation.positive, 40)} when its probability reaches "
        f"{number(evaluation.threshold, 3)}, chosen on training rows for {threshold_reason(evaluation.threshold_by)}. "
        "The table shows what other thresholds would do on the holdout."
    )
    return card("Decision threshold", about, f'<div class="pair">{picture}{listing}</div>')


def _bar(value: float, low: float, high: float, *, better: bool) -> str:
    """A bar from the worst to the best model; the worst keeps a stump, for it is not nothing."""
    part = 1.0 if high == low else (value - low) / (high - low) if better else (high - value) / (high - low)
    return f'<span class="bar" style="width:{6 + 94 * part:.1f}%"></span>'


def _counts(data: ReportData) -> tuple[int, int, int, int] | None:
    """True positives, false negatives, false positives and true negatives of a binary model at its threshold."""
    confusion, positive = data.evaluation.confusion, data.evaluation.positive
    if confusion is None or len(confusion.labels) != 2 or positive not in confusion.labels:
        return None
    yes = confusion.labels.index(positive)
    no = 1 - yes
    table_ = confusion.counts
    return table_[yes][yes], table_[yes][no], table_[no][yes], table_[no][no]


def _roc_point(data: ReportData) -> tuple[float, float] | None:
    counts = _counts(data)
    if counts is None or data.evaluation.threshold is None:
        return None
    hits, misses, false, correct = counts
    if not hits + misses or not false + correct:
        return None
    return false / (false + correct), hits / (hits + misses)


def _pr_point(data: ReportData) -> tuple[float, float] | None:
    counts = _counts(data)
    if counts is None or data.evaluation.threshold is None:
        return None
    hits, misses, false, _ = counts
    return (hits / (hits + misses), hits / (hits + false)) if hits + misses and hits + false else None


def _base_rate(data: ReportData) -> float | None:
    counts = _counts(data)
    return (counts[0] + counts[1]) / sum(counts) if counts and sum(counts) else None
