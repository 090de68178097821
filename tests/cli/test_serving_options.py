from __future__ import annotations

import pytest


@pytest.mark.parametrize("option", ["--memory-gb", "--predictions", "--log-predictions", "--jobs"])
def test_options_of_several_projects_are_none_of_one(tmp_path, automl, option):
    (tmp_path / "project.yaml").touch()
    code, _, said = automl("serve", str(tmp_path), option, "1")
    assert code == 2
    assert option in said
    assert "config/base.yaml" in said


@pytest.mark.parametrize(("option", "needed"), [("--log-predictions", "--predictions"), ("--job-folder", "--jobs")])
def test_options_that_need_another_one_say_so(tmp_path, automl, option, needed):
    code, _, said = automl("serve", str(tmp_path), option, "0.5")
    assert code == 2
    assert f"say with {needed} where" in said
