from __future__ import annotations

import importlib.metadata

from automl_agent.doctor import examine


def test_required_parts_are_found_with_their_versions():
    checks = {check.name: check for check in examine()}
    assert checks["pandas"].value == importlib.metadata.version("pandas")
    assert all(check.ok for check in checks.values() if check.required)


def test_what_is_missing_comes_with_what_to_do(monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    missing = [check for check in examine() if not check.ok]
    assert {"pandas", "catboost", "langchain"} <= {check.name for check in missing}
    assert all(check.fix for check in missing)
