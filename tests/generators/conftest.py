"""Project plans made by hand: every kind of task and column, with names that hurt."""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from automl_generators.git import commit_project
from automl_generators.plan import ProjectPlan
from automl_generators.project import finish_project, render_project
from automl_runtime.data.assemble import assemble
from automl_runtime.data.catalog import discover
from automl_runtime.data.inputs import input_schema
from automl_runtime.data.lineage import lineage_of, manifest_of
from automl_runtime.data.relations import plan_joins
from automl_runtime.data.training_columns import TrainingColumn
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.cleaning import CleaningExample, ColumnPlan
from automl_schemas.lineage import DataManifest, Lineage, RowBalance
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Goal
from automl_schemas.spec import (
    DataSpec,
    DeploymentSpec,
    DroppedColumn,
    JoinSpec,
    MetricSpec,
    ProjectSpec,
    TableSpec,
    TargetSpec,
    TaskSpec,
    TrainingSpec,
)
from sharing import made_once

WEIRD = (
    "{{ 7 * 7 }}",
    "{% raw %}",
    'say "hi"',
    "it's",
    "both \" and '",
    '"""',
    "back\\slash",
    "ends with \\",
    "a|b`c`*d*",
    "<b>[x](y)</b>",
    "emoji 🎉 ünï",
    "rtl \u202eabc",
    "nul \x00 bell \x07",
    "class",
    "1st",
    "# not a comment",
    "${HOME} $(id) `id`",
    "- list: [1, 2]",
    "x" * 200,
)


@dataclass
class Draft:
    """The parts of a plan; `plan` puts them together."""

    name: str
    task: str
    target: str
    metric: str
    tables: dict[str, list[ColumnEntry]]
    inputs: dict[str, str]
    """Input column of the model -> table that it comes from."""
    positive: Any = None
    keys: dict[str, list[str]] = field(default_factory=dict)
    joins: list[JoinSpec] = field(default_factory=list)
    drop: list[DroppedColumn] = field(default_factory=list)
    training: TrainingSpec = field(default_factory=TrainingSpec)
    time: str | None = None
    group: str | None = None
    questions: Sequence[Question] = ()

    def plan(self) -> ProjectPlan:
        base = next(iter(self.tables))
        spec = ProjectSpec(
            name=self.name,
            request=f"predict {self.target}",
            task=TaskSpec(type=self.task, entity="account", time=self.time, group=self.group),
            target=TargetSpec(table=base, column=self.target, positive=self.positive),
            metric=MetricSpec(name=self.metric, goal=Goal(op=">", value=0.8)),
            data=DataSpec(
                source="../raw",
                tables=[
                    TableSpec(name=name, files=[f"{name}.csv"], key=self.keys.get(name, [])) for name in self.tables
                ],
                joins=self.joins,
                drop=self.drop,
            ),
            training=self.training,
            deployment=DeploymentSpec(requests_per_day=5_000_000, p99_ms=50),
            answers={"target": f"{base}.{self.target}"},
        )
        columns = self._columns(base)
        return ProjectPlan(
            spec=spec,
            catalog=self._catalog(),
            columns=columns,
            sql=f'SELECT * FROM "{base}"',
            lineage=Lineage(tables={}, rows=[RowBalance(table=base, rows_in=9, rows_out=8, dropped={"duplicate": 1})]),
            manifest=DataManifest(source="../raw", files=[]),
            schema=InputSchema(
                columns=[
                    InputColumn(
                        name=column.name,
                        type=column.type,
                        plan=column.plan,
                        example="v`1`" if column.type == "text" else 1,
                    )
                    for column in columns
                    if column.name in self.inputs
                ]
            ),
            questions=self.questions,
        )

    def _catalog(self) -> DataCatalog:
        return DataCatalog(
            files=[],
            tables=[
                TableEntry(name=name, files=[f"{name}.csv"], rows_read=9, rows=8, duplicate_rows=1, columns=columns)
                for name, columns in self.tables.items()
            ],
        )

    def _columns(self, base: str) -> list[TrainingColumn]:
        made = []
        for table, entries in self.tables.items():
            prefix = "" if table == base else table
            for entry in entries:
                if any((drop.table, drop.column) == (table, entry.name) for drop in self.drop):
                    continue
                name = f"{prefix}.{entry.name}" if prefix else entry.name
                made.append(
                    TrainingColumn(
                        name, table, entry.name, None, entry.type, entry.plan, entry.role, entry.personal, prefix
                    )
                )
        if not self.keys.get(base):
            plan = ColumnPlan(column="row.identity", type="text")
            made.append(TrainingColumn("row.identity", base, None, "identity", "text", plan, "id", None, ""))
        return made


