"""Two versions behind one name: who answers whom, what is noted, and what ends a rule."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from automl_runtime.registry import traffic as rules
from automl_runtime.registry.aliases import read_aliases, set_alias
from automl_runtime.registry.bundle import Bundle
from automl_runtime.registry.traffic import CanaryLimits, read_traffic, start_traffic, stop_traffic, traffic_history
from automl_runtime.serving.app import create_app
from automl_runtime.serving.traffic import TrafficSource
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import make_bundle
from tests.runtime.serving.test_live import ROW, Constant


class Watched(Constant):
    """Says the same of every row, after `before` was called."""

    def __init__(self, yes: float) -> None:
        super().__init__(yes)
        self.before: Callable[[], Any] = lambda: None

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        self.before()
        return super().predict_proba(frame)


def broken() -> None:
    raise ZeroDivisionError("a model that errs")


class Store:
    """Versions whose models are made here; aliases and rules are files."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.models_of = {name: Watched(yes) for name, yes in (("v001", 0.1), ("v002", 0.9), ("v003", 0.3))}
        for name in self.models_of:
            (models / name).mkdir(parents=True)
        set_alias(models, "production", "v001")

    def bundle(self, version: str) -> Bundle:
        return replace(make_bundle(model_version=version), model=self.models_of[version])

    def open(self, version: str | None = None) -> tuple[Bundle, None, None]:
        return self.bundle(version or read_aliases(self.models)["production"]), None, None

    def stamp(self) -> int:
        return (self.models / "aliases.json").stat().st_mtime_ns

    def versions(self) -> dict[str, Any]:
        return {}

    def folder(self) -> Path:
        return self.models

    @contextmanager
    def client(self) -> Iterator[TestClient]:
        app = create_app(self.open()[0], source=self, traffic=TrafficSource(self.models, self.open))
        with TestClient(app, raise_server_exceptions=False) as client:
            yield client


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(rules, "verify_bundle", lambda *_: make_bundle().manifest)
    return Store(tmp_path / "models")


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def begin(client: TestClient, store: Store, *arguments: Any, **more: Any) -> rules.TrafficRule:
    rule = start_traffic(store.models, *arguments, **more)
    wait_for(lambda: (client.get("/traffic").json()["rule"] or {}).get("id") == rule.id)
    return rule


def arm(client: TestClient, version: str) -> dict[str, Any]:
    return next(arm for arm in client.get("/traffic").json()["arms"] if arm["version"] == version)


def ask(client: TestClient, key: str) -> str:
    answer = client.post("/predict", json=ROW, headers={"x-user": key}).json()
    assert answer["probabilities"]["yes"] == {"v001": 0.1, "v002": 0.9, "v003": 0.3}[answer["model_version"]]
    return answer["model_version"]


def test_the_open_inference_protocol_is_answered_by_production(store: Store) -> None:
    wanted = {"inputs": [{"name": "smokes?", "datatype": "BYTES", "shape": [1], "data": ["yes"]}]}
    with store.client() as client:
        begin(client, store, "ab", "v002", share=0.99)
        for _ in range(5):
            answer = client.post("/v2/models/model/infer", json=wanted)
            assert answer.status_code == 200, answer.text
            assert answer.json()["model_version"] == "v001"


def test_a_key_has_one_arm_in_all_workers_and_after_a_restart(store: Store) -> None:
    with store.client() as one, store.client() as other:
        rule = begin(one, store, "ab", "v002", share=0.3, key="header:X-User")
        wait_for(lambda: other.get("/traffic").json()["rule"])
        arms = {str(key): ask(one, str(key)) for key in range(40)}
        assert arms == {key: "v002" if rule.chosen(key) else "v001" for key in arms}
        assert arms == {key: ask(other, key) for key in arms}
        assert set(arms.values()) == {"v001", "v002"}
        wait_for(lambda: arm(one, "v001")["requests"] + arm(one, "v002")["requests"] == 80)
    with store.client() as client:
        assert arms == {key: ask(client, key) for key in arms}


