"""ProjectSpec, the text of `project.yaml`: the one source of truth of a project."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from automl_schemas.base import Contract
from automl_schemas.preprocessing import PreprocessingSpec
from automl_schemas.requirement import Goal
from automl_schemas.vocabulary import KeySpelling, MetricName, PlotName, TaskType

__all__ = [
    "LABEL_JOINT",
    "DataSpec",
    "DeploymentSpec",
    "DroppedColumn",
    "EvaluationPlots",
    "HistorySpec",
    "JoinSpec",
    "MetricSpec",
    "ProjectSpec",
    "TableSpec",
    "TargetSpec",
    "TaskSpec",
    "TrainingSpec",
    "Validation",
]

Validation = Literal["stratified", "random", "grouped", "temporal"]
Threshold = Literal["f1", "cost", "top_k"]

LABEL_JOINT: Final = "|"
"""What stands between the labels of a row in the training table and in files of predictions."""

_LIMITED: tuple[TaskType, ...] = ("binary", "multiclass", "regression")
_BATCHED = 20.0
"""How much less than the slowest requests of one row a row of a batch may take."""


def _is_unset(value: Any) -> bool:
    return value is None or value == []


def _is_single(value: Any) -> bool:
    return bool(value == 1)


def _is_false(value: Any) -> bool:
    return value is False


class TaskSpec(Contract):
    """What kind of prediction it is, and of what."""

    type: TaskType
    entity: str | None = None
    horizon_days: float | None = None
    time: str | None = None
    """Column of the base table that orders the rows in time (`table.column` when it is joined). With it a search for
    anomalies looks at series: each number beside its season and what came before."""
    group: str | None = None
    """Column whose value is shared by rows of one entity; a split never divides a group."""
    series: list[str] = []
    """Of a forecast or of anomalies in time: columns of the base table that tell rows with the same moment apart."""
    frequency: str | None = None
    """Of a forecast or of anomalies in time: the step, as `hour`, `day` or `15 minutes`."""
    known_ahead: list[str] = []
    """Of a forecast: columns of the training table whose values are known before the moment comes."""
    horizon: int | None = Field(default=None, ge=1)
    """Of a forecast: how many steps it looks ahead."""
    time_sql: str | None = None
    """Of a forecast or of anomalies in time: DuckDB expression over the base table that makes the column `time`, where
    no column holds the moment as a whole."""
    gaps: Literal["missing", "zero"] = "missing"
    """Of a forecast: what a step without a row means: that nobody knows, or that nothing happened."""
    aggregate: Literal["sum", "mean"] | None = None
    """Of a forecast or of anomalies in time: how the rows of a series that fall into one step become one; None where
    each step has one row."""
    clusters: int | None = Field(default=None, ge=2, exclude_if=_is_unset)
    """Of a clustering: how many groups; None: as many as separate best."""
    contamination: float | None = Field(default=None, gt=0, le=0.5, exclude_if=_is_unset)
    """Of a search for anomalies: the share of the rows that counts as strange; None: told by the data."""
    window_steps: int | None = Field(default=None, ge=2, exclude_if=_is_unset)
    """Of anomalies in time: how many steps a row is looked at together with; None: a season that the numbers show,
    else 16."""

    @property
    def anomalies_in_time(self) -> bool:
        """Whether strange stretches of series are looked for, and not rows that are strange by themselves."""
        return self.type == "anomaly" and self.time is not None

    @property
    def of_series(self) -> bool:
        """Whether rows are steps of series, which need what came before them."""
        return self.type == "forecast" or self.anomalies_in_time


class TargetSpec(Contract):
    """The column to predict, by its name in the source."""

    table: str
    column: str
    positive: str | bool | int | float | None = None
    """The class of interest, as it stands in the clean table; None unless the task is binary."""
    sql: str | None = None
    """DuckDB expression over the base table that makes a derived target, from other joined tables too; `column` then
    names the result."""
    separator: str | None = Field(default=None, min_length=1, exclude_if=_is_unset)
    """Of several labels a row: what stands between two of them in a cell of `column`."""
    columns: list[str] = Field(default=[], exclude_if=_is_unset)
    """Of several labels a row: the columns of yes and no that are the labels; `column` then names the result."""
    labels: list[str] = Field(default=[], exclude_if=_is_unset)
    """Of the labels that cells list: those that are learned, as they are to be spelled. Case and white space do not
    count when they are looked for in a cell."""

    @property
    def is_made(self) -> bool:
        """Whether the SQL of the training table makes the target, instead of taking a column as it stands."""
        return self.sql is not None or self.separator is not None or bool(self.columns)

    @property
    def label_names(self) -> list[str]:
        """Of several labels a row: what they are called; else none."""
        return [*self.columns, *self.labels]

    @model_validator(mode="after")
    def _has_labels_of_one_kind(self) -> Self:
        if self.separator is not None and self.columns:
            raise ValueError(
                "`separator` is for one column that lists labels, `columns` are labels themselves: give one"
            )
        if (self.separator is not None or self.columns) and (self.sql is not None or self.positive is not None):
            raise ValueError("`sql` and `positive` are for one label a row, `separator` and `columns` for several")
        if self.labels and self.separator is None:
            raise ValueError("`labels` needs a `separator`: what stands between two of them in a cell")
        for name in self.label_names:
            if LABEL_JOINT in name or not name.strip():
                raise ValueError(f"{name!r} cannot be a label: it is empty or holds {LABEL_JOINT!r}")
        return self


class MetricSpec(Contract):
    """How the result is judged, and what was asked of it."""

    name: MetricName
    goal: Goal | None = None


class TableSpec(Contract):
    """A clean table that the training table is made of."""

    name: str
    files: list[str]
    """Paths below the source, `archive.zip!/member.csv` inside archives."""
    inner: str | None = None
    """Sheet, SQL table or JSON path inside the file."""
    key: list[str] = []


class JoinSpec(Contract):
    """How a table hangs on the base table, or on one that hangs there already.

    `cardinality` reads from `parent` (nearer to the base table) to `child`: "1:1" brings at most one row, "1:n"
    brings several rows that are aggregated, "n:1" looks a row up.
    """

    child: str
    parent: str
    child_columns: list[str]
    parent_columns: list[str]
    cardinality: Literal["1:1", "1:n", "n:1"]
    spelling: KeySpelling = "text"


class DroppedColumn(Contract):
    """A column that the model does not see, and why."""

    table: str
    column: str
    reason: str
    """`asked`, `leak: ...`, `identifier`, `constant`, `empty`, `personal data: ...`."""


class HistorySpec(Contract):
    """What earlier rows of the same entity say: means over its rows of strictly earlier days, by `task.time`."""

    entity: str
    """Column of the base table."""
    columns: list[str]
    """Columns of the base table whose past is taken, the target among them."""
    recent: int = Field(default=5, ge=1, le=1000)
    """How many of the entity's last days count as recent."""


