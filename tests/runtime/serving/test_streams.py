"""Lines in, lines out: in order, while they come, in bounded memory."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pandas as pd
import pytest
import zstandard
from automl_runtime.serving.app import create_app
from automl_runtime.serving.lines import CUT, read_lines
from automl_runtime.serving.streams import LineSplitter
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import make_bundle

LINES = {"Content-Type": "application/x-ndjson"}


def row(number: int) -> dict[str, Any]:
    return {"dose mg": number, "smokes?": "no", "ward": "12:30"}


def lines(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in rows)


def read(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_each_line_is_answered_in_order_as_a_row_is(client: TestClient, ending: bytes) -> None:
    rows = [row(number % 2000) for number in range(5000)]
    body = lines(rows).replace(b"\n", ending)
    answer = client.post("/predict", content=body, headers=LINES)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert read(answer.content) == client.post("/predict", json={"rows": rows}).json()["predictions"]
    assert read(client.post("/predict", content=lines(rows)[:-1], headers=LINES).content) == read(answer.content)
    assert "automl_rows_total 15000.0" in client.get("/metrics").text


def test_a_bad_line_is_answered_by_what_is_wrong_with_it(client: TestClient) -> None:
    bad = [b'{"dose mg": 1', b"[1]", b'{"smokes?": "no", "smokes?": "no"}', b'{"smokes?": "no", "dose mg": "plenty"}']
    bad += [b'{"Ward": 1, "smokes?": "no"}', b"\xff", b"{}", b'{"smokes?": "no"} {"smokes?": "no"}', b"[" * 100_000]
    good = json.dumps(row(1)).encode()
    body = b"".join(good + b"\n" + line + b"\n" for line in bad)
    answers = read(client.post("/predict", content=body, headers=LINES).content)
    assert [answer.get("label") for answer in answers[::2]] == ["no"] * len(bad)
    assert [answer["line"] for answer in answers[1::2]] == [2 * place + 2 for place in range(len(bad))]
    assert "plenty is not" in answers[7]["error"].replace("'", "")
    assert answers[7]["detail"][0]["column"] == "dose mg"
    assert all(answer["error"] == answer["detail"][0]["message"] for answer in answers[1::2])


def test_blank_lines_are_counted_and_not_answered(client: TestClient) -> None:
    body = b"\n" + lines([row(1)]) + b"  \r\n\n" + b"nonsense\n"
    answers = read(client.post("/predict", content=body, headers=LINES).content)
    assert (answers[0]["label"], answers[1]["line"], len(answers)) == ("no", 5, 2)
    assert client.post("/predict", content=b"", headers=LINES).content == b""


def test_a_value_that_reaches_into_the_next_line_is_no_line(client: TestClient) -> None:
    for body in (b'{"smokes?": "no"}{"smokes?":\n"no"}\n', b'{"smokes?":\n"no"}\n', b'{"a":[{}\n{}]}\n'):
        answers = read(client.post("/predict", content=body, headers=LINES).content)
        assert all("error" in answer for answer in answers)
        assert len(answers) == body.count(b"\n")


@given(
    st.lists(st.sampled_from([b'{"a":1}', b'{"a":{"b":2}}', b"{}", b'{"a":', b"1}", b'{"a":1}{"a":2}', b"", b"[{}"]))
)
def test_lines_are_read_together_as_they_are_alone(given_lines: list[bytes]) -> None:
    block = b"".join(line + b"\n" for line in given_lines)
    places, rows, wrong = read_lines(block)
    found = dict(zip(places, rows, strict=True))
    for place, line in enumerate(given_lines):
        alone = read_lines(line + b"\n")
        assert ([found[place]] if place in found else []) == alone[1]
        assert (place in wrong) == bool(alone[2])


@settings(deadline=None)
@given(st.binary(max_size=60), st.lists(st.integers(1, 9), max_size=20), st.integers(1, 5))
def test_pieces_are_put_together_again(body: bytes, sizes: list[int], most: int) -> None:
    splitter, start, taken = LineSplitter(), 0, []
    for size in [*sizes, len(body)]:
        splitter.feed(body[start : start + size])
        start += size
        while splitter.lines > most:
            taken.append(splitter.take(most))
    splitter.finish()
    while splitter.lines:
        taken.append(splitter.take(most))
    whole = b"".join(group.block for group in taken)
    assert whole == (body if body.endswith(b"\n") or not body else body + b"\n")
    assert [group.first for group in taken] == [1 + sum(g.lines for g in taken[:place]) for place in range(len(taken))]


def test_a_line_without_an_end_is_not_kept() -> None:
    splitter = LineSplitter(longest=100)
    for _ in range(50):
        splitter.feed(b"x" * 30)
        assert len(splitter._rest) <= 130
    splitter.feed(b'x\n{"a": 1}\n')
    group = splitter.take(10)
    assert (group.block, group.lines) == (CUT + b'\n{"a": 1}\n', 2)
    assert read_lines(group.block)[2][0].problems[0].message == "The line is too long."


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_packed_lines_are_read_and_what_is_broken_ends_the_stream(
    client: TestClient, coding: str, pack: Callable[[bytes], bytes]
) -> None:
    rows = [row(number) for number in range(3000)]
    headers = LINES | {"Content-Encoding": coding}
    whole = client.post("/predict", content=pack(lines(rows)), headers=headers)
    assert len(read(whole.content)) == 3000
    broken = read(client.post("/predict", content=pack(lines(rows)) + b"more", headers=headers).content)
    assert broken[:3000] == read(whole.content)
    assert "The stream ends here" in broken[3000]["error"]
    assert client.post("/predict", content=b"more", headers=headers).status_code == 422


def test_lines_are_answered_in_lines_only(client: TestClient) -> None:
    refused = client.post("/predict", content=lines([row(1)]), headers=LINES | {"Accept": "text/csv"})
    assert (refused.status_code, refused.json()["detail"][0]["allowed"]) == (406, "application/x-ndjson")
    rows = client.post("/predict", json={"rows": [row(1), row(2)]}, headers={"Accept": "application/x-ndjson"})
    assert [answer["label"] for answer in read(rows.content)] == ["no", "no"]


class Caller:
    """A client of an ASGI application that says when it sends what."""

    def __init__(self, app: Any) -> None:
        self.app, self.pieces, self.received = app, asyncio.Queue[dict[str, Any]](), bytearray()
        self.asked = 0
        scope = {"type": "http", "asgi": {"version": "3.0"}, "method": "POST", "path": "/predict", "query_string": b""}
        self.scope = scope | {"headers": [(b"content-type", b"application/x-ndjson")], "root_path": ""}
        self.reading = asyncio.Event()
        self.reading.set()

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        return await self.pieces.get()

    async def send(self, message: Any) -> None:
        await self.reading.wait()
        self.received += message.get("body", b"")

    def say(self, body: bytes, *, more: bool = True) -> None:
        self.pieces.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.app(self.scope, self.receive, self.send))

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not true():
                await asyncio.sleep(0.005)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(story())  # type: ignore[arg-type]


def test_a_line_is_answered_before_the_next_one_is_sent() -> None:
    async def story() -> None:
        caller = Caller(create_app(make_bundle()))
        done = caller.start()
        for number in range(1, 4):
            caller.say(lines([row(number)])[:10])
            caller.say(lines([row(number)])[10:])
            await caller.until(lambda: caller.received.count(b"\n") == number)  # noqa: B023
        caller.say(b"", more=False)
        await done

    run(story)


def test_a_client_that_does_not_read_is_not_read_from() -> None:
    scored: list[int] = []

    def features(frame: pd.DataFrame) -> pd.DataFrame:
        scored.append(len(frame))
        return frame

    async def story() -> None:
        caller = Caller(create_app(make_bundle(), features))
        caller.reading.clear()
        done = caller.start()
        for _ in range(200):
            caller.say(lines([row(1)] * 500))
        await caller.until(lambda: sum(scored) > 0)
        await asyncio.sleep(0.3)
        assert (sum(scored) < 10_000) and (caller.asked < 25)
        caller.reading.set()
        caller.say(b"", more=False)
        await done
        assert caller.received.count(b"\n") == 100_000

    run(story)


def test_work_stops_when_the_client_is_gone() -> None:
    scored: list[int] = []
    gate = threading.Event()

    def features(frame: pd.DataFrame) -> pd.DataFrame:
        gate.wait(10)
        scored.append(len(frame))
        return frame

    async def story() -> None:
        app = create_app(make_bundle(), features)
        caller = Caller(app)
        done = caller.start()
        for number in range(4):
            caller.say(lines([row(number)] * 1500))
        await caller.until(caller.pieces.empty)
        caller.pieces.put_nowait({"type": "http.disconnect"})
        gate.set()
        await done
        counts = app.service.live.current.dispatcher.counts
        assert counts.submitted == counts.answered + counts.cancelled
        assert sum(scored) <= 6000

    run(story)
