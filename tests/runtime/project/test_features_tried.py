"""The part of the report about features that were proposed."""

from __future__ import annotations

import pytest
from automl_runtime.errors import DataError
from automl_runtime.project.features_tried import TRIED_FILE, features_section, tried_features
from automl_schemas.features import TriedFeature


def tried(name: str, **facts: object) -> TriedFeature:
    return TriedFeature(
        **{"name": name, "columns": ["a"], "why": "a <b> ratio", "by": "rule", "fate": "does not help", **facts}
    )


def test_without_proposals_there_is_no_part(tmp_path):
    assert features_section(tried_features(tmp_path)) == ""


def test_the_last_fate_of_each_is_read_and_what_was_kept_stands_first(tmp_path):
    (tmp_path / "experiments").mkdir()
    lines = [
        tried("x", gain=0.3, interval=(0.1, 0.5), metric="rmse"),
        tried("y", fate="helps", gain=0.1, interval=(0.05, 0.2), metric="rmse"),
        tried("y", fate="helps", gain=0.1, interval=(0.05, 0.2), metric="rmse", kept=True, by="model"),
        tried("z", fate="refused", note="depends on other rows"),
    ]
    (tmp_path / TRIED_FILE).write_text("".join(line.model_dump_json() + "\n" for line in lines))
    found = tried_features(tmp_path)
    assert [each.name for each in found] == ["x", "y", "z"]
    html = features_section(found)
    assert "3 proposed, 1 kept" in html
    assert html.index(">y<") < html.index(">x<") < html.index(">z<")
    assert "a &lt;b&gt; ratio" in html
    assert "a language model" in html
    assert "depends on other rows" in html
    assert "Gains in rmse" in html


@pytest.mark.parametrize("line", ["", "{}", "[]", '{"name": 1}'])
def test_what_is_no_record_is_named_with_its_line(tmp_path, line):
    (tmp_path / "experiments").mkdir()
    (tmp_path / TRIED_FILE).write_text(f"{tried('x').model_dump_json()}\n{line}\n")
    with pytest.raises(DataError, match="Line 2 of"):
        tried_features(tmp_path)
