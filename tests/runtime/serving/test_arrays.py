"""Arrow IPC and npy, in and out."""

from __future__ import annotations

import io
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from automl_runtime.serving.scorer import Limits
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import MakeClient

ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
NPY = {"Content-Type": "application/x-npy"}
AS_JSON = {"Accept": "application/json"}
TABLE = pa.table(
    {
        "dose mg": pa.array([1500.0, 10.0, float("nan")]),
        "ward": pa.array(["A", None, "b"]),
        "admitted": pa.array([date(2021, 12, 31), None, date(2020, 1, 1)]),
        "smokes?": pa.array([True, False, True]),
    }
)
ROWS = [
    {"dose mg": 1500, "ward": "A", "admitted": "2021-12-31", "smokes?": True},
    {"dose mg": 10, "smokes?": False},
    {"dose mg": None, "ward": "b", "admitted": "01.01.2020", "smokes?": "yes"},
]


def stream_of(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as stream:
        stream.write_table(table, max_chunksize=100)
    return sink.getvalue()


def npy_of(array: Any) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=True)
    return sink.getvalue()


@pytest.mark.parametrize("times", [1, 80])
def test_arrow_is_answered_as_rows_are(client: TestClient, times: int) -> None:
    body = stream_of(pa.concat_tables([TABLE] * times))
    answer = client.post("/predict", content=body, headers=ARROW)
    assert answer.headers["content-type"] == ARROW["Content-Type"]
    table = pa.ipc.open_stream(answer.content).read_all()
    expected = client.post("/predict", json={"rows": ROWS * times}).json()["predictions"]
    assert table["label"].to_pylist() == [row["label"] for row in expected]
    assert table["probability_yes"].to_pylist() == [row["probabilities"]["yes"] for row in expected]
    assert client.post("/predict", content=body, headers=ARROW | AS_JSON).json()["predictions"] == expected


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("ward", pa.array(["A", None, "b"]).dictionary_encode()),
        ("ward", pa.array(["A", None, "b"], pa.large_string())),
        ("ward", pa.array(["A", None, "b"], pa.string_view())),
        ("dose mg", pa.array([1500, 10, None], pa.uint16())),
        ("dose mg", pa.array([1500, 10, None], pa.float32())),
        ("dose mg", pa.array([1500, 10, None], pa.decimal128(9, 2))),
        ("dose mg", pa.array(["$1,500", "10", ""])),
        ("admitted", pa.array([datetime(2021, 12, 31), None, datetime(2020, 1, 1)], pa.timestamp("s"))),
        ("admitted", pa.array([datetime(2021, 12, 31), None, datetime(2020, 1, 1)], pa.timestamp("ns"))),
        ("admitted", pa.array([date(2021, 12, 31), None, date(2020, 1, 1)], pa.date64())),
    ],
)
def test_other_types_mean_the_same(client: TestClient, name: str, array: pa.Array) -> None:
    table = TABLE.set_column(TABLE.column_names.index(name), name, array)
    answers = [client.post("/predict", content=stream_of(t), headers=ARROW | AS_JSON).json() for t in (TABLE, table)]
    assert answers[0]["predictions"] == answers[1]["predictions"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (TABLE.set_column(1, "ward", pa.array([["A"]] * 3)), "list<"),
        (TABLE.set_column(1, "ward", pa.array([b"A"] * 3)), "binary"),
        (TABLE.append_column("ward", TABLE["ward"]), "stands twice"),
        (TABLE.drop_columns(["smokes?"]), "left out"),
        (TABLE.rename_columns(["dose mg", "Ward", "admitted", "smokes?"]), "Did you mean 'ward'"),
        (TABLE.set_column(2, "admitted", pa.array([time(5)] * 3)), "is not"),
        (TABLE.set_column(2, "admitted", pa.array([10**12] * 3, pa.timestamp("s"))), "years 1 to 9999"),
        (TABLE.set_column(2, "admitted", pa.array([2**62] * 3, pa.timestamp("s"))), "admitted"),
        (TABLE.set_column(2, "admitted", pa.array([2**31 - 1] * 3, pa.int32()).cast(pa.date32())), "years 1 to 9999"),
        (TABLE.set_column(3, "smokes?", pa.nulls(3)), "null is not"),
        (TABLE.set_column(0, "dose mg", pa.array([float("inf")] * 3)), "is not"),
    ],
)
def test_columns_that_are_none_of_the_model_are_refused(client: TestClient, table: pa.Table, words: str) -> None:
    refused = client.post("/predict", content=stream_of(table), headers=ARROW)
    assert refused.status_code == 422
    assert words in refused.json()["detail"][0]["message"]


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_buffers_that_are_compressed_are_refused(client: TestClient, compression: str) -> None:
    big = pa.concat_tables([TABLE] * 50)
    tables = [big, TABLE.set_column(1, "ward", pa.array([f"ward {n}" * 9 for n in range(3)]).dictionary_encode())]
    for table in tables:
        refused = client.post("/predict", content=stream_of(table, compression=compression), headers=ARROW)
        assert refused.status_code == 422
        assert "use Content-Encoding instead" in refused.json()["detail"][0]["message"]


