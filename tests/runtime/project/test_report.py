from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from automl_runtime.engine.evaluation import ClassReport, Confusion, Slice
from automl_runtime.errors import DataError
from automl_runtime.events import Event, Warned
from automl_runtime.inference.parts import Measured, Member
from automl_runtime.inference.speeds import Speed
from automl_runtime.project.model_card import render_model_card, write_model_card
from automl_runtime.project.report import ReportData, render_report, write_plots, write_report
from automl_schemas.bundle import BundleManifest, Signature
from automl_schemas.catalog import ColumnStats, DataCatalog, ValueCount
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.question import Option, Question
from automl_schemas.spec import DeploymentSpec, DroppedColumn, EvaluationPlots
from automl_schemas.vocabulary import PlotName

MakeReport = Callable[..., ReportData]
HOSTILE = '</td><script>alert("1")</script><img src=x onerror=alert(2)>\n\u202e|`*#'
VOID = {"meta", "br", "img", "link", "hr", "rect", "line", "circle", "path"}


class Reader(HTMLParser):
    """Notes the tags, the visible text and the attributes; fails when tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID or (self.open and "svg" in self.open and tag in ("rect", "circle")):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data + " "


def manifest() -> BundleManifest:
    return BundleManifest(
        model_version="v003",
        created="2025-01-01T00:00:00+00:00",
        task="binary",
        metric="roc_auc",
        target="broke",
        features=["age_years", "extra"],
        runtime_version="0.1.0",
        files=[],
        signature=Signature(public_key="ab" * 32, value="00" * 64),
    )


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_the_report_is_one_file_that_needs_nothing(make_report: MakeReport, task: str, tmp_path: Path) -> None:
    data = make_report(task)
    write_report(tmp_path / "reports" / "report.html", data)
    html = (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")
    reader = Reader(html)
    assert not {"script", "link", "img", "iframe", "object"} & reader.tags
    outside = [value for name, value in reader.attributes if name in ("href", "src") and not value.startswith("#")]
    assert outside == []
    assert not re.search(r"url\(|@import", html)
    assert {value for name, value in reader.attributes if name == "xmlns"} == {"http://www.w3.org/2000/svg"}
    assert html == render_report(make_report(task))


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_every_picture_is_sound_and_says_what_it_shows(make_report: MakeReport, task: str, tmp_path: Path) -> None:
    pictures = re.findall(r"<svg.*?</svg>", render_report(make_report(task)), flags=re.DOTALL)
    assert len(pictures) > 8
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert root.get("aria-label")
        assert "nan" not in picture
        assert "inf" not in picture.replace("information", "")
    write_plots(tmp_path / "plots", make_report(task))
    for path in (tmp_path / "plots").glob("*.svg"):
        ElementTree.parse(path)
        assert "--s0" in path.read_text()


@pytest.mark.parametrize(
    ("plots", "names"),
    [
        (["roc", "dependence"], {"roc", "dependence_1", "dependence_2"}),
        (["cdf", "loglog"], set()),
        (["confusion", "residuals"], {"confusion"}),
        ([], set()),
    ],
)
def test_only_the_pictures_that_were_asked_for_are_written(
    make_report: MakeReport, tmp_path: Path, plots: list[str], names: set[str]
) -> None:
    data = make_report("binary")
    data = replace(data, spec=data.spec.model_copy(update={"evaluation": EvaluationPlots(plots=plots)}))
    heard: list[Event] = []
    written = write_plots(tmp_path, data, on_event=heard.append)
    assert {path.stem for path in written} == {path.stem for path in tmp_path.iterdir()} == names
    absent = [plot for plot in plots if plot in ("cdf", "loglog", "residuals")]
    said = [event.text for event in heard if isinstance(event, Warned) and "There is no plot" in event.text]
    assert [", ".join(absent) in text and "precision_recall" in text for text in said] == [True] * bool(absent)


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_every_picture_has_a_name_that_can_be_asked_for(make_report: MakeReport, task: str, tmp_path: Path) -> None:
    data = make_report(task)
    every = EvaluationPlots(plots=list(get_args(PlotName)))
    asked = replace(data, spec=data.spec.model_copy(update={"evaluation": every}))
    assert len(write_plots(tmp_path / "asked", asked)) == len(write_plots(tmp_path / "all", data)) > 0


def test_each_task_has_its_pictures(make_report: MakeReport, tmp_path: Path) -> None:
    names = {
        task: {path.stem for path in write_plots(tmp_path / task, make_report(task)) if path.suffix == ".svg"}
        for task in ("binary", "regression", "multiclass")
    }
    curves = {"roc", "precision_recall", "calibration", "confusion"}
    always = {"importance", "contributions", "dependence_1", "dependence_2", "search"}
    assert names["binary"] == curves | always | {"threshold"}
    assert names["multiclass"] == curves | always
    assert names["regression"] == {"predicted_actual", "residuals", "error_cdf", "error_loglog"} | always


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (None, "No goal was asked for."),
        (0.5, "Goal met : ROC AUC 0.8163 is > 0.5. The whole interval"),
        (0.99, "Goal not met : ROC AUC 0.8163 is not > 0.99. The whole interval"),
        (0.81, "Goal met : ROC AUC 0.8163 is > 0.81. The goal lies inside the interval"),
    ],
)
def test_the_goal_is_judged_plainly(make_report: MakeReport, goal: float | None, words: str) -> None:
    text = Reader(render_report(make_report(goal=goal))).text
    assert words in " ".join(text.split())


def test_the_report_tells_what_was_left_out_and_assumed(make_report: MakeReport) -> None:
    text = " ".join(Reader(render_report(make_report(manifest=manifest()))).text.split())
    assert "machines.stop_code leak filled only when broke is yes (alone AUC 1.00)" in text
    assert "--keep machines.stop_code" in text
    assert "machines.machine_no identifier names a row" in text
    assert "answered machines.broke (yes 18 %, no 82 %)" in text
    assert "assumed day first" in text
    assert "--answer date.order=mdy" in text
    assert "backup/machines.csv identical of machines.csv" in text
    assert "readings.machine → machines.machine_no many to one 99.8 %" in text
    assert "models/v003, made 2025-01-01" in text
    assert "experiments/run_001_20250101_1200" in text


def test_the_chosen_threshold_is_marked(make_report: MakeReport) -> None:
    html = render_report(make_report())
    assert re.search(r'<tr class="chosen"><td class="n">0.42</td>', html)
    assert html.count(">threshold</text>") == 3


def test_values_of_personal_columns_are_not_shown(make_report: MakeReport) -> None:
    for text in (render_report(make_report()), render_model_card(make_report())):
        assert "plant.test" not in text
    assert "not shown" in render_report(make_report())


def hostile(data: ReportData) -> ReportData:
    """`data` with hostile text wherever text comes from files or people."""
    entry = data.catalog.tables[0]
    column = entry.columns[3].model_copy(
        update={"name": HOSTILE, "stats": ColumnStats(top=[ValueCount(value=HOSTILE, count=9)])}
    )
    table = entry.model_copy(update={"name": HOSTILE, "files": [HOSTILE], "columns": [column, *entry.columns]})
    file = data.catalog.files[0].model_copy(update={"path": HOSTILE, "tables": [HOSTILE]})
    target = data.spec.target
    assert target is not None
    return replace(
        data,
        spec=data.spec.model_copy(
            update={
                "name": HOSTILE,
                "request": HOSTILE,
                "target": target.model_copy(update={"table": HOSTILE, "column": HOSTILE, "positive": HOSTILE}),
                "data": data.spec.data.model_copy(update={"source": HOSTILE}),
            }
        ),
        catalog=data.catalog.model_copy(update={"tables": [table], "files": [file], "warnings": [HOSTILE]}),
        metrics=data.metrics.model_copy(
            update={
                "best_model": HOSTILE,
                "leaderboard": [LeaderboardRow(model=HOSTILE, cv=0.5, fit_seconds=1, predict_us_per_row=1)],
            }
        ),
        importance={HOSTILE: 0.4, **data.importance},
        dropped=[DroppedColumn(table=HOSTILE, column=HOSTILE, reason=f"leak: {HOSTILE}")],
        questions=[
            Question(
                id="target",
                text=HOSTILE,
                options=[Option(value=HOSTILE, label=HOSTILE), Option(value="other", label=HOSTILE)],
                default="other",
                impact=HOSTILE,
            )
        ],
        trials=[replace(trial, model=HOSTILE) for trial in data.trials],
        evaluation=replace(
            data.evaluation,
            positive=HOSTILE,
            confusion=Confusion([HOSTILE, "no"], [[4, 1], [2, 9]]),
            roc=[replace(curve, label=HOSTILE) for curve in data.evaluation.roc * 2],
            per_class=[ClassReport(HOSTILE, 0.5, 0.5, 0.5, 9)] * 3,
            worst_slices=[Slice(HOSTILE, 9, 0.5)],
            threshold_by=HOSTILE,
        ),
        run_id=HOSTILE,
    )


def test_hostile_text_stays_text(make_report: MakeReport, tmp_path: Path) -> None:
    data = hostile(make_report("binary", manifest=manifest()))
    reader = Reader(render_report(data))
    assert not {"script", "img"} & reader.tags
    assert not any(name.startswith("on") for name, _ in reader.attributes)
    assert "\u202e" not in reader.text
    write_plots(tmp_path, data)
    for path in tmp_path.glob("*.svg"):
        ElementTree.parse(path)


def test_hostile_text_stays_text_in_the_card(make_report: MakeReport) -> None:
    card = render_model_card(hostile(make_report("binary", manifest=manifest())))
    outside = re.sub(r"(`+).*?\1", "", card)
    assert "<script>" not in outside
    assert "\u202e" not in card
    rows = [line for line in card.splitlines() if line.startswith("|") and "machines" not in line]
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 5) for line in rows)


def test_the_card_shows_what_can_run_each_model(make_report: MakeReport) -> None:
    data = make_report("binary", manifest=manifest())
    measured = (
        Measured("kernels", (9.5, 1.25, 1.0), 0.0),
        Measured("single_row", (16.0, 3.0, 2.0), 0.0),
        Measured("onnx", (5.0, 1.0, 0.5), 3.1e-8, "the same within 1e-05 only"),
        Measured("library", (), None, "lightgbm is not | installed"),
    )
    member = Member("light_gbm", 1.0, (), measured, ("kernels", "single_row", "kernels"))
    card = render_model_card(replace(data, speeds=[Speed("record", 1, 24.5, 80.0, 0.0)], members=[member]))
    assert "| light\\_gbm | compiled | 0 | 9.50 | 1.25 | 1.00 | for 1, 1,000 at a time |" in card
    assert "| light\\_gbm | LightGBM, its call for one row | 0 | 16.0 | 3.00 | 2.00 | for 32 at a time |" in card
    assert "| light\\_gbm | ONNX Runtime | 3.10e-08 | 5.00 | 1.00 | 0.500 | no: the same within 1e-05 only |" in card
    assert "| light\\_gbm | its library |  |  |  |  | no: lightgbm is not \\| installed |" in card


def test_the_card_says_how_fast_it_answers(make_report: MakeReport) -> None:
    data = make_report("binary", manifest=manifest())
    assert "How fast it answers" not in render_model_card(data)
    told = replace(
        data,
        speeds=[Speed("record", 1, 24.5, 80.0, 0.0), Speed("kernels", 1000, 1.25, 1.5, 2.2e-16)],
        spec=data.spec.model_copy(update={"deployment": DeploymentSpec(p99_ms=5)}),
    )
    card = render_model_card(told)
    assert "| one record | 1 | 24.5 | 80.0 | 0 |" in card
    assert "| frame, compiled | 1,000 | 1.25 | 1.50 | 2.20e-16 |" in card
    assert "Of the 5.000 ms that 99 of 100 requests may take, the model needs 0.080 ms." in card


def test_a_report_of_next_to_nothing_is_written_too(make_report: MakeReport) -> None:
    data = make_report("regression")
    bare = replace(
        data,
        catalog=DataCatalog(files=[], tables=[]),
        spec=data.spec.model_copy(update={"target": None}),
        evaluation=replace(
            data.evaluation, residuals=None, predicted_vs_actual=None, scores={}, error_quantiles=[], coverage=None
        ),
        importance={},
        effects=None,
        drift=(),
        dropped=[],
        questions=[],
        trials=[],
        reference=None,
        run_id=None,
    )
    text = " ".join(Reader(render_report(bare)).text.split())
    assert "Nothing was left out." in text
    assert "Nothing had to be assumed." in text
    assert "Drivers" not in text
    assert render_model_card(bare).startswith("# Model card: machine-failures")


def test_many_classes_get_a_table_instead_of_a_matrix(make_report: MakeReport, tmp_path: Path) -> None:
    data = make_report("multiclass")
    labels = [f"class {number}" for number in range(30)]
    counts = [[9 if row == column else 1 for column in range(30)] for row in range(30)]
    for size in (30, 16):
        confusion = Confusion(list(labels[:size]), [row[:size] for row in counts[:size]])
        many = replace(data, evaluation=replace(data.evaluation, confusion=confusion))
        names = {path.stem for path in write_plots(tmp_path / str(size), many)}
        assert ("confusion" in names) == (size == 16)
        assert "Class by class" in render_report(many)


def test_a_file_that_cannot_be_written_is_named(make_report: MakeReport, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    for write in (write_report, write_model_card):
        with pytest.raises(DataError, match=r"reports.* cannot be written"):
            write(tmp_path / "reports" / "out", make_report())


def test_the_card_holds_what_a_reader_needs(make_report: MakeReport, tmp_path: Path) -> None:
    write_model_card(tmp_path / "model_card.md", make_report(goal=0.99, manifest=manifest()))
    card = (tmp_path / "model_card.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", card, flags=re.MULTILINE)
    assert headings == [
        "In short",
        "Intended use",
        "How good it is",
        "Decision threshold",
        "Data",
        "Features",
        "Columns left out",
        "Limits",
        "How it was made",
        "How to verify it",
    ]
    assert "Goal not met: ROC AUC 0.8163 is not > 0.99" in card
    assert 'verify_bundle(Path("models/v003"), Path(".automl/trusted_keys"))' in card
    assert "`" + "ab" * 32 + "`" in card
    assert "- Horizon: 30 days." in card
    assert "| `machines.stop_code` | leak: filled only when broke is yes (alone AUC 1.00) |" in card


def test_features_without_importance_are_listed(make_report: MakeReport) -> None:
    card = render_model_card(make_report(importance={}, manifest=manifest()))
    assert "- `age_years`\n- `extra`" in card
    many = {f"f{number}": 1.0 / (number + 1) for number in range(40)}
    assert "and 10 more of less importance" in render_model_card(make_report(importance=many))
    assert "The 15 most important of 40 columns:" in render_report(make_report(importance=many))