class DataSpec(Contract):
    """Where the data are and which parts are used; the first table is the base table."""

    source: str
    tables: list[TableSpec] = []
    joins: list[JoinSpec] = []
    drop: list[DroppedColumn] = []
    keep: list[str] = []
    """`table.column` that stays although the evidence says leak."""
    history: list[HistorySpec] = []
    """Entities whose past is part of a row."""
    cutoff: str | None = None
    """Column of the base table (a time): rows of other tables count only when dated before it."""
    cutoff_sql: str | None = None
    """DuckDB expression over the base table that makes the column `cutoff` when the data hold no such column.

    Its variable `horizon_days` is `task.horizon_days` for training, and 0 for new data, which are looked at from
    their end.
    """
    snapshots: int = Field(default=1, ge=1, le=1000, exclude_if=_is_single)
    """Moments from which each row of the base table is looked at for training: `cutoff_sql`, and further ones before
    it, one `task.horizon_days` apart."""

    @model_validator(mode="after")
    def _snapshots_are_of_made_moments(self) -> Self:
        if self.snapshots > 1 and self.cutoff_sql is None:
            raise ValueError("`snapshots` above 1 needs `cutoff_sql`, which tells the last of these moments")
        return self

    @property
    def moments(self) -> list[str]:
        """The column that tells apart the rows which one row of the base table becomes; none where it stays one."""
        return [self.cutoff] if self.snapshots > 1 and self.cutoff is not None else []


