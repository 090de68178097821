from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from agent.members_project import commit, copy_project, edit, git, make_project, state
from automl_agent.updating import check, update
from automl_generators.update.pristine import Pristine
from automl_runtime.errors import AutomlError, Cancelled, DataError, RequestError
from automl_runtime.events import Progress
from automl_runtime.project import Project
from sharing import made_once

REPLICAS = Path("deployment/kubernetes/autoscaler.yaml")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    place = made_once(tmp_path_factory, "updated", lambda place: make_project(place, trials=1))
    return place / "project"


@pytest.fixture
def project(made, tmp_path) -> Path:
    return copy_project(made, tmp_path)


def package(project: Path) -> Path:
    [found] = (project / "src").iterdir()
    return found


def ask_for_more(project: Path) -> None:
    """A setting that changes a generated file and reaches no model."""
    edit(project / "project.yaml", "requests_per_day: null", "requests_per_day: 9000000  # in March")


def test_a_project_that_is_up_to_date_is_left_alone(project):
    before = state(project)
    done = update(project)
    assert (done.branch, done.commit, done.changed, done.merged, done.diff) == (None, None, [], [], "")
    assert state(project) == before


def test_edits_in_many_places_survive_and_nothing_is_trained(project):
    readme, config, docker = project / "README.md", project / "config" / "base.yaml", project / "deployment"
    readme.write_text(readme.read_text() + "\nAsk Tom first.\n")
    edit(config, "port: 8000", "port: 9000")
    edit(project / REPLICAS, "app: ", "app:  ")
    edit(package(project) / "predict.py", "import annotations", "import annotations  # mine")
    (project / ".env.example").unlink()
    (project / "ops").mkdir()
    (docker / "compose.yaml").rename(project / "ops" / "compose.yaml")
    ask_for_more(project)
    commit(project)
    model = git(project, "rev-parse", "HEAD:models")

    done = update(project)

    assert (done.branch, done.merged, done.conflicts, done.retrained) == ("automl/update-1", [str(REPLICAS)], [], False)
    assert git(project, "branch", "--show-current") == "automl/update-1"
    assert git(project, "rev-parse", "HEAD") == done.commit
    assert git(project, "rev-list", "--count", "HEAD") == "3"
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-parse", "HEAD:models") == model
    assert "passed" in done.tests
    assert "Ask Tom first." in readme.read_text()
    assert "port: 9000" in config.read_text()
    assert "app:  " in (project / REPLICAS).read_text()
    assert "minReplicas: 11" in (project / REPLICAS).read_text()
    assert "# in March" in (project / "project.yaml").read_text()
    assert not (project / ".env.example").exists()
    assert not (docker / "compose.yaml").exists()
    assert (project / "ops" / "compose.yaml").is_file()
    assert b"minReplicas: 11" in Pristine.load(project).text(REPLICAS.as_posix())
    assert update(project).branch is None


def test_a_conflict_leaves_the_checkout_and_stands_on_the_branch(project):
    edit(project / REPLICAS, "minReplicas: 2", "minReplicas: 5")
    ask_for_more(project)
    commit(project)
    before = state(project)

    done = update(project)

    [conflict] = done.conflicts
    assert conflict.path == REPLICAS.as_posix()
    assert conflict.yours.endswith("minReplicas: 5\n")
    assert conflict.wanted.endswith("minReplicas: 11\n")
    assert (done.branch, done.tests) == ("automl/update-1", None)
    git(project, "branch", "-m", done.branch, "looked-at")
    assert "<<<<<<< your version" in git(project, "show", f"looked-at:{REPLICAS}")
    git(project, "branch", "-D", "looked-at")
    assert state(project) == before


