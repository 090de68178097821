"""The parts of the report on data without a target: the groups that were found, and the strangest rows."""

from __future__ import annotations

from statistics import fmean

from automl_runtime.engine.anomaly.evaluation import AnomalyView
from automl_runtime.engine.clustering.evaluation import ClusterView
from automl_runtime.engine.clustering.profiles import ClusterProfile
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_html import Cell, card, numeric, section, table
from automl_runtime.project.report_stretches import stretch_charts, stretches_cards
from automl_runtime.project.report_svg import PALETTE, Frame, Svg, bars, legend, legend_height
from automl_runtime.project.report_text import count, escape, number, percent, row_name, share

__all__ = ["anomalies_section", "cluster_name", "clusters_section", "group_charts"]

_WIDE, _HIGH, _LEFT = 1020, 420, 54.0
_ROOM = 1.08
_MARK = 7.5


def group_charts(data: ReportData) -> dict[str, str]:
    """The pictures of clusters, or of anomalies (series and scores), by file name without suffix."""
    if data.clusters is not None:
        return {"clusters": _clusters_chart(data.clusters)}
    if data.anomalies is not None:
        return stretch_charts(data.anomalies) | {"scores": _scores_chart(data.anomalies)}
    return {}


def clusters_section(data: ReportData, pictures: dict[str, str]) -> str:
    """The picture, the sizes, and what distinguishes each cluster; empty for other tasks."""
    view = data.clusters
    if view is None:
        return ""
    found = [profile for profile in view.profiles if profile.label >= 0]
    about = (
        f"Rows of the holdout in the plane in which they lie furthest apart; it shows {percent(view.explained)} of how "
        "they differ, so groups that overlap here may still be apart."
    )
    lead = f"{len(found)} groups were found; one row is one {row_name(data.spec)}, the largest group is cluster 0."
    parts = [card("The groups in a plane", about, pictures["clusters"]), _sizes_card(view)]
    traits = "".join(_profile_card(profile) for profile in view.profiles)
    return section("clusters", "The groups", lead, "".join(parts) + f'<div class="pair">{traits}</div>')


def anomalies_section(data: ReportData, pictures: dict[str, str]) -> str:
    """The distribution of the scores and the strangest rows with their reasons; empty for other tasks."""
    view = data.anomalies
    if view is None:
        return ""
    rows = data.evaluation.rows
    lead = (
        f"Of {count(rows)} rows that were set aside, {share(round(view.flagged * rows), rows)} count as strange; of "
        f"the training rows {percent(view.expected)} do."
    )
    about = (
        "The score of a row is the share of the training rows that are less strange; rows right of the line, at "
        f"{number(view.threshold)}, count as strange."
    )
    listed = [
        [
            Cell(escape(row.name, 80), "name"),
            numeric(row.score),
            Cell("yes" if row.score > view.threshold else "no"),
            Cell("<br>".join(escape(reason.words, 160) for reason in row.reasons)),
        ]
        for row in view.strangest
    ]
    why = "Each with the columns that make it strange, and what these usually hold."
    strangest = card("The strangest rows", why, table(["row", "score", "strange", "why"], listed))
    parts = [stretches_cards(view, pictures), card("Scores", about, pictures["scores"]), strangest]
    return section("anomalies", "What is strange", lead, "".join(parts))


def cluster_name(label: int) -> str:
    """What a cluster is called.

    >>> cluster_name(0), cluster_name(-1)
    ('cluster 0', 'in no cluster')
    """
    return f"cluster {label}" if label >= 0 else "in no cluster"


def _sizes_card(view: ClusterView) -> str:
    rows = [
        [
            Cell(escape(cluster_name(profile.label)), "name"),
            Cell(f'<span class="bar" style="width:{100 * profile.share:.1f}%"></span>', "wide"),
            Cell(count(profile.rows), "n"),
            Cell(percent(profile.share), "n"),
            Cell(percent(view.shares.get(profile.label, 0.0)), "n"),
        ]
        for profile in view.profiles
    ]
    header = ["", "", "rows of training", "share", "share of the holdout"]
    return card("Sizes", "A share that differs in the holdout says how stable a group is.", table(header, rows))


def _profile_card(profile: ClusterProfile) -> str:
    lines = "".join(f"<li>{escape(trait.text, 200)}</li>" for trait in profile.traits)
    listed = f"<ul>{lines}</ul>" if lines else '<p class="soft">Nothing that can be shown.</p>'
    name = cluster_name(profile.label)
    return card(name[0].upper() + name[1:], f"{count(profile.rows)} rows, {percent(profile.share)}.", listed)


def _clusters_chart(view: ClusterView) -> str:
    names = [cluster_name(profile.label) for profile in view.profiles]
    top = 10 + legend_height(names, _LEFT, _WIDE)
    svg = Svg(_WIDE, _HIGH + top, "The groups in a plane", _sizes_text(view))
    legend(svg, names, _LEFT, 4)
    across, up = (max((abs(place[axis]) for place in view.places), default=1.0) * _ROOM or 1.0 for axis in (0, 1))
    axes = ("first principal component", "second principal component")
    frame = Frame.draw(svg, (-across, across), (-up, up), axes, top=top)
    order = {profile.label: index for index, profile in enumerate(view.profiles)}
    for place, label in zip(view.places, view.labels, strict=True):
        style = f"dot cloud s{order[label] % PALETTE}"
        svg.dot(frame.x(place[0]), frame.y(place[1]), 4, style, hint=cluster_name(label))
    for label in sorted({label for label in view.labels if label >= 0}):
        own = [place for place, other in zip(view.places, view.labels, strict=True) if other == label]
        x, y = frame.x(fmean(place[0] for place in own)), frame.y(fmean(place[1] for place in own))
        svg.rect(x - _MARK - 2, y - _MARK - 2, 2 * _MARK + 4, 2 * _MARK + 4, "ground", radius=5)
        svg.label(x, y + 4, label, "cell", anchor="middle")
    return svg.render()


def _sizes_text(view: ClusterView) -> str:
    return "; ".join(f"{cluster_name(profile.label)}: {percent(profile.share)}" for profile in view.profiles[:10])


def _scores_chart(view: AnomalyView) -> str:
    histogram = view.histogram
    text = f"{percent(view.flagged)} of the rows lie above the threshold {number(view.threshold)}."
    svg = Svg(_WIDE, 300, "Scores", text)
    most = max(histogram.counts, default=0) or 1
    frame = Frame.draw(svg, (0.0, 1.0), (0.0, most * _ROOM), ("score", "rows of the holdout"), left=64)
    bars(svg, histogram.edges, histogram.counts, frame.x, frame.y)
    place = frame.x(view.threshold)
    svg.line(place, frame.y(0), place, frame.y(most * _ROOM), "chosen")
    svg.label(place - 6, frame.y(most * _ROOM) + 12, "threshold", anchor="end")
    return svg.render()