class TrainingSpec(Contract):
    """How long and how the search runs."""

    budget_seconds: float = Field(default=300, gt=0)
    trials: int | None = Field(default=None, ge=1)
    """Fixed number of trials; the list of trials then does not depend on the clock."""
    memory_gb: float | None = Field(default=None, gt=0)
    """Gigabytes that the process of a training may hold; None: no cap."""
    max_predict_us: float | None = Field(default=None, gt=0)
    """Microseconds that a prediction may take for each row, on one core, in batches; None: no limit."""
    strategy: str = "auto"
    """How the search chooses what to try; a name of `automl list strategies`."""
    folds: int = Field(default=5, ge=2, le=20)
    validation: Validation = "stratified"
    holdout_from: date | None = None
    """Rows of this day and later, by `task.time`, are the holdout; None: a fifth of the rows."""
    interpretable: bool = False
    preprocessing: PreprocessingSpec | None = None
    models: list[str] | None = None
    """The only families of models that are tried, as `[xgboost, random_forest]`; None: those that suit."""
    threshold: Threshold = "f1"
    """How the decision threshold of a binary classifier is chosen."""
    cost_false_positive: float = Field(default=1.0, gt=0)
    cost_false_negative: float = Field(default=1.0, gt=0)
    top_k: int | None = Field(default=None, ge=1)


class DeploymentSpec(Contract):
    """What the service has to bear."""

    requests_per_day: float | None = Field(default=None, gt=0)
    p99_ms: float | None = Field(default=None, gt=0)
    """Milliseconds in which 99 of 100 requests of one row shall be answered; limits the model too (`predict_us`)."""
    inexact_backends: bool = Field(default=False, exclude_if=_is_false)
    """Whether ONNX Runtime may answer where it is the fastest: its answers may differ by 1e-5 of their size."""


class EvaluationPlots(Contract):
    """What is made when the model is judged on the holdout."""

    plots: list[PlotName] | None = None
    """The only pictures that are written beside the run; None: all that the task has."""


def _is_usual(value: Any) -> bool:
    return bool(value == EvaluationPlots())


class ProjectSpec(Contract):
    """Everything that a project is made from, besides the data and the seed's consequences."""

    version: Literal[1] = 1
    name: str
    request: str
    task: TaskSpec
    target: TargetSpec | None
    metric: MetricSpec
    data: DataSpec
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationPlots = Field(default=EvaluationPlots(), exclude_if=_is_usual)
    deployment: DeploymentSpec = DeploymentSpec()
    answers: dict[str, str] = {}
    seed: int = Field(default=0, ge=0, lt=2**31)

    @property
    def predict_us(self) -> float | None:
        """Microseconds that the model may take for each row, in batches; None: as long as it likes.

        What `training.max_predict_us` says, or a share of `deployment.p99_ms`: a row by itself takes up to eight times
        as long as one of a batch, and 99 of 100 requests shall find room for those before them. Groups, strange rows,
        several labels and forecasts are not limited by `p99_ms`.
        """
        if self.training.max_predict_us is not None or self.deployment.p99_ms is None:
            return self.training.max_predict_us
        return 1000 * self.deployment.p99_ms / _BATCHED if self.task.type in _LIMITED else None
