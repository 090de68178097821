"""What is read and answered besides JSON rows, and what is refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import Any

import pytest
import zstandard
from automl_runtime.serving.scorer import Limits
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import MakeClient

ROWS = [
    {"dose mg": "$1,500", "ward": "A", "admitted": "31.12.2021", "smokes?": "yes"},
    {"dose mg": "10", "ward": "b", "admitted": "2021-12-31", "smokes?": "no"},
    {"dose mg": "", "ward": "A, left", "admitted": "", "smokes?": "y"},
]
NAMES = [*ROWS[0]]
CSV = {"Content-Type": "text/csv"}


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"columns": {name: [row[name] for row in rows] for name in rows[0]}}


def told(client: TestClient, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = client.post("/predict", json={"rows": rows})
    assert answer.status_code == 200, answer.text
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions


@pytest.mark.parametrize("times", [1, 50])
def test_columns_and_csv_are_answered_as_rows_are(client: TestClient, times: int) -> None:
    rows = ROWS * times
    expected = told(client, rows)
    assert client.post("/predict", json=as_columns(rows)).json()["predictions"] == expected
    for delimiter in ",;\t|":
        body = as_csv(rows, delimiter)
        for content in (body, b"\xef\xbb\xbf" + body, body.replace(b"\r\n", b"\n")):
            answer = client.post("/predict", content=content, headers=CSV | {"Accept": "application/json"})
            assert answer.json()["predictions"] == expected


def test_csv_is_answered_in_csv_unless_something_else_is_wanted(client: TestClient) -> None:
    answer = client.post("/predict", content=as_csv(ROWS), headers=CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["x-model-version"] == "v007"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    for row, prediction in zip(rows, told(client, ROWS), strict=True):
        assert row["label"] == prediction["label"]
        assert float(row["probability_yes"]) == prediction["probabilities"]["yes"]
    for accept, kind in [
        ("text/csv;q=0.5, application/json", "application/json"),
        ("application/*", "application/json"),
        ("text/*, application/json;q=0.9", "text/csv; charset=utf-8"),
        ("*/*", "text/csv; charset=utf-8"),
    ]:
        wanted = client.post("/predict", content=as_csv(ROWS), headers=CSV | {"Accept": accept})
        assert (wanted.status_code, wanted.headers["content-type"]) == (200, kind)
    assert client.post("/predict", json=ROWS[0], headers={"Accept": "text/csv"}).text.startswith('"label"')


def test_a_header_alone_is_no_rows(client: TestClient) -> None:
    answer = client.post("/predict", content=",".join(NAMES), headers=CSV)
    assert (answer.status_code, answer.text.strip()) == (200, '"label","probability_no","probability_yes"')
    assert client.post("/predict", json={"columns": {"smokes?": []}}).json()["predictions"] == []


@pytest.mark.parametrize(
    ("body", "row", "column", "words"),
    [
        (b"", None, None, "no header"),
        (b"smokes?,Ward\nyes,A\n", None, "Ward", "Did you mean 'ward'"),
        (b"ward\nA\n", None, "smokes?", "is left out"),
        (b"smokes?,ward,ward\nyes,A,B\n", None, "ward", "stands twice in the header"),
        (b"smokes?,ward\nyes,A\nyes\n", 1, None, "1 cells, the header 2"),
        (b"smokes?,ward\nyes,A,B\n", 0, None, "3 cells"),
        (b"smokes?,dose mg\nyes,1\nyes,plenty\n", 1, "dose mg", "plenty"),
        (b"smokes?\nyes\n\xff\xfe\n", None, None, "UTF-8"),
        ("smokes?\nyes".encode("utf-16"), None, None, "UTF-8"),
        (b"smokes?," + b"x," * 50_000, None, "x", "not a column"),
    ],
)
def test_csv_that_cannot_be_read_is_refused(
    client: TestClient, body: bytes, row: int | None, column: str | None, words: str
) -> None:
    refused = client.post("/predict", content=body, headers=CSV)
    assert refused.status_code == 422
    problem = refused.json()["detail"][0]
    assert (problem["row"], problem["column"]) == (row, column)
    assert words in problem["message"]


def test_a_csv_header_without_an_end_is_refused(client: TestClient) -> None:
    # As one that cannot be read, or as a column that there is not: by what the process lets csv take.
    assert client.post("/predict", content=b'"' + b"x" * 200_000, headers=CSV).status_code == 422


@pytest.mark.parametrize(
    ("columns", "column", "words"),
    [
        ({"smokes?": ["yes", "no"], "ward": ["A"]}, "ward", "1 values, another column 2"),
        ({"smokes?": "yes"}, "smokes?", "a text"),
        ({"smokes?": ["yes"], "Ward": ["A"]}, "Ward", "Did you mean 'ward'"),
        ({"ward": ["A"]}, "smokes?", "left out"),
        ({"smokes?": [["yes"]]}, "smokes?", "['yes'] is not"),
        ({"smokes?": [None] * 100}, "smokes?", "null is not"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    client: TestClient, columns: dict[str, Any], column: str, words: str
) -> None:
    refused = client.post("/predict", json={"columns": columns})
    assert refused.status_code == 422
    problem = refused.json()["detail"][0]
    assert problem["column"] == column
    assert words in problem["message"]


def test_too_many_rows_are_refused_in_every_form(make_client: MakeClient) -> None:
    client = make_client(limits=Limits(rows=100))
    rows = ROWS * 34
    for refused in (
        client.post("/predict", json=as_columns(rows)),
        client.post("/predict", content=as_csv(rows), headers=CSV),
    ):
        assert refused.status_code == 413
        assert refused.json()["detail"][0]["allowed"] == "at most 100 rows"


def test_a_key_that_stands_twice_is_found_beside_colons_in_texts(client: TestClient) -> None:
    for body in (
        b'{"columns": {"smokes?": ["no"], "ward": ["12:30"], "ward": ["B"]}}',
        b'{"smokes?" :"no","ward":"A","ward":"B","admitted":"31.12.2021"}',
        b'{"smokes?":"no","ward":"a\\":b","ward":"B"}',
    ):
        refused = client.post("/predict", content=body)
        assert (refused.status_code, refused.json()["detail"][0]["column"]) == (422, "ward")
    assert client.post("/predict", content=b'{"smokes?" : "no", "ward": "\\":"}').status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "allowed"),
    [
        ({"Content-Type": "application/xml"}, 415, "application/json, text/csv, application/vnd"),
        ({"Content-Type": "application/json; charset=latin-1"}, 415, "utf-8"),
        ({"Content-Type": "\xff;;;=;"}, 415, "application/json"),
        ({"Accept": "image/png"}, 406, "application/json, text/csv"),
        ({"Accept": "application/json;q=0"}, 406, "application/json"),
        ({"Accept": "text/csv;q=much"}, 406, "application/json"),
        ({"Content-Encoding": "br"}, 415, "gzip, zstd"),
        ({"Content-Encoding": "gzip, gzip"}, 415, "gzip, zstd"),
    ],
)
def test_other_forms_are_refused_with_what_is_allowed(
    client: TestClient, headers: dict[str, str], status: int, allowed: str
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    refused = client.post("/predict", content=json.dumps(ROWS[0]), headers=raw)
    assert refused.status_code == status
    assert refused.json()["detail"][0]["allowed"].startswith(allowed)


@pytest.mark.parametrize("type_", ["application/x-www-form-urlencoded", "application/json; charset=UTF-8"])
def test_json_is_what_is_read_when_nothing_else_is_said(client: TestClient, type_: str) -> None:
    body = json.dumps(ROWS[0])
    assert client.post("/predict", content=body, headers={"Content-Type": type_}).json()["label"] == "yes"


PACKED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "zstd": zstandard.compress, "ZSTD": zstandard.compress}


@pytest.mark.parametrize("coding", PACKED)
def test_bodies_may_be_packed(client: TestClient, coding: str) -> None:
    pack, body = PACKED[coding], json.dumps({"rows": ROWS * 500}).encode()
    headers = {"Content-Encoding": coding}
    expected = told(client, ROWS * 500)
    assert client.post("/predict", content=pack(body), headers=headers).json()["predictions"] == expected
    parts = pack(body[:1000]) + pack(b"") + pack(body[1000:])
    assert client.post("/predict", content=parts, headers=headers).json()["predictions"] == expected


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_packed_bodies_that_are_broken_are_refused(client: TestClient, coding: str) -> None:
    whole = PACKED[coding](json.dumps(ROWS[0]).encode())
    for body in (whole[:-3], whole[:9], whole[:1], b"{}", whole + b"more"):
        refused = client.post("/predict", content=body, headers={"Content-Encoding": coding})
        assert refused.status_code == 422
        assert coding in refused.json()["detail"][0]["message"]
    assert client.post("/predict", content=b"", headers={"Content-Encoding": coding}).status_code == 422


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_bomb_is_refused_before_it_costs_memory(make_client: MakeClient, coding: str) -> None:
    import tracemalloc

    client = make_client(limits=Limits(body_bytes=1_000_000))
    bomb = PACKED[coding](b" " * 100_000_000)
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    refused = client.post("/predict", content=bomb, headers={"Content-Encoding": coding})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.status_code == 413
    assert "1,000,000 bytes when it is unpacked" in refused.json()["detail"][0]["message"]
    assert peak < 60_000_000


def test_large_answers_are_packed_where_that_is_wanted(client: TestClient) -> None:
    many = {"rows": ROWS * 300}
    plain = client.post("/predict", json=many, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for accepted, coding in [("gzip", "gzip"), ("gzip, zstd", "zstd"), ("br, *", "zstd"), ("zstd;q=0.1, gzip", "gzip")]:
        packed = client.post("/predict", json=many, headers={"Accept-Encoding": accepted})
        assert packed.headers["content-encoding"] == coding
        assert packed.headers["vary"] == "accept, accept-encoding"
        assert int(packed.headers["content-length"]) < len(plain.content) / 10
        content = packed.content if coding == "gzip" else zstandard.decompress(packed.content)
        assert content == plain.content
    for accepted in ("br", "gzip;q=0", "zstd;q=none", ""):
        assert (
            "content-encoding" not in client.post("/predict", json=many, headers={"Accept-Encoding": accepted}).headers
        )
    assert "content-encoding" not in client.post("/predict", json=ROWS[0], headers={"Accept-Encoding": "gzip"}).headers


def test_openapi_tells_of_the_forms(client: TestClient) -> None:
    post = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert {"application/json", "text/csv"} <= post["requestBody"]["content"].keys()
    assert {"application/json", "text/csv"} <= post["responses"]["200"]["content"].keys()
    assert {"406", "413", "415", "422"} <= post["responses"].keys()
