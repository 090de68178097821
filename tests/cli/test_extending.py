"""`automl register` and `automl list`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")


@pytest.fixture
def automl(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-P", "-m", "automl_agent", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "AUTOML_HOME": str(tmp_path / "home")},
            check=False,
        )

    return run


def test_the_estimator_of_the_guide_is_registered_listed_used_and_forgotten(automl, tmp_path):
    example = next(code for code in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "class " in code)
    (tmp_path / "my_models.py").write_text(example, encoding="utf-8")
    commands = re.findall(r"^automl (register .*|list .*)$", GUIDE, re.MULTILINE)
    assert [automl(*command.split()).returncode for command in commands] == [0, 0]
    listed = json.loads(automl("list", "architectures", "--json").stdout)
    assert {"name": "centroids", "target": "my_models:Centroids", "origin": "registered"} in listed["parts"]
    code = (
        "import numpy as np, pandas as pd; from automl_runtime import fit;"
        "rows = pd.DataFrame({'a': np.arange(80.0), 'y': np.arange(80) > 40});"
        "print(*(row.model for row in fit(rows, 'y', trials=2, folds=2).leaderboard()))"
    )
    env = {**os.environ, "AUTOML_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, env=env, check=True)
    assert "centroids" in done.stdout.split()
    assert automl("register", "architectures", "--remove", "centroids").returncode == 0
    assert "centroids" not in automl("list", "architectures").stdout


@pytest.mark.parametrize("kind", ["preprocessors", "architectures", "evaluators", "metrics", "strategies"])
def test_every_kind_is_listed(automl, kind):
    done = automl("list", kind)
    assert (done.returncode, done.stderr) == (0, "")
    assert "built in" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "metricks"], "Did you mean metrics"),
        (["register", "metrics"], "--name and --module are needed"),
        (["register", "metrics", "--name", "mine"], "--name and --module are needed"),
        (["register", "metrics", "--name", "mine", "--module", "nowhere:x"], "cannot be loaded"),
        (["register", "metrics", "--remove", "mine"], "no registered metric 'mine'"),
        (["register", "metrics", "--remove", "mine", "--name", "x"], "--remove stands alone"),
    ],
)
def test_misuse_is_explained(automl, arguments, words):
    done = automl(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_the_table_of_the_guide_names_every_value():
    from automl_runtime.engine.registries import registry

    missing = [name for name in registry("preprocessors").plugins() if f"`{name.partition('.')[2]}`" not in GUIDE]
    assert missing == []
