"""Many models in one process, each with traffic rules of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from automl_runtime.registry import traffic as rules
from automl_runtime.registry.aliases import read_aliases
from automl_runtime.registry.traffic import CanaryLimits, read_traffic, start_traffic, stop_traffic, traffic_history
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from automl_runtime.serving.traffic import TrafficSource
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import make_bundle
from tests.runtime.serving.test_live import ROW
from tests.runtime.serving.test_traffic import Store, broken, wait_for

Stores = dict[str, Store]


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stores:
    monkeypatch.setattr(rules, "verify_bundle", lambda *_: make_bundle().manifest)
    return {name: Store(tmp_path / name / "models") for name in ("churn", "fraud")}


@contextmanager
def hosted(stores: Stores, **more: Any) -> Iterator[TestClient]:
    traffic = {name: TrafficSource(store.models, store.open) for name, store in stores.items()}
    app = create_host_app(ModelHost(stores, traffic=traffic, **more))  # type: ignore[arg-type]
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def rule_of(client: TestClient, name: str) -> dict[str, Any] | None:
    return client.get(f"/models/{name}/traffic").json()["rule"]


def ask(client: TestClient, name: str, key: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(f"/models/{name}/predict", json=ROW, headers={"x-user": key}).json()
    return answer


def arms(client: TestClient, name: str) -> dict[str, Any]:
    return {arm["version"]: arm for arm in client.get(f"/models/{name}/traffic").json()["arms"]}


def test_a_rule_is_of_one_model_and_leaves_the_others_alone(stores: Stores) -> None:
    rule = start_traffic(stores["churn"].models, "ab", "v002", share=0.3, key="header:X-User")
    with hosted(stores) as client:
        expected = {str(key): "v002" if rule.chosen(str(key)) else "v001" for key in range(40)}
        assert set(expected.values()) == {"v001", "v002"}
        # The rule holds from the first request that loads the model.
        assert {key: ask(client, "churn", key)["model_version"] for key in expected} == expected
        others = [ask(client, "fraud", key) for key in expected]
        assert {other["model_version"] for other in others} == {"v001"}
        assert not any("prediction_id" in other for other in others)
        assert rule_of(client, "fraud") is None
        wait_for(lambda: sum(arm["requests"] for arm in arms(client, "churn").values()) == 40)


def test_rules_come_and_go_while_the_models_answer(stores: Stores) -> None:
    with hosted(stores) as client:
        assert "prediction_id" not in ask(client, "fraud", "1")
        rule = start_traffic(stores["fraud"].models, "shadow", "v003", share=1.0)
        wait_for(lambda: (rule_of(client, "fraud") or {}).get("id") == rule.id)
        assert ask(client, "fraud", "1")["model_version"] == "v001"
        wait_for(lambda: arms(client, "fraud")["v003"]["compared"] == 1)
        stop_traffic(stores["fraud"].models)
        wait_for(lambda: rule_of(client, "fraud") is None)
        assert "prediction_id" not in ask(client, "fraud", "1")


def test_outcomes_go_to_the_model_that_they_are_of(stores: Stores) -> None:
    for store in stores.values():
        start_traffic(store.models, "watch", None)
    with hosted(stores) as client:
        named = ask(client, "churn", "1")["prediction_id"]
        wait_for(lambda: arms(client, "churn")["v001"]["requests"] == 1)
        outcome = {"prediction_id": named, "outcome": "yes"}
        assert client.post("/models/fraud/feedback", json=outcome).json()["unknown"] == [0]
        assert client.post("/models/churn/feedback", json=outcome).json()["taken"] == 1
        assert arms(client, "churn")["v001"]["outcomes"] == 1
        wrong = client.post("/models/churn/feedback", json={**outcome, "outcome": "perhaps"})
        assert wrong.status_code == 422
        stop_traffic(stores["fraud"].models)
        wait_for(lambda: client.post("/models/fraud/feedback", json=outcome).status_code == 409)


def test_a_canary_that_errs_is_taken_back(stores: Stores) -> None:
    store = stores["churn"]
    store.models_of["v002"].before = broken
    start_traffic(store.models, "canary", "v002", share=0.5, limits=CanaryLimits(hold=10))
    with hosted(stores) as client:
        for key in range(40):
            assert ask(client, "churn", str(key))["model_version"] == "v001"
        wait_for(lambda: read_traffic(store.models) is None)
        assert read_aliases(store.models)["production"] == "v001"
        assert traffic_history(store.models)[-1].reason
        assert rule_of(client, "fraud") is None


def test_a_canary_that_holds_is_promoted_and_the_host_follows(stores: Stores) -> None:
    store = stores["fraud"]
    start_traffic(store.models, "canary", "v002", share=0.5, limits=CanaryLimits(hold=5, slower=1000.0))
    with hosted(stores) as client:

        def promoted() -> bool:
            ask(client, "fraud", "1")
            return read_aliases(store.models)["production"] == "v002"

        wait_for(promoted)
        wait_for(lambda: client.get("/models/fraud").json()["model_version"] == "v002")
        assert ask(client, "churn", "1")["model_version"] == "v001"


def test_a_model_that_is_let_go_keeps_its_counts_and_its_arms(stores: Stores) -> None:
    rule = start_traffic(stores["churn"].models, "ab", "v002", share=0.5, key="header:X-User")
    with hosted(stores) as client:
        for key in range(10):
            ask(client, "churn", str(key))
        assert client.post("/models/churn/unload").json()["loaded"] is False
        for key in range(10):
            assert ask(client, "churn", str(key))["model_version"] == ("v002" if rule.chosen(str(key)) else "v001")
        wait_for(lambda: sum(arm["requests"] for arm in arms(client, "churn").values()) == 20)


def test_the_version_beside_production_counts_for_the_memory(stores: Stores) -> None:
    stores["churn"].models_of["v002"].weights = np.zeros(500_000)  # type: ignore[attr-defined]
    with hosted(stores, memory_bytes=5_000_000) as client:
        alone = client.post("/models/churn/load").json()["bytes"]
        start_traffic(stores["churn"].models, "ab", "v002")
        wait_for(lambda: client.get("/models/churn").json()["bytes"] > alone + 3_900_000)
        stop_traffic(stores["churn"].models)
        wait_for(lambda: client.get("/models/churn").json()["bytes"] == alone)


def test_unknown_models_and_models_without_rules_say_so(stores: Stores) -> None:
    with hosted(stores) as client:
        for answer in (client.get("/models/no/traffic"), client.post("/models/no/feedback", json={"outcome": 1})):
            assert answer.status_code == 404
            assert "There is no model 'no'" in answer.json()["detail"][0]["message"]
    with TestClient(create_host_app(ModelHost(stores))) as client:  # type: ignore[arg-type]
        assert client.get("/models/churn/traffic").status_code == 404
