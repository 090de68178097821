"""The curves of several labels: small ones of the most frequent, in the report and beside the run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from automl_runtime.engine.curves import pr_points, reports, roc_points
from automl_runtime.engine.evaluation import Curve
from automl_runtime.engine.multilabel.evaluation import LabelScore
from automl_runtime.project.report import ReportData, render_report, write_plots
from automl_runtime.project.report_labels import label_charts
from automl_schemas.spec import EvaluationPlots

MakeReport = Callable[..., ReportData]
HOSTILE = "</svg><script>alert(1)</script>"
ROWS = 400


def label_of(name: str, share: float, *, learned: bool = True) -> LabelScore:
    draw = np.random.default_rng(int(1000 * share))
    truth = draw.random(ROWS) < share
    chances = np.clip(draw.normal(0.3 + 0.4 * truth, 0.2), 0, 1)
    flags = chances >= 0.5
    precision, recall, f1, rows = reports(truth.astype(np.int64), flags.astype(np.int64), 2)[1]
    roc, pr = Curve(name, *roc_points(truth, chances), area=0.9), Curve(name, *pr_points(truth, chances), area=0.7)
    return LabelScore(
        label=name, rows=rows, found=int(flags.sum()), score=f1, cv=f1, precision=precision, recall=recall, f1=f1,
        roc_auc=0.9, threshold=0.5 if learned else None, roc=roc if learned else None, pr=pr if learned else None,
    )  # fmt: skip


@pytest.fixture
def make_labels(make_report: MakeReport) -> Callable[[list[LabelScore]], ReportData]:
    def make(labels: list[LabelScore]) -> ReportData:
        data = make_report("multiclass")
        evaluation = replace(
            data.evaluation, rows=ROWS, roc=[], pr=[], calibration=[], confusion=None, per_class=[], worst_slices=[]
        )
        return replace(data, labels=labels, evaluation=evaluation, effects=None)

    return make


def test_the_most_frequent_labels_are_drawn_and_no_more(make_labels: Callable[..., ReportData]) -> None:
    labels = [label_of(f"label {place}", 0.03 * place) for place in range(1, 16)]
    data = make_labels([*labels, label_of("unknown", 0.6, learned=False)])
    pictures = label_charts(data)
    assert list(pictures) == [f"{kind}_label_{n}" for kind in ("roc", "precision_recall") for n in range(1, 13)]
    order = [re.search(r'aria-label="(label \d+):', picture) for picture in pictures.values()]
    by_rows = [label.label for label in sorted(labels, key=lambda label: -label.rows)][:12]
    assert [found[1] for found in order if found] == by_rows * 2
    html = render_report(data)
    assert html.count("The 12 most frequent of 16 labels.") == 2
    assert html.count('class="quad"') == 2


def test_the_circle_is_where_the_threshold_of_the_label_is(make_labels: Callable[..., ReportData]) -> None:
    label = label_of("one", 0.3)
    pictures = label_charts(make_labels([label]))
    false = (label.found - label.recall * label.rows) / (ROWS - label.rows)
    hints = [ElementTree.fromstring(picture).findtext(".//{*}circle/{*}title") for picture in pictures.values()]
    points = [tuple(map(float, (hint or "").split(", "))) for hint in hints]
    assert points[0] == pytest.approx((false, label.recall), abs=1e-3)
    assert points[1] == pytest.approx((label.recall, label.precision), abs=1e-3)
    never = replace(label, found=0, recall=0.0, precision=0.0)
    assert "<circle" not in label_charts(make_labels([never]))["precision_recall_label_1"]


def test_names_of_labels_stay_text_and_long_ones_are_told_apart(make_labels: Callable[..., ReportData]) -> None:
    long = [f"{'a very long name of a label ' * 3}{place}" for place in (1, 2)]
    data = make_labels([label_of(name, share) for name, share in zip([HOSTILE, *long], (0.5, 0.4, 0.3), strict=True)])
    assert "<script" not in render_report(data)
    drawn = [ElementTree.fromstring(picture) for picture in label_charts(data).values()]
    titles = [
        [text.text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.get("class") == "item"]
        for root in drawn
    ]
    assert len({title for [title] in titles}) == 3


def test_they_can_be_asked_for_as_the_curves_of_other_models(
    make_labels: Callable[..., ReportData], tmp_path: Path
) -> None:
    data = make_labels([label_of("one", 0.3), label_of("two", 0.2)])
    asked = replace(data, spec=data.spec.model_copy(update={"evaluation": EvaluationPlots(plots=["roc"])}))
    assert {path.stem for path in write_plots(tmp_path, asked)} == {"roc_label_1", "roc_label_2"}
