from __future__ import annotations

import json

import pytest
from automl_runtime.tracking.runs import RunFolder


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "project.yaml").touch()
    for cv in (0.7, 0.9, None):
        with RunFolder.create(tmp_path / "experiments", "roc_auc") as run:
            run.update(cv=cv)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_are_listed_filtered_and_sorted(project, automl):
    code, out, _ = automl("runs", "--filter", "cv > 0.5", "--sort", "-cv", "--json")
    assert code == 0
    assert [(run["run"][:7], run["cv"]) for run in json.loads(out)] == [("run_002", 0.9), ("run_001", 0.7)]
    code, out, _ = automl("runs")
    assert [line.split()[1][:7] for line in out.splitlines()[2:]] == ["run_001", "run_002", "run_003"]


def test_a_wrong_filter_is_pointed_at(project, automl):
    code, _, err = automl("runs", "--filter", "cv > high")
    assert code == 2
    assert err.endswith("position 6: `cv` is a number, and this is none.\n  cv > high\n       ^\n")


@pytest.mark.parametrize(
    ("runs", "code", "word"), [(("1", "2"), 0, "better"), (("2", "1"), 1, "worse"), (("1", "1"), 1, "as good")]
)
def test_compare_answers_by_its_exit_code(project, automl, runs, code, word):
    found, out, _ = automl("compare", *runs)
    assert found == code
    assert f" is {word}: cv roc_auc 0." in out
    found, out, _ = automl("compare", *runs, "--project", str(project), "--json")
    assert found == code
    assert json.loads(out)["better"] == (code == 0)


def test_compare_needs_runs_with_a_score(project, automl):
    assert automl("compare", "1", "3")[0] == 3
    code, _, err = automl("compare", "1", "9")
    assert code == 2
    assert "There is no run '9'" in err


@pytest.mark.filterwarnings("ignore")  # of MLflow and what it imports
def test_runs_are_exported_to_mlflow_once(project, automl):
    arguments = ("export-runs", "--mlflow", "ml", "--filter", "cv > 0.8", "--json")
    assert json.loads(automl(*arguments)[1]) == {"uri": "ml", "exported": 1, "updated": 0}
    assert json.loads(automl(*arguments)[1]) == {"uri": "ml", "exported": 0, "updated": 1}
    assert (project / "ml" / "mlflow.db").is_file()