@pytest.mark.parametrize("column", ["dose mg", "customer"], ids=["of the model", "of its own"])
def test_rows_of_several_keys_are_answered_by_their_own_arms_in_order(store: Store, column: str) -> None:
    with store.client() as client:
        rule = begin(client, store, "ab", "v002", share=0.5, key=column)
        rows = [{**ROW, column: number} for number in range(40)]
        answer = client.post("/predict", json={"rows": rows}).json()
        expected = ["v002" if rule.chosen(str(number)) else "v001" for number in range(40)]
        assert [row["model_version"] for row in answer["predictions"]] == expected
        assert sorted(answer["model_version"].split(",")) == ["v001", "v002"]
        assert client.post("/predict", json=rows[0]).json()["model_version"] == expected[0]


def test_without_a_rule_nothing_is_added_and_a_rule_that_ends_is_gone(store: Store) -> None:
    with store.client() as client:
        assert "prediction_id" not in client.post("/predict", json=ROW).json()
        begin(client, store, "watch")
        assert len(client.post("/predict", json=ROW).json()["prediction_id"]) == 16
        stop_traffic(store.models)
        wait_for(lambda: client.get("/traffic").json()["rule"] is None)
        assert "prediction_id" not in client.post("/predict", json=ROW).json()


def test_a_promotion_by_hand_goes_before_the_rule(store: Store) -> None:
    with store.client() as client:
        begin(client, store, "ab", "v002", share=0.5)
        set_alias(store.models, "production", "v003")
        wait_for(lambda: client.get("/health").json()["model_version"] == "v003")
        assert {ask(client, "a") for _ in range(30)} == {"v003"}


def test_a_rule_begins_and_ends_under_load_without_a_failed_or_mixed_answer(store: Store) -> None:
    going, seen = True, set[str]()
    with store.client() as client, ThreadPoolExecutor(4) as pool:

        def hammer(name: str) -> None:
            while going:
                seen.add(ask(client, name))

        work = [pool.submit(hammer, str(number)) for number in range(4)]
        for share in (0.2, 0.8):
            begin(client, store, "ab", "v002", share=share)
            wait_for(lambda: arm(client, "v002")["requests"] > 5)
        stop_traffic(store.models)
        wait_for(lambda: client.get("/traffic").json()["rule"] is None)
        going = False
        for each in work:
            each.result()
    assert seen == {"v001", "v002"}


def test_a_canary_that_errs_is_taken_back_and_no_client_notices(store: Store) -> None:
    store.models_of["v002"].before = broken
    with store.client() as client:
        begin(client, store, "canary", "v002", share=0.5)
        wait_for(lambda: ask(client, "a") == "v001" and read_traffic(store.models) is None)
        wait_for(lambda: client.get("/traffic").json()["rule"] is None)
    assert read_aliases(store.models)["production"] == "v001"
    last = traffic_history(store.models)[-1]
    assert last.traffic == "rolled back"
    assert "requests failed; 1.00% are allowed" in last.reason


def test_a_canary_that_refuses_what_production_answers_errs(store: Store) -> None:
    with store.client() as client:
        store.bundle = (
            lambda version: replace(  # type: ignore[method-assign]
                make_bundle(model_version=version),
                model=store.models_of[version],
                schema=make_bundle().schema.model_copy(update={"columns": make_bundle().schema.columns[:1]}),
            )
        )
        begin(client, store, "canary", "v002", share=0.5)
        assert client.post("/predict", json={**ROW, "smokes?": "perhaps"}).status_code == 422
        wait_for(lambda: ask(client, "a") == "v001" and read_traffic(store.models) is None)
    assert traffic_history(store.models)[-1].traffic == "rolled back"


def test_a_canary_that_is_slow_is_taken_back(store: Store) -> None:
    store.models_of["v002"].before = lambda: time.sleep(0.05)
    with store.client() as client:
        begin(client, store, "canary", "v002", share=0.5, limits=CanaryLimits(slower=2.0))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: ask(client, str(number)), range(300)))
        wait_for(lambda: read_traffic(store.models) is None)
    assert "p95 is" in traffic_history(store.models)[-1].reason


def test_a_canary_that_holds_is_promoted(store: Store) -> None:
    with store.client() as client:
        begin(client, store, "canary", "v002", share=0.5, limits=CanaryLimits(hold=20, slower=1000))
        wait_for(lambda: ask(client, "a") and read_aliases(store.models)["production"] == "v002")
        wait_for(lambda: client.get("/health").json()["model_version"] == "v002")
        assert {ask(client, str(number)) for number in range(20)} == {"v002"}
    assert traffic_history(store.models)[-1].traffic == "promoted"


