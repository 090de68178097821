from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from automl_runtime.errors import BundleError, RequestError
from automl_runtime.registry.aliases import (
    alias_history,
    find_version,
    list_versions,
    next_version,
    read_aliases,
    set_alias,
)


def versions(models: Path, *names: str) -> Path:
    for name in names:
        (models / name).mkdir(parents=True)
    return models


def test_versions_count_on_from_the_newest(tmp_path: Path) -> None:
    assert next_version(tmp_path / "models") == "v001"
    models = versions(tmp_path / "models", "v001", "v002", "v010", ".v011.tmp", "notes", "v1")
    (models / "v099").write_text("a file")
    assert list_versions(models) == ["v001", "v002", "v010"]
    assert next_version(models) == "v011"
    versions(models, "v999")
    assert next_version(models) == "v1000"


def test_an_alias_points_at_a_version(tmp_path: Path) -> None:
    models = versions(tmp_path / "models", "v001", "v002")
    set_alias(models, "production", "v001")
    set_alias(models, "candidate", "v002")
    set_alias(models, "production", "v002")
    assert read_aliases(models) == {"candidate": "v002", "production": "v002"}
    assert find_version(models) == "v002"
    assert find_version(models, "v001") == "v001"
    assert find_version(models, "candidate") == "v002"
    assert sorted(path.name for path in models.iterdir()) == [".lock", "aliases.json", "history.jsonl", "v001", "v002"]


@pytest.mark.parametrize("name", ["v009", "staging", "../v001", ""])
def test_an_unknown_name_lists_what_there_is(tmp_path: Path, name: str) -> None:
    models = versions(tmp_path / "models", "v001")
    set_alias(models, "production", "v001")
    with pytest.raises(RequestError, match="known: v001, production"):
        find_version(models, name or "''")


def test_nothing_in_production_is_said(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="in production yet"):
        find_version(tmp_path)


def test_an_alias_needs_a_version_and_a_plain_word(tmp_path: Path) -> None:
    models = versions(tmp_path / "models", "v001")
    with pytest.raises(RequestError, match="'v002'"):
        set_alias(models, "production", "v002")
    with pytest.raises(RequestError, match="cannot be an alias"):
        set_alias(models, "Über", "v001")
    assert not (models / "aliases.json").exists()


def test_a_version_that_was_deleted_is_not_found(tmp_path: Path) -> None:
    models = versions(tmp_path / "models", "v001", "v002")
    set_alias(models, "production", "v002")
    (models / "v002").rmdir()
    with pytest.raises(RequestError, match="'v002'"):
        find_version(models)


@pytest.mark.parametrize("content", ["{", "[]", '{"production": 1}', '{"production": "../v001"}', '{"": "v001"}'])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "aliases.json").write_text(content)
    with pytest.raises(BundleError, match=r"aliases\.json is broken"):
        read_aliases(tmp_path)


def test_the_file_is_plain_json(tmp_path: Path) -> None:
    set_alias(versions(tmp_path / "models", "v001"), "production", "v001")
    assert json.loads((tmp_path / "models" / "aliases.json").read_text()) == {"production": "v001"}


def test_changes_are_kept_with_time_user_and_reason(tmp_path: Path) -> None:
    models = versions(tmp_path / "models", "v001", "v002")
    set_alias(models, "production", "v001", reason="first")
    set_alias(models, "production", "v002")
    with (models / "history.jsonl").open("a") as file:
        file.write("half a li")
    first, second = alias_history(models)
    assert (first.before, first.after, first.reason) == (None, "v001", "first")
    assert (second.before, second.after, second.alias) == ("v001", "v002", "production")
    assert datetime.fromisoformat(first.at) <= datetime.fromisoformat(second.at)
    assert alias_history(tmp_path) == []


def test_aliases_that_are_set_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    models = versions(tmp_path / "models", "v001")
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(set_alias, models, f"name-{number}", "v001") for number in range(24)]:
            done.result()
    assert len(read_aliases(models)) == len(alias_history(models)) == 24
