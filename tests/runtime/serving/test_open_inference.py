"""The Open Inference Protocol, version 2, beside `/predict`."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from automl_runtime.serving.scorer import Limits
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import MakeClient
from tests.runtime.serving.test_host import Counted, make_host, sized  # noqa: F401

ROWS = [{"dose mg": 1500.0, "ward": "A", "smokes?": True}, {"dose mg": 10.0, "ward": None, "smokes?": False}]
INFER = "/v2/models/model/infer"


def tensor(name: str, datatype: str, data: list[Any], *shape: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": list(shape or [len(data)]), "data": data}


def inputs(times: int = 1) -> list[dict[str, Any]]:
    rows = ROWS * times
    return [
        tensor("dose mg", "FP64", [row["dose mg"] for row in rows], len(rows), 1),
        tensor("ward", "BYTES", [row["ward"] for row in rows]),
        tensor("smokes?", "BOOL", [row["smokes?"] for row in rows]),
    ]


def of(answer: Any, name: str) -> dict[str, Any]:
    [found] = [output for output in answer["outputs"] if output["name"] == name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("times", [1, 100])
def test_tensors_are_answered_as_rows_are(client: TestClient, times: int) -> None:
    answer = client.post(INFER, json={"id": "7", "inputs": inputs(times)}).json()
    expected = client.post("/predict", json={"rows": ROWS * times}).json()["predictions"]
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("model", "v007", "7")
    assert of(answer, "label") == {
        "name": "label",
        "datatype": "BYTES",
        "shape": [2 * times],
        "data": [row["label"] for row in expected],
    }
    shares = of(answer, "probabilities")
    assert (shares["datatype"], shares["shape"]) == ("FP64", [2 * times, 2])
    assert shares["data"] == [share for row in expected for share in row["probabilities"].values()]


def test_a_matrix_holds_the_columns_in_their_order(make_client: MakeClient) -> None:
    client = make_client(task="regression", classes=[])
    body = {"inputs": [tensor("x", "FP32", [[5, None, None, 1], [7, None, None, 0]], 2, 4)]}
    assert of(client.post(INFER, json=body).json(), "prediction")["data"] == [10.0, 14.0]


def test_tensors_may_be_bytes_both_ways(client: TestClient) -> None:
    texts = b"".join(struct.pack("<I", len(text)) + text for text in (b"A", b"\xc3\x9f"))
    parts = [np.array([1500.0, 10.0], "<f4").tobytes(), texts, b"\x01\x00"]
    told = [
        {"name": name, "datatype": kind, "shape": [2], "parameters": {"binary_data_size": len(part)}}
        for (name, kind), part in zip([("dose mg", "FP32"), ("ward", "BYTES"), ("smokes?", "BOOL")], parts, strict=True)
    ]
    head = json.dumps({"inputs": told, "parameters": {"binary_data_output": True}}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    answer = client.post(INFER, content=head + b"".join(parts), headers=headers)
    size = int(answer.headers["inference-header-content-length"])
    content, rest = json.loads(answer.content[:size]), answer.content[size:]
    label, shares = content["outputs"]
    length = label["parameters"]["binary_data_size"]
    assert rest[:length] == b"\x03\x00\x00\x00yes\x02\x00\x00\x00no"
    plain = of(client.post(INFER, json={"inputs": inputs()}).json(), "probabilities")["data"]
    assert np.frombuffer(rest[length:], "<f8").tolist() == plain
    assert shares["shape"] == [2, 2]


def test_outputs_may_be_chosen(client: TestClient) -> None:
    body = {"inputs": inputs(), "outputs": [{"name": "probabilities"}]}
    assert [output["name"] for output in client.post(INFER, json=body).json()["outputs"]] == ["probabilities"]
    refused = client.post(INFER, json={"inputs": inputs(), "outputs": [{"name": "odds"}]})
    assert (refused.status_code, refused.json()["detail"][0]["allowed"]) == (422, "label, probabilities")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "inputs"),
        ({"inputs": "none"}, "inputs"),
        ({"inputs": []}, "left out"),
        ({"inputs": [{"name": "ward"}]}, "shape"),
        ({"inputs": [tensor("ward", "TEXT", ["A"])]}, "TEXT"),
        ({"inputs": [tensor("ward", "BYTES", ["A"], 2)]}, "1 values"),
        ({"inputs": [tensor("ward", "BYTES", ["A"], -1)]}, "shape [-1]"),
        ({"inputs": [tensor("ward", "BYTES", [], 0, 10**18, 10**18)]}, "shape"),
        ({"inputs": [tensor("ward", "BYTES", [1])]}, "not BYTES"),
        ({"inputs": [tensor("dose mg", "FP64", ["1"])]}, "not FP64"),
        ({"inputs": [tensor("dose mg", "INT64", [True])]}, "not INT64"),
        ({"inputs": [tensor("dose mg", "FP64", [10**400]), tensor("smokes?", "BOOL", [True])]}, "not"),
        ({"inputs": [tensor("Ward", "BYTES", ["A"]), tensor("smokes?", "BOOL", [True])]}, "Did you mean 'ward'"),
        ({"inputs": [*inputs(), inputs()[0]]}, "stands twice"),
        ({"inputs": [*inputs()[:2], tensor("smokes?", "BOOL", [True])]}, "another column 2"),
        ({"inputs": [tensor("all", "BYTES", ["A"] * 4, 1, 4)]}, "matrix of texts"),
        ({"inputs": [tensor("all", "FP64", [1.0] * 3, 1, 3)]}, "[1, 3]"),
        ({"inputs": [tensor("ward", "BYTES", [["A"], ["B"]], 2, 1), tensor("smokes?", "BOOL", [None] * 2)]}, "null"),
        ({"inputs": [{**tensor("ward", "BYTES", ["A"]), "parameters": {"binary_data_size": 5}}]}, "does not hold"),
        ({"inputs": [{**tensor("ward", "BYTES", ["A"]), "data": None}]}, "no data"),
    ],
)
def test_requests_that_are_none_are_refused_for_clients_of_the_protocol_too(
    client: TestClient, body: dict[str, Any], words: str
) -> None:
    refused = client.post(INFER, json=body)
    assert refused.status_code == 422
    assert words in refused.json()["error"]
    assert refused.json()["detail"][0]["message"] == refused.json()["error"]


@pytest.mark.parametrize("datatype", ["FP16", "BYTES", "INT64", "BOOL"])
@pytest.mark.parametrize("length", ["0", "1", "2", "-1", "many", "99999999999999", "full"])
def test_bytes_that_are_no_tensor_are_refused(client: TestClient, datatype: str, length: str) -> None:
    for blob in (b"", b"\xff\xff\xff\xff\xff", b"\x01\x00\x00", b"\x01\x00\x00\x00\xff"):
        told = {"name": "ward", "datatype": datatype, "shape": [1], "parameters": {"binary_data_size": len(blob)}}
        head = json.dumps({"inputs": [told, tensor("smokes?", "BOOL", [True])]}).encode()
        headers = {"Inference-Header-Content-Length": str(len(head)) if length == "full" else length}
        assert client.post(INFER, content=head + blob, headers=headers).status_code == 422


def test_too_many_rows_and_bytes_are_refused(make_client: MakeClient) -> None:
    client = make_client(limits=Limits(rows=10, body_bytes=5000))
    assert client.post(INFER, json={"inputs": inputs(6)}).status_code == 413
    assert "error" in client.post(INFER, content=b" " * 6000).json()


def test_the_server_and_its_models_are_told_of(client: TestClient) -> None:
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    about = client.get("/v2/models/model").json()
    assert about == client.get("/v2/models/model/versions/v007").json()
    assert {"name": "ward", "datatype": "BYTES", "shape": [-1]} in about["inputs"]
    assert about["outputs"] == [
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
    ]
    assert client.get("/v2/models/model/ready").json() == {"name": "model", "version": "v007", "ready": True}
    assert client.post("/v2/models/model/versions/v007/infer", json={"inputs": inputs()}).status_code == 200
    for path in ("/v2/models/other", "/v2/models/model/versions/v001", "/v2/models/other/ready"):
        missing = client.get(path)
        assert (missing.status_code, missing.json()["error"]) == (404, missing.json()["detail"][0]["message"])
    assert client.post("/v2/models/model/versions/v001/infer", json={"inputs": inputs()}).status_code == 404


def test_a_host_answers_for_each_of_its_models(make_host: Any) -> None:  # noqa: F811
    client = make_host({"a": Counted(sized(25)), "b": Counted(sized(75))})
    answers = [client.post(f"/v2/models/{name}/infer", json={"inputs": inputs()}).json() for name in "ab"]
    assert [answer["model_version"] for answer in answers] == ["v025", "v075"]
    assert client.get("/v2/models/a/ready").json()["ready"]
    assert client.post("/v2/models/c/infer", json={"inputs": inputs()}).status_code == 404
    assert client.get("/v2/models/c").status_code == 404


def test_openapi_tells_of_the_protocol(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {
        "/v2",
        "/v2/health/live",
        "/v2/models/{name}/infer",
        "/v2/models/{name}/versions/{version}/infer",
    } <= paths.keys()