def test_a_canary_whose_predictions_are_worse_is_taken_back(store: Store) -> None:
    with store.client() as client:
        begin(client, store, "canary", "v002", share=0.5, limits=CanaryLimits(hold=100_000, slower=1000))
        random = np.random.default_rng(0)
        for _ in range(60):
            answers = [client.post("/predict", json=ROW).json().get("prediction_id", "") for _ in range(10)]
            came = random.choice(["no", "yes"], 10, p=[0.9, 0.1])
            given = [{"prediction_id": one, "outcome": str(other)} for one, other in zip(answers, came, strict=True)]
            done = client.post("/feedback", json={"outcomes": given})
            if done.status_code == 409:
                break
        wait_for(lambda: read_traffic(store.models) is None)
    assert "mean loss" in traffic_history(store.models)[-1].reason


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "raises"])
def test_a_shadow_that_hangs_or_raises_harms_nothing(store: Store, hangs: bool) -> None:
    release = threading.Event()
    store.models_of["v002"].before = (lambda: release.wait(60)) if hangs else broken
    with store.client() as client:
        begin(client, store, "shadow", "v002", share=1.0)
        for number in range(300):
            assert ask(client, str(number)) == "v001"
        wanted = "dropped" if hangs else "errors"
        wait_for(lambda: arm(client, "v002")[wanted] > 0)
        assert arm(client, "v001")["errors"] == 0
    release.set()


def test_a_shadow_is_compared_and_never_answers(store: Store) -> None:
    with store.client() as client:
        begin(client, store, "shadow", "v003", share=1.0)
        assert {ask(client, str(number)) for number in range(20)} == {"v001"}
        wait_for(lambda: arm(client, "v003")["compared"] == 20)
        shadow = arm(client, "v003")
        assert (shadow["agreed"], shadow["share"], shadow["dropped"]) == (1.0, 0.0, 0)
        assert shadow["mean_difference"] == pytest.approx(0.2)


def test_outcomes_count_once_for_each_key_and_by_key(store: Store) -> None:
    with store.client() as client:
        begin(client, store, "ab", "v002", share=0.5, key="header:x-user")
        version = ask(client, "anna")
        assert client.post("/feedback", json={"key": "anna", "outcome": "yes"}).json()["taken"] == 1
        assert client.post("/feedback", json={"key": "anna", "outcome": "no"}).json()["repeated"] == 1
        assert ask(client, "anna") == version
        assert client.post("/feedback", json={"key": "anna", "outcome": "no"}).json()["taken"] == 1
        assert client.post("/feedback", json={"key": "otto", "outcome": "no"}).json()["unknown"] == [0]
        found = arm(client, version)
        assert (found["outcomes"], found["loss"]) == (1, pytest.approx(0.81 if version == "v001" else 0.01))


def test_outcomes_of_rows_of_one_request(store: Store) -> None:
    with store.client() as client:
        begin(client, store, "watch")
        identity = client.post("/predict", json={"rows": [ROW, ROW]}).json()["prediction_id"]
        given = [
            {"prediction_id": f"{identity}.{place}", "outcome": label} for place, label in enumerate(("no", "yes"))
        ]
        assert client.post("/feedback", json={"outcomes": given}).json()["taken"] == 2
        assert arm(client, "v001")["loss"] == pytest.approx((0.01 + 0.81) / 2)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"prediction_id": "a", "outcome": "perhaps"}, "no class; classes: no, yes"),
        ({"prediction_id": 3, "outcome": "no"}, "no text"),
        ({"key": "a", "outcome": "no"}, "has no key"),
        ({"outcome": "no"}, "prediction_id"),
        ({"outcomes": 3}, "no list"),
        ([1], "is a list"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(store: Store, body: Any, said: str) -> None:
    with store.client() as client:
        begin(client, store, "watch")
        refused = client.post("/feedback", json=body)
        assert refused.status_code == 422
        assert said in refused.json()["detail"][0]["message"]


def test_outcomes_without_a_rule_are_refused(store: Store) -> None:
    with store.client() as client:
        assert client.post("/feedback", json={"key": "a", "outcome": "no"}).status_code == 409
