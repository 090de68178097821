from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from automl_runtime.project import Project
from automl_runtime.registry import traffic as rules
from automl_runtime.registry.aliases import set_alias
from automl_runtime.registry.ledger import Arm, Ledger
from automl_runtime.registry.traffic import read_traffic


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setattr(Project, "load", lambda folder: SimpleNamespace(root=folder))
    monkeypatch.setattr(rules, "verify_bundle", lambda *_: SimpleNamespace(task="binary"))
    monkeypatch.chdir(tmp_path)
    for version in ("v001", "v002"):
        (tmp_path / "models" / version).mkdir(parents=True)
    set_alias(tmp_path / "models", "production", "v001")
    return tmp_path / "models"


def test_a_rule_begins_is_shown_with_its_counts_and_ends(models, automl):
    code, out, _ = automl("traffic", ".", "ab", "v002", "--share", "0.1", "--key", "customer")
    assert (code, out) == (0, "ab: v002 gets 10.0%, by customer, v001 is in production\n")
    Ledger(models / "traffic.db").write(read_traffic(models).id, {"v002": Arm(requests=7, errors=2)}, [])
    _, out, _ = automl("traffic", ".")
    assert out.splitlines()[-1].split() == ["v002", "10.0%", "7", "2", "0"]
    shown = json.loads(automl("traffic", ".", "--json")[1])
    assert [arm["requests"] for arm in shown["arms"]] == [0, 7]
    assert automl("traffic", ".", "off")[1] == "ab of v002 is over\n"
    assert automl("traffic", ".", "off")[1] == "there is no traffic rule\n"
    assert read_traffic(models) is None


def test_a_canary_has_limits(models, automl):
    automl("traffic", ".", "canary", "v002", "--hold", "50", "--error-rate", "0.2", "--slower", "3")
    rule = read_traffic(models)
    assert (rule.share, rule.limits.hold, rule.limits.error_rate, rule.limits.slower) == (0.1, 50, 0.2, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("off", "v002"), "takes no version"),
        (("ab", "v002", "--hold", "3"), "are of a canary"),
        (("ab", "v003"), "There is no model version or alias"),
        (("ab",), "has a second version"),
        (("both", "v002"), "both"),
    ],
)
def test_what_makes_no_sense_is_refused(models, automl, arguments, said):
    code, _, err = automl("traffic", ".", *arguments)
    assert code == 2
    assert said in err
    assert read_traffic(models) is None


def test_encryption_begins_and_its_key_is_exchanged(models, automl, monkeypatch):
    assert automl("encrypt", ".")[0] == 2
    monkeypatch.setenv("AUTOML_PASSPHRASE", "correct horse battery")
    assert automl("encrypt", ".")[1] == "new versions are encrypted\n"
    before = (models / "keyring.json").read_text()
    monkeypatch.setenv("AUTOML_NEW_PASSPHRASE", "battery horse correct")
    assert automl("encrypt", ".", "--rotate")[0] == 0
    assert (models / "keyring.json").read_text() != before
    assert automl("encrypt", ".", "--rotate")[0] == 3