def test_a_dry_run_shows_what_will_be_committed_and_changes_nothing(project):
    ask_for_more(project)
    edit(project / "config" / "base.yaml", "port: 8000", "port: 9000")
    commit(project)
    before = state(project)
    shown = update(project, dry_run=True)
    assert state(project) == before
    assert (shown.branch, shown.commit, shown.retrained) == (None, None, False)
    update(project)
    assert git(project, "diff", "HEAD~1", "--", ".", ":(exclude).automl") == shown.diff.strip()


def test_a_column_dropped_by_hand_is_dropped_everywhere_and_the_model_is_trained_again(project):
    edit(
        project / "project.yaml",
        "  drop: []\n",
        "  drop:\n  # Nobody's business.\n  - {table: members, column: Fee, reason: asked}\n",
    )
    edit(
        package(project) / "custom_features.py",
        "    return features\n",
        "    return features.assign(vip=rows['VIP'].astype(float))\n",
    )
    commit(project)
    old = (project / "data" / "processed" / "train.parquet").read_bytes()

    done = update(project)

    assert done.retrained
    assert "data.drop has changed" in done.reasons
    assert '"Fee"' not in (package(project) / "features.py").read_text()
    assert "# Nobody's business." in (project / "project.yaml").read_text()
    assert "assign(vip" in (package(project) / "custom_features.py").read_text()
    assert (done.before.metric, done.after.metric) == ("roc_auc", "roc_auc")
    assert Project.load(project).bundle().manifest.model_version == "v002"
    assert "vip" in Project.load(project).bundle().manifest.features
    assert git(project, "status", "--porcelain") == ""
    assert (project / "data" / "processed" / "train.parquet").read_bytes() != old
    assert sorted(path.name[:7] for path in (project / "experiments").glob("run_*")) == ["run_001", "run_002"]
    assert update(project).branch is None


@pytest.mark.slow
def test_new_words_change_what_they_say_and_nothing_else(project):
    edit(project / "project.yaml", "folds: 5", "folds: 3")
    commit(project)
    done = update(project, request="predict which members have left, F1 above 0.5")
    spec = Project.load(project).spec
    assert (spec.metric.name, spec.metric.goal.value, spec.training.folds, spec.training.trials) == ("f1", 0.5, 3, 1)
    assert spec.request == "predict which members have left, F1 above 0.5"
    assert (spec.name, spec.data.source) == (
        yaml.safe_load(git(project, "show", "main:project.yaml"))["name"],
        "../raw",
    )
    assert done.after.metric == "f1"


def test_words_against_a_setting_changed_by_hand_are_a_conflict(project):
    edit(project / "project.yaml", "value: 0.6", "value: 0.7")
    commit(project)
    [conflict] = update(project, request="predict which members have left, AUC above 0.9").conflicts
    assert (conflict.path, conflict.yours.strip(), conflict.wanted.strip()) == (
        "project.yaml",
        "value: 0.7",
        "value: 0.9",
    )


def test_another_goal_is_judged_without_training(project):
    edit(project / "project.yaml", "value: 0.6", "value: 0.1")
    commit(project)
    done = update(project)
    assert (done.retrained, done.after.goal.value, done.after.goal.met) == (False, 0.1, True)
    assert "0.1" in (project / "reports" / "model_card.md").read_text()


@pytest.mark.slow
def test_data_that_have_changed_are_read_and_learned_from(project):
    members = project.parent / "raw" / "members.csv"
    lines = members.read_text().splitlines(keepends=True)
    members.write_text("".join(lines[:-40]))
    done = update(project)
    assert done.retrained
    assert done.reasons == ["the data are not those that the model was trained on"]
    assert done.after.rows_train + done.after.rows_holdout < done.before.rows_train + done.before.rows_holdout
    assert update(project).branch is None


@pytest.mark.slow
def test_other_data_are_named_in_project_yaml(project, tmp_path):
    shutil.copytree(project.parent / "raw", tmp_path / "elsewhere" / "new")
    update(project, data=tmp_path / "elsewhere" / "new", budget_seconds=5)
    spec = Project.load(project).spec
    assert (spec.data.source, spec.training.budget_seconds) == ("../elsewhere/new", 5.0)