def column(
    name: str, type_: str, position: int = 0, *, before: str | None = None, after: str | None = None
) -> ColumnEntry:
    """A column of a catalog; with `before` and `after`, one whose cells the plan changes."""
    roles = {"integer": "number", "number": "number", "boolean": "category", "category": "category", "text": "text"}
    examples = [CleaningExample(before=before, after=after)] if before is not None else []
    return ColumnEntry(
        name=name,
        position=position,
        type=type_,
        role=roles.get(type_, "time"),
        plan=ColumnPlan(column=name, type=type_),
        rows=8,
        missing=0,
        rejected=0,
        changed=len(examples),
        distinct=8,
        examples=examples,
    )


def several_tables() -> Draft:
    """Binary, every kind of column, a 1:n join, a leak and a question."""
    return Draft(
        name="predict-lapse",
        task="binary",
        target="lapsed?",
        metric="roc_auc",
        positive="Yes",
        tables={
            "accounts": [
                column("No.", "integer"),
                column("lapsed?", "category"),
                column("fee", "number", before="$1,234.50", after="1234.5"),
                column("vip", "boolean", before="yes", after="true"),
                column("plan", "category"),
                column("opened", "date"),
                column("notes", "text"),
                column("closed on", "date"),
            ],
            "visits": [column("acct", "integer"), column("minutes", "number")],
        },
        inputs=dict.fromkeys(("fee", "vip", "plan", "opened", "notes"), "accounts") | {"visits.minutes": "visits"},
        keys={"accounts": ["No."]},
        joins=[
            JoinSpec(
                child="visits", parent="accounts", child_columns=["acct"], parent_columns=["No."], cardinality="1:n"
            )
        ],
        drop=[DroppedColumn(table="accounts", column="closed on", reason="leak: filled only when the target is Yes")],
        questions=[
            Question(
                id="target",
                text="Which column?",
                options=[Option(value="a", label="a")],
                default="a",
                impact="Everything.",
            )
        ],
    )


def one_table() -> Draft:
    """Regression over numbers only."""
    return Draft(
        name="predict-rent",
        task="regression",
        target="rent",
        metric="rmse",
        tables={"flats": [column("rent", "number"), column("area", "number"), column("floor", "integer")]},
        inputs={"area": "flats", "floor": "flats"},
    )


def only_text() -> Draft:
    """Multiclass over one text column."""
    return Draft(
        name="predict-topic",
        task="multiclass",
        target="topic",
        metric="log_loss",
        tables={"posts": [column("topic", "category"), column("body", "text")]},
        inputs={"body": "posts"},
    )


def only_dates() -> Draft:
    """Binary over dates, with a boolean target, ordered by time."""
    return Draft(
        name="predict-late",
        task="binary",
        target="late",
        metric="average_precision",
        positive=True,
        tables={"trips": [column("late", "boolean"), column("planned", "datetime"), column("day", "date")]},
        inputs={"planned": "trips", "day": "trips"},
        training=TrainingSpec(validation="temporal"),
        time="planned",
    )


def grouped() -> Draft:
    """Multiclass with an integer target and repeated entities."""
    return Draft(
        name="predict-grade",
        task="multiclass",
        target="grade",
        metric="accuracy",
        tables={"exams": [column("pupil", "category"), column("grade", "integer"), column("hours", "number")]},
        inputs={"hours": "exams"},
        training=TrainingSpec(validation="grouped"),
        group="pupil",
    )


