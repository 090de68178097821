"""The rule file: who may be named, what is written, and that each key has its arm."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from automl_runtime.errors import BundleError, RequestError
from automl_runtime.registry.aliases import alias_history, read_aliases, set_alias
from automl_runtime.registry.bundle import write_bundle
from automl_runtime.registry.traffic import (
    CanaryLimits,
    finish_canary,
    read_traffic,
    start_traffic,
    stop_traffic,
    traffic_history,
)

from tests.runtime.registry.conftest import TinyModel, tiny_schema


@pytest.fixture
def models(bundle_folder: Path) -> Path:
    folder = bundle_folder.parent
    for version in ("v002", "v003"):
        told: dict[str, Any] = {"version": version, "target": "cured", "created": "2025-01-01T00:00:00+00:00"}
        write_bundle(TinyModel(), tiny_schema(), folder / version, **told)
    set_alias(folder, "production", "v001")
    return folder


@pytest.mark.parametrize("share", [0.1, 0.5, 0.03])
def test_keys_are_split_within_one_percent_and_stay(
    models: Path, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of a salt that is drawn, one in twenty would be off by more.
    monkeypatch.setattr("automl_runtime.registry.traffic.secrets.token_hex", lambda size: "5a" * size)
    start_traffic(models, "ab", "v002", share=share, key="customer")
    first, again = read_traffic(models), read_traffic(models)
    assert first is not None
    assert again is not None
    chosen = [first.chosen(f"customer {number}") for number in range(10_000)]
    assert abs(sum(chosen) / 10_000 - share) < 0.01
    assert chosen == [again.chosen(f"customer {number}") for number in range(10_000)]


def test_a_larger_share_only_adds_keys_and_another_rule_draws_anew(models: Path) -> None:
    rules = [start_traffic(models, "ab", "v002", share=share, key="customer") for share in (0.2, 0.6)]
    rules.append(start_traffic(models, "ab", "v003", share=0.2, key="customer"))
    small, large, other = ({key for key in map(str, range(1000)) if rule.chosen(key)} for rule in rules)
    assert small < large
    assert not small <= other


@pytest.mark.parametrize(
    ("arguments", "more", "said"),
    [
        (("ab", "v009"), {}, "no model version"),
        (("ab", "production"), {}, "in production already"),
        (("ab",), {}, "second version"),
        (("watch", "v002"), {}, "second version"),
        (("both", "v002"), {}, "no traffic rule"),
        (("ab", "v002"), {"share": 1.0}, "less than 1"),
        (("ab", "v002"), {"share": float("nan")}, "above 0"),
        (("shadow", "v002"), {"share": 0.0}, "above 0"),
        (("ab", "v002"), {"key": " "}, "key is empty"),
        (("ab", "v002"), {"key": "header:a b"}, "no name of a header"),
        (("canary", "v002"), {"limits": CanaryLimits(hold=0)}, "limits of a canary"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(models: Path, arguments: Any, more: Any, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        start_traffic(models, *arguments, **more)
    assert read_traffic(models) is None


def test_what_was_tampered_with_gets_no_traffic(models: Path) -> None:
    (models / "v002" / "model" / "model.json").write_text("{}")
    with pytest.raises(BundleError, match="was changed after it was signed"):
        start_traffic(models, "ab", "v002")


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"limits": {}}'])
def test_a_broken_file_is_named(models: Path, text: str) -> None:
    (models / "traffic.json").write_text(text)
    with pytest.raises(BundleError, match=r"traffic\.json is broken"):
        read_traffic(models)


def test_the_history_tells_of_rules_and_aliases_apart(models: Path) -> None:
    start_traffic(models, "shadow", "v002", share=1.0, reason="to see")
    assert stop_traffic(models, only="another") is None
    stop_traffic(models, reason="seen")
    assert [(change.traffic, change.reason) for change in traffic_history(models)] == [
        ("shadow", "to see"),
        ("off", "seen"),
    ]
    assert [change.alias for change in alias_history(models)] == ["production"]


def test_of_several_workers_one_ends_a_canary(models: Path) -> None:
    rule = start_traffic(models, "canary", "v002", share=0.1)
    assert [finish_canary(models, rule, fit=True, reason="held") for _ in range(2)] == [True, False]
    assert read_aliases(models)["production"] == "v002"
    assert read_traffic(models) is None


def test_a_canary_is_not_promoted_over_a_promotion_by_hand(models: Path) -> None:
    rule = start_traffic(models, "canary", "v002", share=0.1)
    set_alias(models, "production", "v003")
    assert not finish_canary(models, rule, fit=True, reason="held")
    assert read_aliases(models)["production"] == "v003"


def test_a_canary_that_was_tampered_with_is_not_promoted(models: Path) -> None:
    rule = start_traffic(models, "canary", "v002", share=0.1)
    shutil.rmtree(models / "v002" / "model")
    with pytest.raises(BundleError, match="missing"):
        finish_canary(models, rule, fit=True, reason="held")
    assert read_aliases(models)["production"] == "v001"
    assert json.loads((models / "history.jsonl").read_text().splitlines()[-1])["traffic"] == "rolled back"
