"""Models are exchanged under load: nothing fails, and no answer mixes two versions."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from automl_runtime.errors import BundleError
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.app import create_app
from automl_schemas.bundle import InputSchema
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import SCHEMA, make_bundle

ROW = {"dose mg": 1500, "ward": "A", "smokes?": "yes"}


class Constant:
    """Every row has the same probability."""

    classes = ("no", "yes")

    def __init__(self, yes: float) -> None:
        self.yes = yes

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"no": 1 - self.yes, "yes": self.yes}, index=frame.index)

    def decide(self, shares: np.ndarray) -> np.ndarray:
        return np.where(shares[:, 1] >= 0.5, "yes", "no")


class Source:
    """Gives whatever bundle is put into it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle: Bundle | BundleError = bundle

    def stamp(self) -> int:
        return id(self.bundle)

    def open(self) -> tuple[Bundle, None, None]:
        if isinstance(self.bundle, BundleError):
            raise self.bundle
        return self.bundle, None, None

    def versions(self) -> dict[str, Any]:
        return {"versions": ["v001"], "aliases": {"production": "v001"}}

    def folder(self) -> None:
        return None


def version(number: int, **changes: Any) -> Bundle:
    return replace(make_bundle(model_version=f"v{number:03d}", **changes), model=Constant(number / 10))


@pytest.fixture
def source() -> Source:
    return Source(version(1))


@pytest.fixture
def client(source: Source) -> Iterator[TestClient]:
    with TestClient(create_app(version(1), source=source), raise_server_exceptions=False) as client:
        yield client


def await_version(client: TestClient, wanted: str) -> None:
    end = time.monotonic() + 20
    while client.get("/health").json()["model_version"] != wanted:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_models_are_exchanged_under_load_without_a_failed_or_mixed_answer(client: TestClient, source: Source) -> None:
    wrong: list[Any] = []
    seen: set[str] = set()
    going = True

    def hammer() -> None:
        while going:
            answer = client.post("/predict", json=ROW)
            told = answer.json()
            expected = int(told["model_version"][1:]) / 10 if answer.status_code == 200 else None
            if expected is None or told["probabilities"]["yes"] != pytest.approx(expected):
                wrong.append(told)
            seen.add(told.get("model_version"))

    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(hammer) for _ in range(8)]
        for number in (2, 9, 1, 7):
            source.bundle = version(number)
            await_version(client, f"v{number:03d}")
        going = False
        for each in work:
            each.result()
    assert not wrong
    assert seen == {"v001", "v002", "v007", "v009"}


def test_the_documentation_and_the_counters_follow(client: TestClient, source: Source) -> None:
    assert "ward" in client.get("/openapi.json").json()["components"]["schemas"]["Row"]["properties"]
    only = InputSchema(columns=[column for column in SCHEMA.columns if column.name != "ward"])
    source.bundle = replace(version(2), schema=only)
    await_version(client, "v002")
    assert "ward" not in client.get("/openapi.json").json()["components"]["schemas"]["Row"]["properties"]
    assert client.get("/model").json()["manifest"]["model_version"] == "v002"
    assert 'automl_model_info{task="binary",version="v002"} 1.0' in client.get("/metrics").text
    assert 'automl_model_info{task="binary",version="v001"} 0.0' in client.get("/metrics").text


@pytest.mark.parametrize(
    "bad", [BundleError("somebody changed model.txt"), version(2, task="regression", classes=[], positive=None)]
)
def test_a_model_that_cannot_take_over_is_named_and_the_old_one_goes_on(
    client: TestClient, source: Source, caplog: pytest.LogCaptureFixture, bad: Any
) -> None:
    with caplog.at_level(logging.ERROR, logger="automl_runtime.serving"):
        source.bundle = bad
        end = time.monotonic() + 20
        while "not exchanged" not in caplog.text:
            assert time.monotonic() < end
            time.sleep(0.05)
    assert client.post("/predict", json=ROW).json()["model_version"] == "v001"
    source.bundle = version(3)
    await_version(client, "v003")
