from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from automl_runtime.data.parsing import clean_values
from automl_runtime.data.plans import infer_plan
from automl_runtime.data.profiling import profile_column
from automl_runtime.data.review import reject_items, review_items
from automl_schemas.catalog import DataCatalog, TableEntry

COLUMNS = {
    "price": ["$1,234.50", "$5.00", "N/A"] * 10,
    "share": ["15 %", "7 %"] * 15,
    "seen": ["31.12.2021", "2021-05-06", "-"] * 10,
    "color": ["red", "Red", "blue"] * 10,
    "member": ["yes", "no"] * 15,
    "opening": [f"{hour}:30" for hour in range(10, 20)] * 3,
    "closing_time": [str(hour * 100 + 30) for hour in range(24)] * 2,
    "created_at": [str(1_600_000_000 + 90_000 * i) for i in range(30)],
    "temperature": ["-999"] * 5 + [str(i) for i in range(25)],
    "plain": ["1", "2", "3"] * 10,
}


def entries():
    columns = []
    for position, (name, cells) in enumerate(COLUMNS.items()):
        raw = pa.array(cells)
        plan = infer_plan(name, raw)
        columns.append(profile_column(raw, clean_values(raw, plan), plan, position))
    return TableEntry(name="sales", files=["sales.csv"], rows_read=30, rows=30, duplicate_rows=0, columns=columns)


def test_every_step_is_an_item():
    items = review_items(DataCatalog(files=[], tables=[entries()]))
    assert [item.id for item in items] == [
        "sales.price:number",
        "sales.price:missing",
        "sales.share:percent",
        "sales.seen:dates",
        "sales.seen:missing",
        "sales.color:categories",
        "sales.member:boolean",
        "sales.opening:time",
        "sales.closing_time:time",
        "sales.created_at:epoch",
        "sales.temperature:sentinel",
    ]
    assert items == review_items([entries()])
    assert all(item.source and item.result and 1 <= len(item.examples) <= 3 for item in items)


def test_an_item_says_from_what_to_what():
    items = {item.id: item for item in review_items([entries()])}
    price = items["sales.price:number"]
    assert (price.source, price.result, price.count) == ("text with unit $, thousands separator ','", "number", 20)
    assert [(one.before, one.after) for one in price.examples] == [("$1,234.50", "1234.5"), ("$5.00", "5")]
    missing = items["sales.price:missing"]
    assert (missing.source, missing.result, missing.count) == ("cells N/A", "null", 10)
    assert [(one.before, one.after) for one in missing.examples] == [("N/A", None)]
    assert items["sales.temperature:sentinel"].source == "numbers -999"


@pytest.mark.parametrize(
    ("name", "rejected", "clean"),
    [
        ("price", ["number"], "$1,234.50"),
        ("price", ["sales.price:all"], "$1,234.50"),
        ("price", ["missing"], 1234.5),
        ("price", [], 1234.5),
        ("price", ["dates"], 1234.5),
        ("seen", ["sales.seen:dates"], "31.12.2021"),
        ("seen", ["missing"], date(2021, 12, 31)),
        ("color", ["categories"], "red"),
        ("member", ["boolean"], "yes"),
        ("temperature", ["sentinel"], -999),
        ("created_at", ["epoch"], "1600000000"),
    ],
)
def test_rejected_items_are_off(name, rejected, clean):
    raw = pa.array(COLUMNS[name])
    plan = reject_items(infer_plan(name, raw), rejected)
    assert clean_values(raw, plan).values[0].as_py() == clean


def test_rejected_markers_are_rejected_cells():
    raw = pa.array(COLUMNS["price"])
    plan = reject_items(infer_plan("price", raw), ["missing"])
    assert clean_values(raw, plan).rejected.sum() == 10
