from __future__ import annotations

import json

import pytest
from agent.llm.scripted_server import call, filled, schema_of
from automl_agent.llm.transcript import Transcript, secrets_of
from pydantic import BaseModel

KEY = "sk-test-0123456789abcdef"


class Number(BaseModel):
    """Says a number."""

    number: int


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        "key sk-proj-AbCdEf0123456789",
        "ghp_0123456789abcdef0123",
        "https://me:hunter22secret@host/v1",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefgh",
        "the password is correct-horse",
    ],
)
def test_secrets_are_taken_out(text):
    said = Transcript(["correct-horse"]).redact(text)
    for secret in (KEY, "AbCdEf0123456789", "0123456789abcdef0123", "hunter22secret", "eyJzdWIi", "correct-horse"):
        assert secret not in said


def test_values_of_secret_variables_are_known():
    environment = {"AWS_SECRET_ACCESS_KEY": "abcdefgh1234", "PATH": "/usr/local/bin", "DB_PASSWORD": "x"}
    assert secrets_of(environment) == ["abcdefgh1234"]


def test_what_was_asked_and_answered_is_written_down(model_of, tmp_path):
    model, server = model_of(lambda request: call(filled(schema_of(request))))
    path = tmp_path / "project" / "transcript.jsonl"
    model.decide(f"How many with {KEY}?", Number, data={"note": KEY})
    model.transcript.attach(path)
    model.decide("How many more?", Number, data={})
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["n"] for entry in entries] == [1, 2, 3]
    assert entries[0] == {"n": 1, "probed": "scripted", "level": "tools"}
    assert entries[1]["decided"] == {"number": 7}
    assert KEY not in path.read_text()
    assert f"Bearer {KEY}" in server.headers[0]["authorization"]
