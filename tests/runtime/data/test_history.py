"""The past of an entity: strictly earlier days, whatever the order of the rows; found where entities come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from automl_runtime.data.assemble import Assembled, assemble
from automl_runtime.data.cleaning import CleanTable
from automl_runtime.data.history import find_histories, history_question
from automl_runtime.data.lineage import lineage_of
from automl_runtime.errors import RequestError
from automl_schemas.catalog import DataCatalog
from automl_schemas.spec import DroppedColumn, HistorySpec, ProjectSpec

from tests.runtime.data.test_assemble import found, spec_of


def _heats(days: int = 12, riders: int = 30) -> dict[str, dict[str, list[str]]]:
    """Every rider has two heats a day; the rider's number says how fast, the laps are known afterwards."""
    rows = [(day, rider, heat) for day in range(days) for rider in range(riders) for heat in range(2)]
    return {
        "heats": {
            "heat_id": [f"H{number}" for number in range(len(rows))],
            "rider": [f"R{rider}" for _, rider, _ in rows],
            "held": [f"2024-03-{1 + day:02d} 1{heat}:00" for day, _, heat in rows],
            "laps": [str(40 + (7 * day + rider) % 13) for day, rider, _ in rows],
            "place": [str(1 + (rider + 3 * day + heat) % riders) for day, rider, heat in rows],
        }
    }


def _spec(catalog: DataCatalog, **changes: Any) -> ProjectSpec:
    spec = spec_of(catalog, "heats", "place", time="held")
    task = spec.task.model_copy(update={"type": "regression"})
    data = spec.data.model_copy(update=changes)
    return spec.model_copy(update={"task": task, "data": data})


@pytest.fixture(scope="module")
def heats() -> tuple[DataCatalog, dict[str, CleanTable]]:
    return found(_heats())


@pytest.fixture(scope="module")
def past(heats: tuple[DataCatalog, dict[str, CleanTable]]) -> Assembled:
    catalog, tables = heats
    history = [HistorySpec(entity="rider", columns=["place", "laps"], recent=2)]
    drop = [DroppedColumn(table="heats", column="laps", reason="leak: asked")]
    return assemble(_spec(catalog, history=history, drop=drop), catalog, tables)


def test_a_row_sees_strictly_earlier_days_of_its_entity(past: Assembled) -> None:
    frame = past.frame
    raw = _heats()["heats"]
    laps = dict(zip(raw["heat_id"], map(float, raw["laps"]), strict=True))
    for row in frame.sample(40, random_state=0).to_dict("records"):
        same = frame[(frame["rider"] == row["rider"]) & (frame["held"].dt.floor("D") < row["held"].floor("D"))]
        assert row["rider_history.past_count"] == len(same)
        last = same[same["held"].dt.floor("D").isin(sorted(same["held"].dt.floor("D").unique())[-2:])]
        for name, rows in (("recent_mean", last), ("past_mean", same)):
            np.testing.assert_allclose(row[f"rider_history.place.{name}"], rows["place"].mean(), equal_nan=True)
            expected = np.mean([laps[heat] for heat in rows["heat_id"]]) if len(rows) else np.nan
            np.testing.assert_allclose(row[f"rider_history.laps.{name}"], expected, equal_nan=True)
    assert "laps" not in frame.columns


def test_the_first_day_has_no_past(past: Assembled) -> None:
    first = past.frame[past.frame["held"].dt.day == 1]
    assert (first["rider_history.past_count"] == 0).all()
    assert first["rider_history.place.past_mean"].isna().all()


def test_what_happens_later_changes_nothing(heats: tuple[DataCatalog, dict[str, CleanTable]], past: Assembled) -> None:
    changed = _heats()
    late = [moment >= "2024-03-07" for moment in changed["heats"]["held"]]
    cells = zip(changed["heats"]["place"], late, strict=True)
    changed["heats"]["place"] = ["1" if after else place for place, after in cells]
    catalog, tables = found(changed)
    again = assemble(_spec(catalog, history=[HistorySpec(entity="rider", columns=["place"])]), catalog, tables)
    known = assemble(_spec(heats[0], history=[HistorySpec(entity="rider", columns=["place"])]), *heats)
    early = again.frame["held"] < "2024-03-08"
    assert again.frame[early].filter(like="_history").equals(known.frame[early].filter(like="_history"))


