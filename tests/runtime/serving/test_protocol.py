"""Malformed and slow HTTP over real sockets."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.app import create_app
from automl_runtime.serving.protocol import PatientProtocol

from tests.runtime.serving.conftest import make_bundle, running, talk

ROW = b'{"dose mg": 1500, "smokes?": "yes"}'
HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


class Hasty(PatientProtocol):
    header_seconds = 0.6
    request_seconds = 0.8
    header_bytes = 4_000
    piece_bytes = 50


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running(create_app(make_bundle()), Hasty) as port:
        yield port


def close(body: bytes = ROW, length: int | None = None) -> bytes:
    told = len(body) if length is None else length
    return HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % told + body


def test_a_whole_request_is_answered_however_it_is_cut(port: int) -> None:
    assert b" 200 OK" in talk(port, close())
    request = close()
    assert b" 200 OK" in talk(port, request[:30], request[30:100], request[100:], pause=0.05)


def test_several_requests_on_one_connection_are_each_answered(port: int) -> None:
    one = HEAD + b"content-length: %d\r\n\r\n" % len(ROW) + ROW
    answer = talk(port, one, one, one, close(), pause=0.2)
    assert answer.count(b" 200 OK") == 4


@pytest.fixture(scope="module")
def patient(fitted_bundle: Bundle) -> Iterator[int]:
    with running(create_app(fitted_bundle), PatientProtocol) as port:
        yield port


def test_a_thousand_requests_share_one_connection(patient: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", patient, timeout=20)
    connection.connect()
    first, seen = connection.sock, set()
    for number in range(1_000):
        connection.request("POST", "/predict", b'{"a": %d, "b": 0, "kind": "x"}' % number)
        answer = connection.getresponse()
        seen.add((answer.status, b'"label"' in answer.read(), connection.sock is first))
    connection.close()
    assert seen == {(200, True, True)}


def test_a_hundred_uploads_that_wait_hold_nobody_up(patient: int) -> None:
    body = b'{"rows": [' + b", ".join([b'{"a": 1, "b": 2, "kind": "x"}'] * 50) + b"]}"
    request = close(body)
    with ExitStack() as stack:
        uploads = [stack.enter_context(socket.create_connection(("127.0.0.1", patient), 20)) for _ in range(100)]
        for upload in uploads:
            upload.sendall(request[:-500])
        assert b" 200 OK" in talk(patient, b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert b" 200 OK" in talk(patient, request)
        for upload in uploads:
            upload.sendall(request[-500:])
        assert all(b" 200 OK" in upload.recv(65536) for upload in uploads)


@pytest.mark.parametrize(
    "parts",
    [
        [b"POST /pre"],
        [b""],
        [b"POST /predict HTTP/1.1\r\n", b"a: b\r\n", b"c: d\r\n", b"e: f\r\n", b"g: h\r\n", b"i: j\r\n"],
        [HEAD + b"content-length: 100\r\n\r\n{", b" ", b" ", b" ", b" ", b" "],
        [close(ROW[:10], 500)],
        [HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n'],
    ],
)
def test_a_request_that_comes_drop_by_drop_is_cut_off(port: int, parts: list[bytes]) -> None:
    assert b" 408 " in talk(port, *parts, pause=0.25)


def test_a_large_body_may_take_its_time_as_long_as_it_comes(port: int) -> None:
    row = ROW[:-1] + b" " * 400 + b"}"
    request = close(row)
    pieces = [request[place : place + 60] for place in range(0, len(request), 60)]
    assert b" 200 OK" in talk(port, *pieces, pause=0.15)


def test_headers_without_an_end_are_cut_off(port: int) -> None:
    assert b" 431 " in talk(port, b"GET / HTTP/1.1\r\n", *[b"x-a: " + b"b" * 1000 + b"\r\n"] * 8)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"hello\r\n\r\n",
        b"POST /predict HTTP/9.9\r\n\r\n",
        b"POST /predict HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"POST /predict HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\nabcde",
        b"POST /predict HTTP/1.1\r\nbad header\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused(port: int, request_bytes: bytes) -> None:
    answer = talk(port, request_bytes)
    assert b" 400 " in answer or b" 408 " in answer
    assert b" 200 OK" in talk(port, close())
