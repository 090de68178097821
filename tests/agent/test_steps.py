from __future__ import annotations

import textwrap

import pytest
from automl_agent.steps import package_of, run_step, run_tests
from automl_runtime.errors import AutomlError, DataError, TrainingError
from automl_runtime.events import Progress


@pytest.fixture
def project(tmp_path):
    def make(main: str):
        package = tmp_path / "src" / "small"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(textwrap.dedent(main))
        return tmp_path

    return make


def test_events_and_lines_are_told_apart(project):
    root = project(
        """
        print('{"kind": "progress", "stage": "training", "done": 1, "total": 2, "message": ""}')
        print("hello")
        print('{"kind": "other"}')
        """
    )
    events = []
    lines = run_step(root, "train", on_event=events.append)
    assert events == [Progress("training", 1, 2)]
    assert lines == ["hello", '{"kind": "other"}']


def test_where_the_log_is_json_that_of_the_step_is_passed_on(project, monkeypatch, capfd):
    monkeypatch.setenv("AUTOML_LOG", "json")
    root = project(
        """
        import json, os, sys
        print("hello", "AUTOML_EVENTS" in os.environ)
        for number in range(2):
            print(json.dumps({"message": f"no {number}", "run_id": "run_007"}), file=sys.stderr)
        sys.exit(int(sys.argv[2]))
        """
    )
    assert run_step(root, "train", ["0"]) == ["hello False"]
    assert capfd.readouterr().err.count("run_007") == 2
    with pytest.raises(TrainingError, match="`train`: no 1"):
        run_step(root, "train", ["4"])


def test_step_sees_its_arguments_and_variables(project):
    root = project("import os, sys; print(sys.argv[1:], os.environ['EXTRA'], os.environ['AUTOML_EVENTS'])")
    lines = run_step(root, "predict", ["a.csv"], environment={"EXTRA": "1"})
    assert lines == ["['predict', 'a.csv'] 1 jsonl"]


@pytest.mark.parametrize(("code", "kind"), [(3, DataError), (4, TrainingError), (1, AutomlError)])
def test_exit_codes_become_errors_with_the_message(project, code, kind):
    root = project(f"import sys; sys.stderr.write('error: no luck'); sys.exit({code})")
    with pytest.raises(kind, match="no luck") as caught:
        run_step(root, "train")
    assert caught.value.exit_code == code


def test_an_interrupt_while_listening_stops_the_child(project, tmp_path):
    root = project(
        """
        import pathlib, time
        print("started", flush=True)
        time.sleep(60)
        pathlib.Path("finished").touch()
        """
    )

    def interrupt(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_step(root, "train", on_line=interrupt)
    assert not (tmp_path / "finished").exists()


def test_a_folder_without_a_package_is_no_project(tmp_path):
    with pytest.raises(DataError, match="0 packages"):
        package_of(tmp_path)


def test_failing_tests_of_a_project_are_shown(project, tmp_path):
    root = project("")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text("def test_it():\n    assert 1 == 2\n")
    with pytest.raises(AutomlError, match="assert 1 == 2"):
        run_tests(root)


def test_passing_tests_give_pytests_closing_line(project, tmp_path):
    root = project("")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text("def test_it():\n    assert 1 == 1\n")
    assert run_tests(root).startswith("1 passed")
