"""The training table of series: one row for each series and step, whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.data.assemble import assemble
from automl_runtime.data.catalog import discover
from automl_runtime.data.holdout import sealed_rows
from automl_runtime.errors import DataError, RequestError
from automl_schemas.spec import DataSpec, MetricSpec, ProjectSpec, TableSpec, TargetSpec, TaskSpec


def spec_of(table="sales", key=(), **task):
    return ProjectSpec(
        name="sales",
        request="forecast sales",
        task=TaskSpec(**({"type": "forecast", "time": "at", "frequency": "day", "horizon": 2} | task)),
        target=TargetSpec(table=table, column="sold"),
        metric=MetricSpec(name="rmse"),
        data=DataSpec(source=".", tables=[TableSpec(name=table, files=[f"{table}.csv"], key=list(key))]),
    )


@pytest.fixture
def found(tmp_path):
    rng = np.random.default_rng(0)
    at = pd.date_range("2024-01-01 06:00", periods=400, freq="5h")
    rows = pd.DataFrame({
        "at": at.strftime("%Y-%m-%d %H:%M"), "shop": rng.choice(["a", "b"], 400),
        "sold": (rng.random(400) * 10).round(3), "price": rng.choice([1.5, 2.5], 400),
    })  # fmt: skip
    rows.loc[[3, 7], "shop"] = None
    rows.to_csv(tmp_path / "sales.csv", index=False)
    return discover(tmp_path), rows.assign(day=at.normalize())


def table_of(found, **task):
    discovery, _ = found
    return assemble(spec_of(**task), discovery.catalog, discovery.tables)


@pytest.mark.parametrize("how", ["sum", "mean"])
def test_the_rows_of_a_step_become_one(found, how):
    made = table_of(found, aggregate=how).frame
    wanted = found[1].groupby("day")["sold"].agg(how)
    wanted = wanted[: len(made)]
    np.testing.assert_allclose(made["sold"], wanted, rtol=1e-9)
    assert made["at"].tolist() == wanted.index.tolist()


def test_rows_without_a_series_are_left_out(found):
    made = table_of(found, aggregate="sum", series=["shop"], known_ahead=["price"])
    assert made.frame.columns.tolist() == ["at", "shop", "price", "sold"]
    kept = found[1].dropna(subset=["shop"])
    kept = kept[kept["day"].isin(made.frame["at"])]
    assert made.frame["sold"].sum() == pytest.approx(kept["sold"].sum())
    assert made.frame[["shop", "at"]].equals(made.frame[["shop", "at"]].sort_values(["shop", "at"]))


def test_a_step_that_has_only_begun_is_left_out(found):
    _, rows = found
    last = pd.Timestamp(rows["at"].iloc[-1])
    made = table_of(found, aggregate="sum", frequency="week").frame
    week = last.normalize() - pd.Timedelta(days=last.day_of_week)
    assert made["at"].max() == (
        week - pd.Timedelta(weeks=1) if (last + pd.Timedelta(hours=1)) < week + pd.Timedelta(weeks=1) else week
    )


@pytest.mark.parametrize("frequency", ["6 hours", "week", "month"])
def test_steps_begin_where_the_grid_says(found, frequency):
    at = table_of(found, aggregate="sum", frequency=frequency).frame["at"]
    begins = {"6 hours": at.dt.hour % 6 == 0, "week": at.dt.day_of_week == 0, "month": at.dt.day == 1}[frequency]
    assert begins.all()
    assert at.is_unique


def test_a_moment_is_made_of_columns(tmp_path):
    rows = [f"{2020 + number // 12},{number % 12 + 1},{number}" for number in range(40)]
    (tmp_path / "sales.csv").write_text("yy,mm,sold\n" + "\n".join(rows) + "\n")
    discovery = discover(tmp_path)
    spec = spec_of(time="moment", time_sql='make_timestamp("yy", "mm", 1, 0, 0, 0.0)', frequency="month")
    made = assemble(spec, discovery.catalog, discovery.tables)
    assert made.frame["moment"].tolist() == pd.date_range("2020-01-01", periods=40, freq="MS").tolist()
    assert next(column for column in made.columns if column.name == "moment").type == "datetime"


@pytest.mark.parametrize("name", ["sales", "known", "steps"])
def test_steps_without_a_row_become_zeros_when_told_so(tmp_path, name):
    rows = ["2024-01-01,a,5", "2024-01-04,a,2", "2024-01-02,b,1", "2024-01-03,b,3", "2024-01-05,a,", "2024-01-05,b,"]
    (tmp_path / f"{name}.csv").write_text("at,shop,sold\n" + "\n".join(rows) + "\n")
    discovery = discover(tmp_path)
    made = assemble(spec_of(name, series=["shop"], gaps="zero"), discovery.catalog, discovery.tables)
    found = [(shop, at.day, sold) for at, shop, sold in made.frame.itertuples(index=False)]
    # The fifth is still to come: its target is not known, and no zero.
    assert found == [("a", 1, 5), ("a", 2, 0), ("a", 3, 0), ("a", 4, 2), ("b", 2, 1), ("b", 3, 3), ("b", 4, 0)]
    assert made.without_target["at"].dt.day.tolist() == [5, 5]


def test_a_name_that_no_table_has_is_refused(found):
    with pytest.raises(RequestError, match="weather"):
        table_of(found, aggregate="sum", known_ahead=["weather"])
    with pytest.raises(RequestError, match="town"):
        table_of(found, aggregate="sum", series=["town"])


def test_the_holdout_is_the_end_of_the_grid(found):
    made = table_of(found, aggregate="sum")
    sealed = sealed_rows(made.frame, spec_of(aggregate="sum"), made.columns)
    assert made.frame["at"][sealed].tolist() == sorted(made.frame["at"])[-2:]
    with pytest.raises(DataError, match="none is left"):
        sealed_rows(made.frame, spec_of(horizon=500), made.columns)


@pytest.fixture
def watched(tmp_path):
    """Two gauges in hours, some moments twice, a list of where they stand, and a label in words."""
    at = pd.date_range("2024-01-01", periods=60, freq="h")
    rows = pd.concat(
        [
            pd.DataFrame({"at": at, "gauge": gauge, "bar": base + np.arange(60) % 24, "valve": ["open", "shut"] * 30,
                          "alarm": np.where(np.arange(60) == 40, "yes", "no")})
            for gauge, base in (("g1", 10), ("g2", 50))
        ]
    )  # fmt: skip
    again = rows.iloc[:2].assign(bar=[13, 14], valve="shut")
    pd.concat([rows, again]).to_csv(tmp_path / "gauges.csv", index=False)
    return discover(tmp_path)


def gauges(**task):
    spec = spec_of("gauges", type="anomaly", horizon=None, series=["gauge"], frequency="hour", **task)
    return spec.model_copy(update={"target": TargetSpec(table="gauges", column="alarm")})


def test_anomalies_in_time_see_every_column_and_the_label_in_its_words(watched):
    made = assemble(gauges(), watched.catalog, watched.tables).frame
    assert made.columns.tolist() == ["at", "gauge", "bar", "valve", "alarm"]
    assert len(made) == 122
    assert made["alarm"].value_counts().to_dict() == {"no": 120, "yes": 2}


def test_numbers_of_moments_that_come_twice_are_averaged_and_are_no_whole_numbers(watched):
    made = assemble(gauges(aggregate="mean"), watched.catalog, watched.tables)
    first = made.frame[made.frame["gauge"] == "g1"].head(2)
    assert first["bar"].tolist() == [11.5, 12.5]
    assert first["valve"].tolist() == ["shut", "shut"]
    assert (len(made.frame), (made.frame["alarm"] == "yes").sum()) == (120, 2)
    kinds = {column.name: (column.type, column.plan.type) for column in made.columns}
    assert kinds["bar"] == ("number", "number")


def test_a_column_that_is_no_label_is_looked_at(watched):
    spec = gauges().model_copy(update={"target": None})
    assert "alarm" in assemble(spec, watched.catalog, watched.tables).frame.columns
