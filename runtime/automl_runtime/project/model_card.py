"""The model card of a project: Markdown for people who decide whether to use the model (Mitchell et al., 2019)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from automl_runtime.files import write_text
from automl_runtime.inference.parts import BATCHES, Backend, Measured, Member
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_groups import cluster_name
from automl_runtime.project.report_labels import label_lines
from automl_runtime.project.report_short import short_texts
from automl_runtime.project.report_text import (
    METRIC_NAMES,
    TASK_NAMES,
    clip,
    count,
    goal_sentence,
    number,
    percent,
    round_number,
    row_name,
    score_name,
    score_sentence,
    share,
    target_name,
    threshold_reason,
)

__all__ = ["render_model_card", "write_model_card"]

_MOST_FEATURES = 30
_MOST_DROPPED = 60
_WAYS = {"record": "one record", "kernels": "frame, compiled", "library": "frame, by libraries"}
_BACKENDS: dict[Backend, str] = {
    "kernels": "compiled",
    "single_row": "LightGBM, its call for one row",
    "library": "its library",
    "onnx": "ONNX Runtime",
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def write_model_card(path: Path, data: ReportData) -> None:
    """Writes the card to `path`, whole or not at all; the same data give the same bytes.

    Raises:
        DataError: if it cannot be written.
    """
    write_text(path, render_model_card(data))


def render_model_card(data: ReportData) -> str:
    """The card as Markdown; names from the data are escaped, values of personal columns do not occur."""
    parts = [
        f"# Model card: {_plain(data.spec.name)}",
        _opening(data),
        "## In short\n\n" + _short(data) if short_texts(data) else "",
        "## Intended use\n\n" + _intended(data),
        "## How good it is\n\n" + _quality(data),
        "## Decision threshold\n\n" + _threshold(data) if data.evaluation.threshold is not None else "",
        "## Data\n\n" + _data(data),
        "## Features\n\n" + _features(data),
        "## Columns left out\n\n" + _dropped(data),
        "## How fast it answers\n\n" + _speed(data) if data.speeds else "",
        "## Limits\n\n" + _limits(data),
        "## How it was made\n\n" + _made(data),
        "## How to verify it\n\n" + _verify(data),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(data: ReportData) -> str:
    version = f" Version {_plain(data.manifest.model_version)}." if data.manifest else ""
    return f"> {_plain(data.spec.request)}\n\n{score_sentence(data.metrics)}\n{goal_sentence(data.metrics)}{version}"


def _short(data: ReportData) -> str:
    return "\n".join(f"- **{name}** {_escaped(text)}" for name, text in short_texts(data))


def _intended(data: ReportData) -> str:
    spec = data.spec
    entity = _plain(row_name(spec))
    lines = [f"- Task: {TASK_NAMES[spec.task.type]}, one prediction per {entity}."]
    if data.anomalies is not None:
        known = f"{_code(target_name(spec))} says which are known" if spec.target else "which rows are is not known"
        lines.append(f"- Strange is what is unlike the other rows, not what is wrong; {known}.")
    elif spec.target is not None:
        positive = "" if spec.target.positive is None else f", positive class {_code(spec.target.positive)}"
        lines.append(f"- Target: {_code(target_name(spec))}{positive}.")
    if spec.task.horizon_days:
        lines.append(f"- Horizon: {round_number(spec.task.horizon_days)} days.")
    if data.forecast is not None:
        told = ", ".join(map(_code, spec.task.known_ahead)) or "nothing but the calendar"
        lines.append(f"- Looks {count(data.forecast.horizon)} steps ahead; what must be known of them: {told}.")
    lines.append(
        f"- For rows like those it was trained on: the same sources, the same kind of {entity}, a similar time."
    )
    lines.append("- Not for decisions about people without a person who answers for them, nor for causal questions.")
    return "\n".join(lines)


def _quality(data: ReportData) -> str:
    metrics, evaluation = data.metrics, data.evaluation
    if math.isnan(metrics.holdout):
        return f"{score_sentence(metrics)}{_found(data)}"
    low, high = metrics.holdout_ci
    rows = [
        (
            METRIC_NAMES[metrics.metric],
            f"{number(metrics.holdout)} ({number(low)} to {number(high)})",
            number(metrics.cv),
        )
    ]
    rows += [
        (score_name(name), number(value), "") for name, value in evaluation.scores.items() if name != metrics.metric
    ]
    text = _table(["metric", f"holdout, {count(metrics.rows_holdout)} rows", _checked(data)], rows)
    text += f"\n\n{goal_sentence(metrics)} The best model is {_code(metrics.best_model)}."
    text += _found(data)
    if evaluation.worst_slices:
        weak = [(_plain(item.condition), count(item.rows), number(item.score)) for item in evaluation.worst_slices]
        text += "\n\nWeak spots:\n\n" + _table(["rows where", "rows", METRIC_NAMES[evaluation.metric]], weak)
    return text


def _checked(data: ReportData) -> str:
    return "cross-validation" if data.clusters is None and data.anomalies is None else "training"


def _found(data: ReportData) -> str:
    """The groups, what counts as strange, or each label."""
    if data.anomalies is not None:
        view = data.anomalies
        return (
            f"\n\nScores above {number(view.threshold)} count as strange: {percent(view.expected)} of the training "
            f"rows, {percent(view.flagged)} of the holdout."
        )
    if data.labels:
        header, lines = label_lines(data)
        listed = _table(header, [(_code(label), *rest) for label, *rest in lines])
        return f"\n\nScores are means over the labels:\n\n{listed}"
    if data.clusters is None:
        return ""
    shares = data.clusters.shares
    rows = [
        (
            cluster_name(profile.label),
            percent(profile.share),
            percent(shares.get(profile.label, 0.0)),
            "; ".join(_plain(trait.text) for trait in profile.traits[:3]),
        )
        for profile in data.clusters.profiles
    ]
    return "\n\n" + _table(["group", "training", "holdout", "what distinguishes it"], rows)


def _threshold(data: ReportData) -> str:
    evaluation = data.evaluation
    text = (
        f"A row is called {_code(evaluation.positive)} when its probability reaches {number(evaluation.threshold, 3)}, "
        f"chosen on training rows for {_plain(threshold_reason(evaluation.threshold_by))}."
    )
    chosen = [row for row in data.thresholds if row.chosen]
    if chosen:
        row = chosen[0]
        text += (
            f" On the holdout this flags {count(row.flagged)} rows ({share(row.flagged, evaluation.rows)}) with "
            f"precision {number(row.precision, 3)} and recall {number(row.recall, 3)}."
        )
    return text


def _data(data: ReportData) -> str:
    used = {table.name for table in data.spec.data.tables}
    rows = [
        (_plain(entry.name), _plain(", ".join(entry.files)), count(entry.rows), str(len(entry.columns)))
        for entry in data.catalog.tables
        if entry.name in used
    ]
    metrics = data.metrics
    return (
        f"{count(metrics.rows_train)} rows to train on, {count(metrics.rows_holdout)} sealed before anything else.\n\n"
        + _table(["table", "files", "rows", "columns"], rows)
        + f"\n\nFingerprint of the sources (SHA-256): {_code(metrics.data_sha256)}"
    )


def _features(data: ReportData) -> str:
    ranked = sorted(data.importance.items(), key=lambda item: (-item[1], item[0]))
    rows = [(_code(name), number(value, 3)) for name, value in ranked[:_MOST_FEATURES]]
    rest = [name for name in (data.manifest.features if data.manifest else []) if name not in dict(ranked)]
    text = _table(["feature", "importance"], rows) if rows else ""
    if len(ranked) > _MOST_FEATURES:
        text += f"\n\nand {len(ranked) - _MOST_FEATURES} more of less importance."
    if rest and not rows:
        text = "\n".join(f"- {_code(name)}" for name in rest[:_MOST_FEATURES])
    return text or "Not recorded."


def _dropped(data: ReportData) -> str:
    if not data.dropped:
        return "None."
    rows = [
        (_code(f"{item.table}.{item.column}"), _plain(item.reason))
        for item in sorted(data.dropped, key=lambda item: (item.table, item.column))[:_MOST_DROPPED]
    ]
    left_out = len(data.dropped) - len(rows)
    return _table(["column", "reason"], rows) + (f"\n\nand {left_out} more, see report.html." if left_out else "")


def _speed(data: ReportData) -> str:
    rows = [
        (
            _WAYS[speed.way],
            count(speed.rows),
            number(speed.median_us, 3),
            number(speed.p99_us, 3),
            number(speed.largest, 2),
        )
        for speed in data.speeds
    ]
    single, asked = data.speeds[0].p99_us / 1000, data.spec.deployment.p99_ms
    text = _table(["way", "rows at a time", "us a row", "99 of 100 within, us a row", "largest difference"], rows)
    size = sum(file.bytes for file in data.manifest.files) / 1e6 if data.manifest else 0.0
    text += "\n\nMeasured once, when it was evaluated, beside whatever else the machine did. "
    text += f"Its files take {number(size, 3)} MB."
    if asked is not None:
        text += f" Of the {number(asked)} ms that 99 of 100 requests may take, the model needs {number(single, 3)} ms."
    return text + _backends(data.members)


def _backends(members: Sequence[Member]) -> str:
    rows = [
        (
            _plain(member.name),
            _BACKENDS[each.backend],
            "" if each.largest is None else number(each.largest, 2),
            *([number(us, 3) for us in each.us] or [""] * len(BATCHES)),
            _used(member, each),
        )
        for member in members
        for each in member.measured
    ]
    if not rows:
        return ""
    times = [f"us a row, {count(batch)} at a time" for batch in BATCHES]
    return (
        "\n\nEach model of the ensemble, by all that can run it, compared with its library where that is installed, "
        "when the version was published:\n\n" + _table(["model", "run by", "largest difference", *times, "used"], rows)
    )


def _used(member: Member, measured: Measured) -> str:
    if measured.refused is not None:
        return f"no: {_plain(measured.refused)}"
    sizes = [count(batch) for batch, chosen in zip(BATCHES, member.chosen, strict=True) if chosen == measured.backend]
    return "slower" if not sizes else "for all" if len(sizes) == len(BATCHES) else f"for {', '.join(sizes)} at a time"


def _limits(data: ReportData) -> str:
    lines = [
        "- The score holds for rows like the holdout; `reference.json` in the bundle is the yardstick for drift.",
    ]
    if data.clusters is None and data.anomalies is None:
        lines.append("- Importance says what the model relies on, not what causes the outcome.")
    personal = sum(column.personal is not None for table in data.catalog.tables for column in table.columns)
    if personal:
        lines.append(f"- Personal data: {personal} of the columns; masked in reports, and no features by default.")
    if data.metrics.goal is not None and not data.metrics.goal.met:
        lines.append(f"- {goal_sentence(data.metrics)}")
    if data.forecast is not None:
        held, made = percent(data.forecast.coverage), percent(data.forecast.level)
        lines.append(f"- One forecast was scored: {held} of its values lie in the interval that shall hold {made}.")
    if data.metrics.rows_holdout < 200:
        lines.append(f"- The holdout has {data.metrics.rows_holdout} rows only: the interval is wide.")
    lines += [
        f"- Assumed: {_plain(question.text)} {_code(data.spec.answers.get(question.id, question.default))} "
        f"(change: {_code(f'--answer {question.id}=...')})"
        for question in data.questions
    ]
    return "\n".join(lines)


def _made(data: ReportData) -> str:
    spec, metrics = data.spec, data.metrics
    trials = len(data.trials) or len(metrics.leaderboard)
    lines = [
        f"- {count(trials)} models tried in {number(metrics.seconds, 3)} seconds, seed {metrics.seed}"
        + (f", {spec.training.folds} folds ({spec.training.validation})." if _checked(data) != "training" else "."),
        "- `trials.jsonl` in the bundle lists what was executed; `automl replay .` gives the same metrics by it.",
    ]
    if data.run_id:
        lines.append(f"- Run: {_code(f'experiments/{data.run_id}')}.")
    if data.manifest:
        lines.append(
            f"- Made {_plain(data.manifest.created)} with automl-runtime {_plain(data.manifest.runtime_version)}."
        )
    return "\n".join(lines)


def _verify(data: ReportData) -> str:
    version = data.manifest.model_version if data.manifest else "<version>"
    signature = data.manifest.signature if data.manifest else None
    key = f" The key is {_code(signature.public_key)}." if signature else ""
    return (
        f"`manifest.json` in `models/{version}` lists every file with its SHA-256 and is signed (Ed25519).{key} "
        "Both are checked before anything is loaded, against the keys in `.automl/trusted_keys`; to check by hand:\n\n"
        "```python\n"
        "from pathlib import Path\n"
        "from automl_runtime.registry.bundle import verify_bundle\n\n"
        f'verify_bundle(Path("models/{version}"), Path(".automl/trusted_keys"))\n'
        "```"
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: object) -> str:
    """Text that Markdown and HTML leave as it is."""
    return _escaped(clip(text, 200))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text).replace("\\<", "&lt;").replace("\\>", "&gt;")


def _code(text: object) -> str:
    """Text in a code span, also inside a table."""
    plain = clip(text, 120).replace("|", "\\|")
    fence = "``" if "`" in plain else "`"
    return f"{fence} {plain} {fence}" if fence == "``" else f"`{plain}`"