def test_npy_is_a_matrix_of_all_columns(make_client: MakeClient) -> None:
    client = make_client(task="regression", classes=[])
    matrix = np.array([[5, np.nan, np.nan, 1], [7, np.nan, np.nan, 0]])
    for array in (matrix, np.asfortranarray(matrix), matrix.astype("<f4"), matrix.astype(">f8")):
        answer = client.post("/predict", content=npy_of(array), headers=NPY)
        assert (answer.status_code, answer.headers["content-type"]) == (200, NPY["Content-Type"])
        assert np.load(io.BytesIO(answer.content)).tolist() == [10.0, 14.0]


def test_npy_answers_hold_the_probabilities(client: TestClient) -> None:
    answer = client.post("/predict", json={"rows": ROWS}, headers={"Accept": "application/x-npy"})
    shares = np.load(io.BytesIO(answer.content))
    expected = client.post("/predict", json={"rows": ROWS}).json()["predictions"]
    assert shares.tolist() == [[*row["probabilities"].values()] for row in expected]


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(4),
        np.zeros((2, 3)),
        np.zeros((1, 2, 2)),
        np.zeros((1, 4), dtype=complex),
        np.array([["a", "b", "c", "d"]]),
        np.array([[1, "b", None, 2]], dtype=object),
        np.zeros((1, 4), dtype="M8[s]"),
        np.array([[1.0, 2.0, 3.0, 4.0]]),
    ],
)
def test_npy_that_is_no_such_matrix_is_refused(client: TestClient, array: Any) -> None:
    assert client.post("/predict", content=npy_of(array), headers=NPY).status_code == 422


def test_too_many_rows_are_refused(make_client: MakeClient) -> None:
    client = make_client(limits=Limits(rows=2))
    assert client.post("/predict", content=stream_of(TABLE), headers=ARROW).status_code == 413
    assert client.post("/predict", content=npy_of(np.zeros((3, 4))), headers=NPY).status_code == 413


WHOLE = {"arrow": (stream_of(TABLE), ARROW), "npy": (npy_of(np.zeros((3, 4))), NPY)}


@pytest.mark.parametrize("kind", WHOLE)
def test_bodies_that_end_early_or_are_changed_are_never_our_fault(client: TestClient, kind: str) -> None:
    whole, headers = WHOLE[kind]

    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, len(whole)), st.integers(0, len(whole) - 1), st.integers(0, 255))
    def check(end: int, place: int, value: int) -> None:
        changed = bytearray(whole)
        changed[place] = value
        for body in (whole[:end], bytes(changed), bytes(changed) + whole[:end]):
            assert client.post("/predict", content=body, headers=headers).status_code in (200, 413, 422)

    check()