def test_a_row_without_its_entity_or_day_has_no_past() -> None:
    rows = _heats()
    rows["heats"]["rider"][-1] = ""
    rows["heats"]["held"][-2] = ""
    catalog, tables = found(rows)
    frame = assemble(_spec(catalog, history=[HistorySpec(entity="rider", columns=["place"])]), catalog, tables).frame
    odd = frame[frame["rider"].isna() | frame["held"].isna()]
    assert len(odd) == 2
    assert odd.filter(like="_history").isna().all(axis=None)


def test_a_yes_or_no_is_averaged_as_the_share_of_the_positive_class() -> None:
    rows = _heats()
    rows["heats"]["place"] = ["won" if place == "1" else "lost" for place in rows["heats"]["place"]]
    catalog, tables = found(rows)
    spec = _spec(catalog, history=[HistorySpec(entity="rider", columns=["place"])])
    assert spec.target is not None
    target = spec.target.model_copy(update={"positive": "won"})
    frame = assemble(spec.model_copy(update={"target": target}), catalog, tables).frame
    last = frame[(frame["rider"] == "R3") & (frame["held"].dt.day == 12)].iloc[0]
    before = frame[(frame["rider"] == "R3") & (frame["held"].dt.day < 12)]
    assert last["rider_history.place.past_mean"] == pytest.approx((before["place"] == "won").mean())


def test_entities_that_come_back_are_found(heats: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    catalog, tables = heats
    leak = DroppedColumn(table="heats", column="laps", reason="leak: named like a result")
    spec = _spec(catalog, drop=[leak])
    assembled = assemble(_spec(catalog), catalog, tables)
    train = np.ones(len(assembled.frame), dtype=bool)
    assert find_histories(assembled, train, spec) == [HistorySpec(entity="rider", columns=["place", "laps"])]
    assert "`rider`" in history_question(spec, find_histories(assembled, train, spec)).text


@pytest.mark.parametrize("change", ["cutoff", "horizon", "once", "classes"])
def test_there_is_no_history_where_outcomes_come_too_late_or_nobody_comes_back(change: str) -> None:
    rows = _heats()
    if change == "once":
        rows["heats"]["rider"] = [f"R{number}" for number in range(len(rows["heats"]["rider"]))]
    catalog, tables = found(rows)
    spec = _spec(catalog)
    assembled = assemble(spec, catalog, tables)
    task = {"horizon": {"horizon_days": 30.0}, "classes": {"type": "multiclass"}}.get(change, {})
    data = spec.data.model_copy(update={"cutoff": "held"} if change == "cutoff" else {})
    spec = spec.model_copy(update={"task": spec.task.model_copy(update=task), "data": data})
    assert find_histories(assembled, np.ones(len(assembled.frame), dtype=bool), spec) == []


def test_a_history_without_a_time_is_refused(heats: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    catalog, tables = heats
    spec = _spec(catalog, history=[HistorySpec(entity="rider", columns=["place"])])
    timeless = spec.model_copy(update={"task": spec.task.model_copy(update={"time": None})})
    with pytest.raises(RequestError, match=r"data.history` needs `task.time`"):
        assemble(timeless, catalog, tables)


def test_lineage_says_what_the_past_is(heats: tuple[DataCatalog, dict[str, CleanTable]], past: Assembled) -> None:
    lineage = lineage_of(heats[0], past.columns, [])
    steps = {column.column: column.steps[-1] for column in lineage.training_table}
    assert "last days with rows of the same rider" in steps["rider_history.place.recent_mean"]
    assert steps["rider_history.past_count"] == "number of rows of the same rider on earlier days"
