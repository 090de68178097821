"""Reports of made-up machines: one of each task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.effects import Dependence, Effect, Effects
from automl_runtime.engine.evaluation import (
    ClassReport,
    Confusion,
    Coverage,
    Curve,
    Evaluation,
    Histogram,
    Scatter,
    Slice,
)
from automl_runtime.inference.intervals import Interval
from automl_runtime.monitoring.drift import Drift
from automl_runtime.monitoring.reference import sketch
from automl_runtime.project.report_data import ReportData, TrialPoint, threshold_table
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.catalog import (
    ColumnEntry,
    ColumnStats,
    DataCatalog,
    DuplicateFile,
    FileEntry,
    IgnoredFile,
    JoinEdge,
    KeyCandidate,
    TableEntry,
    ValueCount,
)
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.metrics import GoalResult, LeaderboardRow, Metrics
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Goal
from automl_schemas.spec import (
    DataSpec,
    DroppedColumn,
    JoinSpec,
    MetricSpec,
    ProjectSpec,
    TableSpec,
    TargetSpec,
    TaskSpec,
)

MakeReport = Callable[..., ReportData]
ROWS = 1200


def _column(name: str, kind: str, position: int, values: pd.Series, **more: object) -> ColumnEntry:
    present = values.dropna()
    stats: dict[str, object] = {}
    if kind in ("integer", "number"):
        stats = {"min": float(present.min()), "max": float(present.max()), "median": float(present.median())}
    elif kind == "date":
        stats = {"min": str(present.min())[:10], "max": str(present.max())[:10]}
    else:
        top = present.value_counts().head(20)
        stats = {"top": [ValueCount(value=str(word), count=int(amount)) for word, amount in top.items()]}
    plan = ColumnPlan(column=name, type=kind)  # type: ignore[arg-type]
    return ColumnEntry(
        name=name,
        position=position,
        type=kind,  # type: ignore[arg-type]
        role="category",
        plan=plan,
        rows=len(values),
        missing=int(values.isna().sum()),
        rejected=0,
        changed=0,
        distinct=int(values.nunique()),
        stats=ColumnStats.model_validate(stats),
        **more,  # type: ignore[arg-type]
    )


def machine_rows() -> pd.DataFrame:
    draw = np.random.default_rng(7)
    age = draw.gamma(3.0, 2.5, ROWS).round(1)
    load = draw.normal(62, 15, ROWS).clip(5, 100).round(1)
    rows = pd.DataFrame(
        {
            "machine_no": np.arange(1000, 1000 + ROWS),
            "age_years": age,
            "load": np.where(draw.random(ROWS) < 0.07, np.nan, load),
            "site": draw.choice(["Oslo", "Turin", "Gdańsk", "Porto"], ROWS, p=[0.45, 0.3, 0.15, 0.1]),
            "last_service": pd.Timestamp("2023-01-01") + pd.to_timedelta(draw.integers(0, 700, ROWS), unit="D"),
            "contact": [f"person{number}@plant.test" for number in range(ROWS)],
            "stop_code": np.where(draw.random(ROWS) < 0.2, "E1", None),
        }
    )
    risk = -6 + 0.28 * age + 0.05 * rows["load"].fillna(62) + draw.normal(0, 0.8, ROWS)
    rows["broke"] = np.where(draw.random(ROWS) < 1 / (1 + np.exp(-risk + 0.6)), "yes", "no")
    rows["risk"] = 1 / (1 + np.exp(-risk + 0.6))
    return rows


def _catalog(rows: pd.DataFrame) -> DataCatalog:
    kinds = {"machine_no": "integer", "age_years": "number", "load": "number", "site": "category"}
    kinds |= {"last_service": "date", "contact": "text", "stop_code": "category", "broke": "boolean"}
    columns = [
        _column(name, kind, index, rows[name], **({"personal": "email"} if name == "contact" else {}))
        for index, (name, kind) in enumerate(kinds.items())
    ]
    readings = [_column("machine", "integer", 0, rows["machine_no"]), _column("celsius", "number", 1, rows["load"])]
    machines = TableEntry(
        name="machines",
        files=["machines.csv"],
        header_row=1,
        rows_read=ROWS + 14,
        rows=ROWS,
        duplicate_rows=14,
        columns=columns,
        keys=[KeyCandidate(columns=["machine_no"], unique=1.0)],
    )
    sensor = TableEntry(
        name="readings",
        files=["readings_2022.xlsx", "readings_2023.xlsx"],
        header_row=3,
        rows_read=9120,
        rows=9120,
        duplicate_rows=0,
        columns=readings,
    )
    return DataCatalog(
        files=[
            FileEntry(
                path="machines.csv",
                sha256="0" * 64,
                bytes=81_234,
                kind="delimited",
                encoding="cp1252",
                tables=["machines"],
            ),
            FileEntry(path="readings_2022.xlsx", sha256="1" * 64, bytes=381_234, kind="excel", tables=["readings"]),
            FileEntry(path="readings_2023.xlsx", sha256="2" * 64, bytes=401_002, kind="excel", tables=["readings"]),
        ],
        tables=[machines, sensor],
        joins=[
            JoinEdge(
                child="readings",
                parent="machines",
                child_columns=["machine"],
                parent_columns=["machine_no"],
                containment=0.998,
                coverage=0.93,
                cardinality="n:1",
                fan_out=7.6,
            ),
        ],
        duplicates=[DuplicateFile(path="backup/machines.csv", of="machines.csv", reason="identical")],
        ignored=[IgnoredFile(path="minutes.txt", reason="text without a table")],
        warnings=["readings_2022.xlsx: 3 cells of `celsius` could not be read as numbers."],
    )


def _spec(task: str, metric: str, goal: float | None) -> ProjectSpec:
    positive = "yes" if task == "binary" else None
    return ProjectSpec(
        name="machine-failures",
        request="predict which machines will break down in the next 30 days",
        task=TaskSpec(type=task, entity="machine", horizon_days=30),  # type: ignore[arg-type]
        target=TargetSpec(table="machines", column="broke", positive=positive),
        metric=MetricSpec(name=metric, goal=None if goal is None else Goal(op=">", value=goal)),  # type: ignore[arg-type]
        data=DataSpec(
            source="../plant",
            tables=[TableSpec(name="machines", files=["machines.csv"]), TableSpec(name="readings", files=["r.xlsx"])],
            joins=[
                JoinSpec(
                    child="readings",
                    parent="machines",
                    child_columns=["machine"],
                    parent_columns=["machine_no"],
                    cardinality="1:n",
                )
            ],
        ),
        answers={"target": "machines.broke"},
    )


def _questions() -> list[Question]:
    return [
        Question(
            id="target",
            text="Which column says that a machine broke down?",
            options=[
                Option(value="machines.broke", label="machines.broke (yes 18 %, no 82 %)"),
                Option(value="machines.stop_code", label="machines.stop_code (filled in 20 % of the rows)"),
            ],
            default="machines.broke",
            impact="Decides what the model learns to predict.",
        ),
        Question(
            id="date.order",
            text="Is 03/04/2023 in machines.last_service the 3rd of April or March 4th?",
            options=[Option(value="dmy", label="day first"), Option(value="mdy", label="month first")],
            default="dmy",
            impact="Changes 212 dates of one column.",
        ),
    ]


def _binary(rows: pd.DataFrame) -> Evaluation:
    from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

    actual, probability = rows["broke"].eq("yes").to_numpy(), rows["risk"].to_numpy()
    fpr, tpr, _ = roc_curve(actual, probability)
    precision, recall, _ = precision_recall_curve(actual, probability)
    bins = np.clip((probability * 8).astype(int), 0, 7)
    flagged = probability >= 0.42
    seen = [index for index in range(8) if (bins == index).any()]
    counts = [
        [int((~actual & ~flagged).sum()), int((~actual & flagged).sum())],
        [int((actual & ~flagged).sum()), int((actual & flagged).sum())],
    ]
    auc = float(roc_auc_score(actual, probability))
    return Evaluation(
        task="binary",
        metric="roc_auc",
        higher_is_better=True,
        rows=ROWS,
        score=auc,
        ci=(auc - 0.021, auc + 0.017),
        scores={"roc_auc": auc, "average_precision": 0.71, "log_loss": 0.41, "f1": 0.66, "accuracy": 0.83},
        classes=["no", "yes"],
        positive="yes",
        threshold=0.42,
        threshold_by="f1",
        confusion=Confusion(labels=["no", "yes"], counts=counts),
        roc=[Curve("yes", fpr.tolist(), tpr.tolist(), auc)],
        pr=[Curve("yes", recall.tolist(), precision.tolist(), 0.71)],
        calibration=[
            Curve(
                "yes",
                [float(probability[bins == i].mean()) for i in seen],
                [float(actual[bins == i].mean()) for i in seen],
                weight=[int((bins == i).sum()) for i in seen],
            )
        ],
        per_class=[ClassReport("no", 0.9, 0.88, 0.89, 900), ClassReport("yes", 0.64, 0.69, 0.66, 300)],
        worst_slices=[Slice("site is Gdańsk", 181, 0.71), Slice("load is missing", 84, 0.74)],
    )


def _regression(rows: pd.DataFrame) -> Evaluation:
    draw = np.random.default_rng(1)
    actual = rows["age_years"].to_numpy()
    predicted = actual + draw.normal(0, 1.1, ROWS)
    counts, edges = np.histogram(actual - predicted, bins=30)
    return Evaluation(
        task="regression",
        metric="rmse",
        higher_is_better=False,
        rows=ROWS,
        score=1.1,
        ci=(1.05, 1.16),
        scores={"rmse": 1.1, "mae": 0.87, "r2": 0.93},
        residuals=Histogram(edges.tolist(), counts.tolist()),
        error_quantiles=np.quantile(np.abs(actual - predicted), np.linspace(0, 1, 101)).tolist(),
        coverage=Coverage(Interval(0.9, (4.0, 9.0), (-1.7, -1.8, -1.9), (1.7, 1.8, 1.9)), 0.91, 3.6),
        predicted_vs_actual=Scatter(predicted[:500].tolist(), actual[:500].tolist()),
    )


def _multiclass(rows: pd.DataFrame) -> Evaluation:
    labels = ["running well", "worn", "overheated", "blocked"]
    grid = np.linspace(0, 1, 40)
    counts = [[420, 31, 4, 0], [44, 260, 12, 3], [6, 14, 201, 22], [0, 4, 33, 146]]
    return Evaluation(
        task="multiclass",
        metric="log_loss",
        higher_is_better=False,
        rows=ROWS,
        score=0.52,
        ci=(0.48, 0.57),
        scores={"log_loss": 0.52, "accuracy": 0.86},
        classes=list(labels),
        confusion=Confusion(labels=list(labels), counts=counts),
        roc=[
            Curve(label, grid.tolist(), (grid ** (0.1 + 0.1 * i)).tolist(), 0.95 - i / 50)
            for i, label in enumerate(labels)
        ],
        pr=[
            Curve(label, grid.tolist(), (1 - grid ** (6 - i)).tolist(), 0.9 - i / 50) for i, label in enumerate(labels)
        ],
        calibration=[
            Curve(label, [0.1, 0.5, 0.9], [0.08 + i / 50, 0.52, 0.88], weight=[700, 200, 300])
            for i, label in enumerate(labels)
        ],
        per_class=[
            ClassReport(label, 0.9 - i / 20, 0.88, 0.89 - i / 30, sum(counts[i])) for i, label in enumerate(labels)
        ],
    )


def _metrics(evaluation: Evaluation, goal: float | None) -> Metrics:
    sign = 1 if evaluation.higher_is_better else -1
    board = [
        LeaderboardRow(
            model=name, cv=evaluation.score - sign * step, fit_seconds=2.5 + 9 * step, predict_us_per_row=3.1
        )
        for name, step in [
            ("ensemble", 0.004),
            ("catboost", 0.007),
            ("lightgbm", 0.012),
            ("extra_trees", 0.021),
            ("linear", 0.058),
        ]
    ]
    met = goal is not None and (evaluation.score > goal)
    return Metrics(
        metric=evaluation.metric,
        higher_is_better=evaluation.higher_is_better,
        holdout=evaluation.score,
        holdout_ci=evaluation.ci,
        cv=board[0].cv,
        goal=None if goal is None else GoalResult(op=">", value=goal, met=met),
        rows_train=4804,
        rows_holdout=ROWS,
        best_model="ensemble",
        seconds=58.4,
        seed=0,
        data_sha256="ab" * 32,
        leaderboard=board,
    )


def _effects(evaluation: Evaluation) -> Effects:
    draw = np.random.default_rng(2)
    labels = (
        evaluation.classes if evaluation.task == "multiclass" else [evaluation.positive] if evaluation.classes else []
    )
    told = max(1, len(labels))
    columns = [
        Effect(
            name,
            [size] * told,
            *(([], []) if told > 1 else (draw.normal(0, size, 60).tolist(), [None, *draw.random(59).tolist()])),
        )
        for name, size in (("age_years", 0.1), ("site", 0.05), ("load", 0.02), ("idle", 0.0))
    ]
    ages, sites = [0.0, 5.0, 10.0, 20.0], ["Oslo", "Turin", "Porto", "(missing)"]
    band = ([0.1] * 4, [0.6] * 4) if told == 1 else ([], [])
    return Effects(
        60,
        labels,  # type: ignore[arg-type]
        columns,
        [
            Dependence("age_years", "number", ages, [[0.2, 0.3, 0.3, 0.4]] * told, *band, [5, 20, 30, 5]),
            Dependence("site", "category", sites, [[0.2, 0.4, 0.3, 0.3]] * told, *band, [30, 20, 9, 1]),
        ],
    )


def _trials(score: float, sign: int) -> list[TrialPoint]:
    draw = np.random.default_rng(3)
    models = ["linear", "extra_trees", "lightgbm", "catboost"]
    points = []
    for index in range(36):
        gain = 0.05 * np.exp(-index / 9) + abs(draw.normal(0, 0.008))
        value = None if index == 11 else float(score - sign * gain)
        points.append(TrialPoint(at=float(index * 1.6 + draw.random()), model=models[index % 4], score=value))
    return points


@pytest.fixture
def make_report() -> MakeReport:
    def make(task: str = "binary", *, goal: float | None = None, **changes: object) -> ReportData:
        rows = machine_rows()
        evaluation = {"binary": _binary, "regression": _regression, "multiclass": _multiclass}[task](rows)
        schema = InputSchema(
            columns=[
                InputColumn(name=name, type=kind, plan=ColumnPlan(column=name, type=kind))  # type: ignore[arg-type]
                for name, kind in [
                    ("age_years", "number"),
                    ("load", "number"),
                    ("site", "category"),
                    ("last_service", "date"),
                ]
            ]
        )
        sign = 1 if evaluation.higher_is_better else -1
        data = ReportData(
            spec=_spec(task, evaluation.metric, goal),
            catalog=_catalog(rows),
            metrics=_metrics(evaluation, goal),
            evaluation=evaluation,
            importance={
                "age_years": 0.141,
                "load": 0.093,
                "readings.celsius.max": 0.044,
                "readings.count": 0.018,
                "site": 0.006,
                "last_service.days_since": 0.003,
                "readings.celsius.mean": 0.001,
            },
            effects=_effects(evaluation),
            drift=[
                Drift("load", 0.31, 0.05, (0.07, 0.2), "far"),
                Drift("age_years", 0.12, 0.05, (0.0, 0.0), "shifted"),
                Drift("site", 0.01, 0.03, (0.0, 0.0), "same"),
            ],
            dropped=[
                DroppedColumn(table="machines", column="machine_no", reason="identifier"),
                DroppedColumn(
                    table="machines", column="stop_code", reason="leak: filled only when broke is yes (alone AUC 1.00)"
                ),
                DroppedColumn(table="machines", column="contact", reason="personal data: email"),
            ],
            questions=_questions(),
            trials=_trials(evaluation.score, sign),
            thresholds=threshold_table(rows["broke"].eq("yes").to_numpy(), rows["risk"].to_numpy(), 0.42)
            if task == "binary"
            else [],
            reference=sketch(rows, schema),
            run_id="run_001_20250101_1200",
        )
        return replace(data, **changes)  # type: ignore[arg-type]

    return make
