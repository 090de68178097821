"""One round in a project: what helps becomes one commit, what does not changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from automl_agent.feature_code import adding
from automl_agent.feature_code.allowed import check_code
from automl_agent.feature_code.rounds import add_feature, propose, propose_and_apply
from automl_agent.steps import run_tests
from automl_runtime.errors import DataError, RequestError
from automl_runtime.events import Finding
from automl_runtime.project import Project
from automl_runtime.project.features_tried import tried_features
from automl_runtime.registry.aliases import read_aliases


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def tree_of(folder):
    tracked = git(folder, "ls-files").splitlines()
    return {name: (folder / name).read_bytes() for name in tracked} | {
        "": git(folder, "status", "--porcelain").encode()
    }


def test_what_helps_becomes_one_commit_with_a_test_and_a_better_model(project):
    events = []
    added = add_feature(project, "ratio of fee to trips", on_event=events.append)
    [judged] = added.judged
    assert (judged.fate, judged.metric, added.kept) == ("helps", "roc_auc", ("fee_per_trips",))
    assert 0 < judged.interval[0] < judged.gain
    assert "landlock" in judged.isolation
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-list", "--count", "HEAD").strip() == "2"
    assert git(project, "log", "-1", "--format=%s").strip() == "Add the feature fee_per_trips"
    assert read_aliases(project / "models")["production"] == added.writing.outcome.production == "v002"
    assert "fee_per_trips" in Project.load(project).bundle().manifest.features
    assert "Features that were tried" in (project / "reports" / "report.html").read_text()
    assert ("understood", "Fee divided by Trips (as fee_per_trips)") in [
        (event.topic, event.text) for event in events if isinstance(event, Finding)
    ]
    lint = [sys.executable, "-m", "ruff", "check", "src", "tests"]
    assert subprocess.run(lint, cwd=project, check=False).returncode == 0
    again = add_feature(project, "log of fee", train=False)
    assert again.kept == ()
    with pytest.raises(RequestError, match="already"):
        add_feature(project, check_code(judged.proposal.code, ["Fee", "Trips"]))


@pytest.mark.slow
def test_what_does_not_help_changes_nothing_unless_it_is_kept(project):
    before = tree_of(project)
    added = add_feature(project, "weekend of joined")
    assert (added.judged[0].fate, added.kept, added.writing) == ("does not help", (), None)
    assert tree_of(project) == before
    assert [(each.name, each.kept) for each in tried_features(project)] == [("joined_on_weekend", False)]
    kept = add_feature(project, "weekend of joined", keep=True, train=False)
    assert kept.kept == ("joined_on_weekend",)
    assert kept.writing.outcome is None
    changed = git(project, "diff", "--name-only", "HEAD~1").split()
    assert changed == ["src/predict_left/custom_features.py", "tests/test_custom_features.py"]


def test_code_that_is_no_feature_is_refused_even_if_it_is_to_be_kept(project):
    before = tree_of(project)
    code = 'def same(rows: pd.DataFrame) -> pd.Series:\n    """One."""\n    return rows["Fee"].isna() | rows["Fee"].notna()'
    added = add_feature(project, check_code(code, ["Fee"]), keep=True)
    assert (added.judged[0].fate, added.kept) == ("refused", ())
    assert added.judged[0].note == "has the same value in every row"
    assert tree_of(project) == before


def test_rules_find_the_ratio_and_propose_nothing_that_is_noise(project):
    judged = propose(project, most=4)
    helping = {each.proposal.name for each in judged if each.fate == "helps"}
    assert helping & {"fee_per_trips", "trips_per_fee"}
    assert len(judged) <= 4
    assert git(project, "status", "--porcelain") == ""
    code = 'def shout(rows: pd.DataFrame) -> pd.Series:\n    """Length."""\n    return rows["E-Mail"].str.len()'
    model = check_code(code, ["E-Mail"])
    applied = propose_and_apply(project, also=[model], most=1, train=False)
    assert [each.proposal.by for each in applied.judged] == ["rule", "model"]
    assert "shout" not in applied.kept
    assert set(applied.kept) & {"fee_per_trips", "trips_per_fee"}


@pytest.mark.parametrize("failing", ["retrain", "run_tests"])
def test_a_failure_leaves_the_project_as_it_was(project, monkeypatch, failing):
    before = tree_of(project)

    def fail(*arguments, **options):
        (project / "reports" / "metrics.json").write_text("{}")
        (project / "models" / "v002").mkdir()
        (project / "models" / "v002" / "manifest.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr(adding, failing, fail)
    with pytest.raises(KeyboardInterrupt):
        add_feature(project, "ratio of fee to trips", train=failing == "retrain")
    assert tree_of(project) == before
    assert not (project / "tests" / "test_custom_features.py").exists()
    assert not (project / "models" / "v002").exists()
    assert [each.kept for each in tried_features(project)] == [False]


def test_changes_that_are_not_committed_are_refused(project):
    (project / "notes.txt").write_text("mine")
    with pytest.raises(RequestError, match=r"not committed: notes\.txt"):
        add_feature(project, "ratio of fee to trips")


def test_a_file_that_takes_no_features_is_refused_before_anything_runs(project):
    path = project / "src" / "predict_left" / "custom_features.py"
    path.write_text("def add_features(features, rows):\n    return features\n")
    git(project, "commit", "-qam", "Mine")
    with pytest.raises(RequestError, match="no tuple FEATURES"):
        add_feature(project, "ratio of fee to trips")


@pytest.mark.slow
def test_a_function_of_ones_own_takes_part_in_training_and_tests(project):
    path = project / "src" / "predict_left" / "custom_features.py"
    own = '\ndef trips_per_fee(rows: pd.DataFrame) -> pd.Series:\n    """Mine."""\n    return rows["Trips"] / rows["Fee"]\n\n\nFEATURES: tuple[Callable[[pd.DataFrame], pd.Series], ...] = (trips_per_fee,)'
    text = path.read_text()
    path.write_text(text.replace("FEATURES: tuple[Callable[[pd.DataFrame], pd.Series], ...] = ()", own))
    assert "passed" in run_tests(project)
    git(project, "commit", "-qam", "Mine")
    # What is there already gains nothing more.
    assert add_feature(project, "ratio of fee to trips").judged[0].fate == "does not help"
    path.write_text(path.read_text().replace('rows["Trips"] / rows["Fee"]', 'rows["Fee"].rank()'))
    with pytest.raises(Exception, match="test_a_row_alone_gives_the_same_features"):
        run_tests(project)


@pytest.mark.slow
def test_an_interrupt_at_the_command_line_ends_with_five_and_leaves_no_trace(project):
    before = tree_of(project)
    command = [sys.executable, "-m", "automl_agent", "add-feature", str(project), "ratio of fee to trips"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.strip().startswith("written"):
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
        assert process.wait() == 5, said
    assert tree_of(project) == before


def test_a_folder_that_is_no_project_is_refused(tmp_path):
    with pytest.raises(DataError):
        add_feature(tmp_path, "ratio of a to b")


def test_lines_of_the_record_that_are_none_are_named(project):
    path = project / "experiments" / "features.jsonl"
    path.write_text(json.dumps({"name": "x"}) + "\n")
    with pytest.raises(DataError, match=r"Line 1 of .*features\.jsonl"):
        tried_features(project)
