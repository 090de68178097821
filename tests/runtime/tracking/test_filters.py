from __future__ import annotations

import pytest
from automl_runtime.errors import RequestError
from automl_runtime.tracking.filters import parse_filter
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, create_engine, insert, select

RUNS = Table(
    "run",
    MetaData(),
    *(Column(name, kind) for name, kind in (("name", String), ("cv", Float), ("trials", Integer), ("status", String))),
)
ROWS = [
    {"name": "a", "cv": 0.9, "trials": 3, "status": "completed"},
    {"name": "b", "cv": 0.5, "trials": 30, "status": "completed"},
    {"name": "c", "cv": None, "trials": 0, "status": "failed"},
    {"name": "it's 100%", "cv": -1.5, "trials": 1, "status": "cancelled"},
]


@pytest.fixture(scope="module")
def found():
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        RUNS.metadata.create_all(connection)
        connection.execute(insert(RUNS), ROWS)
        columns = {column.name: column for column in RUNS.columns}

        def names(condition: str) -> str:
            query = select(RUNS.c.name).where(parse_filter(condition, columns))
            return "".join(name[0] for name in connection.execute(query).scalars())

        yield names
    engine.dispose()


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("cv > 0.8", "a"),
        ("CV>=.5", "ab"),
        ("cv = 0.9 or trials=0", "ac"),
        ("cv > 0.1 and status = completed or name = c", "abc"),
        ("cv > 0.1 and (status = failed or trials > 10)", "b"),
        ("not status = completed", "ci"),
        ("not (cv > 0.8 or cv < 0)", "b"),
        ("not not cv > 0.8", "a"),
        ("cv = none", "c"),
        ("cv != null and trials <= 3", "ai"),
        ("status in (failed, cancelled)", "ci"),
        ("trials in (3, 30)", "ab"),
        ("cv == -1.5", "i"),
        ('name = "it\'s 100%"', "i"),
        ("name ~ 'S 1'", "i"),
        ("name ~ %", "i"),
        ("status != completed", "ci"),
        ("name = \"a' OR '1'='1\"", ""),
    ],
)
def test_conditions(found, condition, names):
    assert found(condition) == names


@pytest.mark.parametrize(
    ("condition", "position", "reason"),
    [
        ("", 1, "a field is expected here: name, cv, trials, status"),
        ("cv 0.8", 4, "a comparison is expected after `cv`"),
        ("cv >", 5, "a value is expected here"),
        ("cv > high", 6, "`cv` is a number, and this is none"),
        ("cv > 0.8 status = failed", 10, "`and`, `or` or the end is expected here"),
        ("cv > 0.8 and", 13, "a field is expected here"),
        ("(cv > 0.8", 10, r"`\)` is expected here"),
        ("cvv > 0.8", 1, "no field of this name; did you mean `cv`?"),
        ("1 = 1", 1, "no field of this name"),
        ("cv > none", 6, "`none` can be compared with = and != only"),
        ("cv ~ 8", 6, "`cv` is a number, and `~` looks into text"),
        ("status in failed", 11, r"`\(` is expected after `in`"),
        ("status in (failed", 18, r"`,` or `\)` is expected here"),
        ("status = 'failed", 10, "a value is expected here"),
        ("status = failed; DROP TABLE run", 18, "`and`, `or` or the end"),
        ("not " * 200 + "cv > 1", 205, "too many parentheses"),
    ],
)
def test_what_is_not_understood_is_pointed_at(found, condition, position, reason):
    with pytest.raises(RequestError, match=f"at position {position}: .*{reason}") as error:
        found(condition)
    window, caret = error.value.hint.split("\n  ")
    assert caret.index("^") == min(position - 1, 60)
    assert len(window) <= 100