def weird_names() -> Draft:
    """Every name hurts: of the project, the target, the class, the columns."""
    types = ("number", "category", "boolean", "text", "date", "integer")
    columns = [column(name, types[index % len(types)], index) for index, name in enumerate(WEIRD)]
    return Draft(
        name="class",
        task="binary",
        target=WEIRD[4],
        metric="f1",
        positive=WEIRD[5],
        tables={"data": columns},
        inputs=dict.fromkeys((name for name in WEIRD if name != WEIRD[4]), "data"),
        keys={"data": [WEIRD[13]]},
        drop=[DroppedColumn(table="data", column=WEIRD[8], reason="leak: a|b\n`c`")],
    )


DRAFTS: dict[str, Callable[[], Draft]] = {
    function.__name__: function for function in (several_tables, one_table, only_text, only_dates, grouped, weird_names)
}


@pytest.fixture(params=sorted(DRAFTS))
def any_plan(request: pytest.FixtureRequest) -> ProjectPlan:
    """A plan of each kind."""
    return DRAFTS[request.param]().plan()


@pytest.fixture
def drafts() -> dict[str, Callable[[], Draft]]:
    """What makes each kind of plan, by its name."""
    return DRAFTS


@pytest.fixture
def plan() -> ProjectPlan:
    """A plan with several tables and every kind of column."""
    return several_tables().plan()


@pytest.fixture
def weird_plan() -> ProjectPlan:
    """A plan in which every name hurts."""
    return weird_names().plan()


WORDS = ("great", "poor", "slow", "fast", "nice", "staff", "broken", "locker", "sauna", "clean")


def write_raw(folder: Path) -> None:
    """Members of a gym and their visits, written as people write."""
    chance = random.Random(1)
    folder.mkdir()
    with (folder / "members.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Member No", "Plan", "Fee", "Joined", "VIP", "Remarks", "Left?"])
        for number in range(300):
            fee, vip = chance.uniform(5, 2000), chance.random() < 0.3
            left = chance.random() < 0.2 + 0.6 * (fee > 1200) - 0.1 * vip
            joined = f"{chance.randint(1, 28):02d}.{chance.randint(1, 12):02d}.{chance.randint(2015, 2023)}"
            words = " ".join(chance.choices(WORDS, k=6)) + f" {number}"
            plan = chance.choice([" basic", "plus", "pro"])
            money = f"${fee:,.2f}" if chance.random() > 0.05 else "N/A"
            said = ["yes" if vip else "no", words, "Yes" if left else "No"]
            rows.writerow([1000 + number, plan, money, joined, *said])
    with (folder / "visits.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["member", "minutes"])
        rows.writerows([1000 + chance.randrange(300), chance.randint(5, 180)] for _ in range(900))


def plan_of(raw: Path) -> ProjectPlan:
    """What discovery says about the gym, and who is to be predicted."""
    found = discover(raw)
    tables, joins = plan_joins(found.catalog, "members")
    drop = [DroppedColumn(table="members", column="Plan", reason="asked")]
    spec = ProjectSpec(
        name="predict-left",
        request="predict which members leave",
        task=TaskSpec(type="binary", entity="member"),
        target=TargetSpec(table="members", column="Left?", positive="Yes"),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source="../raw", tables=tables, joins=joins, drop=drop),
        training=TrainingSpec(trials=1, folds=2),
    )
    made = assemble(spec, found.catalog, found.tables)
    schema = input_schema(made.columns, made.frame, "Left?")
    return ProjectPlan(
        spec,
        found.catalog,
        made.columns,
        made.sql,
        lineage_of(found.catalog, made.columns, made.joins),
        manifest_of(found),
        schema,
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed project with a model, made from raw files; tests leave it as it is."""

    def make(place: Path) -> None:
        write_raw(place / "raw")
        train_project(place / "project", plan_of(place / "raw"), vendor=True)

    return made_once(tmp_path_factory, "members", make) / "project"


def train_project(project: Path, plan: ProjectPlan, *, vendor: bool) -> None:
    """Renders the project `predict_left`, runs its steps and commits it."""
    render_project(project, plan, vendor=vendor)
    path = os.pathsep.join(["src", *filter(None, [os.environ.get("PYTHONPATH")])])
    for step in ("data", "train", "evaluate"):
        command = [sys.executable, "-m", "predict_left", step]
        subprocess.run(command, cwd=project, env={**os.environ, "PYTHONPATH": path}, check=True)
    assert finish_project(project) == []
    commit_project(project, "Add predict-left")
