from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from automl_runtime.data.reading import write_raw
from automl_runtime.data.tables import RawTable


def written(tmp_path: Path, data: dict[str, list[object]], **fields: object) -> str:
    [path] = write_raw([RawTable("t", "t.csv", pa.table(data), **fields)], tmp_path / "new" / "out")  # type: ignore[arg-type]
    assert path == tmp_path / "new" / "out" / "t.csv"
    return path.read_bytes().decode("utf-8")


def test_the_header_is_written_as_found(tmp_path: Path) -> None:
    text = written(tmp_path, {"a": ["1"], "col_1": [" x "], "a (2)": [None]}, raw_header=(" a", "", "a"))
    assert text == " a,,a\r\n1, x ,\r\n"


def test_numbers_stand_for_missing_names(tmp_path: Path) -> None:
    assert written(tmp_path, {"x": ["1"], "y": ["2"]}, names_from="generated") == "col_0,col_1\r\n1,2\r\n"
    assert written(tmp_path, {"x": ["1"], "y": ["2"]}, names_from="names_file") == "col_0,col_1\r\n1,2\r\n"


def test_cells_are_quoted_where_rfc_4180_asks_for_it(tmp_path: Path) -> None:
    text = written(tmp_path, {"a": ['say "x"', "b,c", "d\ne", "=1+2"]}, raw_header=("a",))
    assert text == 'a\r\n"say ""x"""\r\n"b,c"\r\n"d\ne"\r\n=1+2\r\n'


def test_typed_values_become_plain_text(tmp_path: Path) -> None:
    values: dict[str, list[object]] = {
        "whole": [3.0, None],
        "number": [0.25, 1e300],
        "flag": [True, False],
        "day": [date(2021, 6, 30), None],
        "when": [datetime(2021, 6, 30), datetime(2021, 6, 30, 9, 15)],
        "at": [time(9, 15), None],
        "money": [Decimal("1.50"), None],
        "raw": [b"x\xff", None],
    }
    assert written(tmp_path, values, names_from="format").splitlines() == [
        "whole,number,flag,day,when,at,money,raw",
        "3,0.25,true,2021-06-30,2021-06-30,09:15:00,1.50,x\\xff",
        ",1e+300,false,,2021-06-30 09:15:00,,,",
    ]
