"""Spans are made where somebody wants them, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from automl_runtime.serving import tracing

pytest.importorskip("opentelemetry.sdk")

CHILD = """
import importlib.util, json, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient
from automl_runtime.serving.app import create_app
spec = importlib.util.spec_from_file_location("fixtures", sys.argv[1])
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
with TestClient(create_app(fixtures.make_bundle())) as client:
    headers = {"traceparent": parent, "X-Request-Id": "mine"}
    client.post("/predict", json={"dose mg": 1, "smokes?": "yes"}, headers=headers)
    client.get("/health")
for span in exporter.get_finished_spans():
    print(json.dumps([span.name, span.kind.name, f"{span.context.trace_id:032x}", dict(span.attributes)]))
"""


def test_a_prediction_is_a_span_of_the_trace_of_its_client():
    command = [sys.executable, "-c", CHILD, str(Path(__file__).with_name("conftest.py"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    # FastAPI makes spans of its own for what it answers.
    [span] = [span for line in done.stdout.splitlines() if (span := json.loads(line))[0] == "POST /predict"]
    assert span[:3] == ["POST /predict", "SERVER", "a" * 32]
    assert span[3]["http.response.status_code"] == 200
    assert span[3]["automl.request_id"] == "mine"


def test_without_a_provider_or_the_package_there_are_no_spans(monkeypatch):
    assert tracing.tracer() is None
    monkeypatch.setattr(tracing, "find_spec", lambda name: None)
    assert tracing.tracer() is None