def test_without_the_data_the_files_are_updated_and_a_training_is_refused(project):
    shutil.rmtree(project.parent / "raw")
    ask_for_more(project)
    commit(project)
    assert update(project).branch == "automl/update-1"
    edit(project / "project.yaml", "folds: 5", "folds: 3")
    commit(project)
    before = state(project)
    with pytest.raises(DataError, match="does not exist") as refused:
        update(project)
    assert "--data" in refused.value.hint
    assert state(project) == before


def test_nothing_is_changed_when_the_project_s_tests_fail(project):
    (project / "tests" / "test_mine.py").write_text("def test_mine():\n    assert 1 == 2\n")
    ask_for_more(project)
    commit(project)
    before = state(project)
    with pytest.raises(AutomlError, match="test_mine") as failed:
        update(project)
    assert failed.value.exit_code == 1
    assert state(project) == before


@pytest.mark.parametrize("stage", ["comparing", "testing"])
def test_an_interrupt_leaves_everything_as_it_was(project, stage):
    ask_for_more(project)
    commit(project)
    before = state(project)

    def interrupt(event):
        if isinstance(event, Progress) and event.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(Cancelled, match="as it was"):
        update(project, on_event=interrupt)
    assert state(project) == before


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_being_stopped_while_it_trains_leaves_everything_as_it_was(project):
    edit(project / "project.yaml", "trials: 1", "trials: 400")
    commit(project)
    before = state(project)
    command = [sys.executable, "-m", "automl_agent", "update", str(project)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not list(project.parent.glob(".project.update-*/experiments/run_002*")):
            assert process.poll() is None
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 5, said
    assert state(project) == before


def test_a_file_that_git_ignores_is_not_overwritten(project):
    manifest = project / ".automl" / "manifest.json"
    name = "deployment/prometheus/prometheus.yml"
    git(project, "rm", "-q", "--cached", name)
    (project / name).write_text("mine\n")
    (project / ".gitignore").write_text((project / ".gitignore").read_text() + f"/{name}\n")
    # As if the file were new in this version.
    content = json.loads(manifest.read_text())
    del content["files"][name]
    manifest.write_text(json.dumps(content, indent=1) + "\n")
    commit(project)
    [conflict] = update(project).conflicts
    assert (conflict.path, conflict.kind) == (name, "taken")
    assert (project / name).read_text() == "mine\n"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: predict", "name: another", "renames no package"),
        ("folds: 5", "folds: many", "folds"),
        ("folds: 5", "fold: 5", "fold"),
        ("seed: 0", "seed: [", "YAML"),
    ],
)
def test_a_project_yaml_that_cannot_be_used_is_refused(project, old, new, message):
    edit(project / "project.yaml", old, new)
    commit(project)
    before = state(project)
    with pytest.raises(RequestError, match=message):
        update(project)
    assert state(project) == before


@pytest.mark.parametrize(
    ("wishes", "error"),
    [
        ({"request": "hello"}, RequestError),
        ({"request": "predict which members have left", "answers": {"leak.nonsense": "keep"}}, RequestError),
        ({"data": Path("/nowhere")}, DataError),
    ],
)
def test_wishes_that_cannot_be_used_are_refused(project, wishes, error):
    before = state(project)
    with pytest.raises(error):
        update(project, **wishes)
    assert state(project) == before


def test_a_clone_without_data_can_be_checked(project, tmp_path):
    ask_for_more(project)
    commit(project)
    clone = tmp_path / "somewhere" / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    found = check(clone)
    assert found.files == [REPLICAS.as_posix()]
    assert found.generated_by == found.generator
    assert git(clone, "status", "--porcelain") == ""
    update(project)
    git(clone, "pull", "-q", str(project), "automl/update-1")
    assert check(clone).files == []
