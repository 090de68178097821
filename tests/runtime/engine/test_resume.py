"""Searches that go on where they were stopped, by a real kill -9 of a real process too."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit, load
from automl_runtime.engine import search
from automl_runtime.errors import Cancelled, DataError, RequestError
from automl_runtime.events import CancellationToken, Finding, TrialFinished, Warned

CHILD = """
import sys
import pandas as pd
from automl_runtime import fit
from automl_runtime.engine import portfolio
from automl_runtime.events import json_lines

portfolio._TREES = 10  # as in the tests of this folder
{options}
fit(pd.read_parquet(sys.argv[1]), "y", **options, resume=sys.argv[2], on_event=json_lines(sys.stdout))
"""


def rows(seed=1):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(240, 3))
    y = np.where(x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * draw.normal(size=240) > 0, "on", "off")
    return pd.DataFrame(x, columns=["a", "b", "c"]).assign(kind=draw.choice(["u", "v", "w"], 240), y=y)


def killed_after(number, tmp_path, **options):
    """The folder of a search in another process that was killed (SIGKILL) after it had said that `number` trials are done."""
    rows().to_parquet(tmp_path / "rows.parquet")
    code = CHILD.format(options=f"options = {options!r}")
    command = [sys.executable, "-c", code, str(tmp_path / "rows.parquet"), str(tmp_path / "kept")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if json.loads(line).get("number") == number:
                os.kill(process.pid, signal.SIGKILL)
                break
        process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    return tmp_path / "kept"


def finished(folder):
    return sorted(path.name for path in folder.glob("trial_*.npz"))


@pytest.fixture
def fitted(monkeypatch):
    """The names of the configurations that are really fitted, one for each fold."""
    names = []
    original = search.fit_fold

    def counted(workspace, config, *arguments, **more):
        names.append(config.name)
        return original(workspace, config, *arguments, **more)

    monkeypatch.setattr(search, "fit_fold", counted)
    return names


def test_after_a_kill_the_search_goes_on_and_ends_as_if_nothing_had_happened(tmp_path, fitted):
    options = {"trials": 7, "folds": 3}
    folder = killed_after(4, tmp_path, **options)
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("trial_*.npz")}
    assert len(kept) >= 4
    events = []
    model = fit(rows(), "y", **options, resume=folder, on_event=events.append)
    assert len(set(fitted)) == 7 - len(kept)
    assert {name: (folder / name).stat().st_mtime_ns for name in kept} == kept
    assert [event.text for event in events if isinstance(event, Finding)] == [
        f"{len(kept)} finished trials from {folder}"
    ]
    whole = fit(rows(), "y", **options)
    assert model.trials == whole.trials
    assert model.weights == whole.weights
    pd.testing.assert_frame_equal(model.oof, whole.oof)
    pd.testing.assert_frame_equal(model.predict_proba(rows(2)), whole.predict_proba(rows(2)), check_exact=True)
    stored = [sorted(path.name for path in each.save(tmp_path / name)) for each, name in ((model, "a"), (whole, "b"))]
    assert stored[0] == stored[1]
    # CatBoost writes the time of training into its models.
    for name in [name for name in stored[0] if not name.endswith(".cbm.gz")]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_the_time_used_before_the_kill_counts(tmp_path, fitted):
    folder = killed_after(3, tmp_path, budget_seconds=600)
    before = len(finished(folder))
    # A budget that the first process has used up: no new trial is begun.
    model = fit(rows(), "y", budget_seconds=0.01, resume=folder)
    assert fitted == []
    assert len(model.trials) == before
    assert model.seconds > 0.01


def test_a_torn_trial_is_done_again(tmp_path, fitted):
    whole = fit(rows(), "y", trials=3, resume=tmp_path)
    torn = tmp_path / "trial_0003.npz"
    torn.write_bytes(torn.read_bytes()[:-40])
    (tmp_path / ".trial_0004.npz.x1.npz").write_bytes(b"PK")
    events = []
    fitted.clear()
    again = fit(rows(), "y", trials=3, resume=tmp_path, on_event=events.append)
    assert len(set(fitted)) == 1
    assert again.trials == whole.trials
    assert zipfile.ZipFile(torn).testzip() is None
    assert not list(tmp_path.glob(".*.npz"))
    assert [event.text for event in events if isinstance(event, Warned)] == [
        f"{torn} was not written completely: this trial is done again."
    ]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda frame: frame.assign(a=frame["a"] + 1e-9), {}, "different: data."),
        (lambda frame: frame.rename(columns={"a": "z"}), {}, r"different: columns \(was \['a', 'b'"),
        (lambda frame: frame.assign(y=frame["y"][::-1].to_numpy()), {}, "different: values of the target"),
        (lambda frame: frame, {"seed": 1}, r"different: seed \(was 0, is 1\)"),
        (lambda frame: frame, {"folds": 4}, r"different: folds \(was 5, is 4\)"),
        (lambda frame: frame, {"metric": "f1"}, r"different: metric \(was 'roc_auc', is 'f1'\)"),
        (lambda frame: frame, {"weights": np.arange(1.0, 241.0)}, "different: values of the target, weights"),
    ],
)
def test_a_checkpoint_of_another_search_is_refused_by_name(tmp_path, change, options, message):
    fit(rows(), "y", trials=1, resume=tmp_path)
    with pytest.raises(RequestError, match=message):
        fit(change(rows()), "y", **({"trials": 1} | options), resume=tmp_path)


def test_a_folder_that_is_no_checkpoint_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RequestError, match="is no checkpoint, and not empty"):
        fit(rows(), "y", trials=1, resume=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    (tmp_path / "thesis.txt").rename(tmp_path / "checkpoint.json")
    with pytest.raises(DataError, match="does not say of which search"):
        fit(rows(), "y", trials=1, resume=tmp_path)


def test_a_checkpoint_belongs_to_one_search_at_a_time(tmp_path):
    seen = []

    def second():
        if not seen:
            seen.append(True)
            with pytest.raises(RequestError, match="Another process is working"):
                fit(rows(), "y", trials=1, resume=tmp_path)
        return False

    fit(rows(), "y", trials=2, resume=tmp_path, cancel=lambda: len(finished(tmp_path)) == 1 and second())
    assert seen


def test_cancelling_keeps_the_best_model_and_the_trials(tmp_path, fitted):
    token = CancellationToken()

    def stop(event):
        if isinstance(event, TrialFinished) and event.number == 2:
            token.cancel()

    with pytest.raises(Cancelled, match=r"after \d+ trials; the best model so far lies in .*best\.\n.*resume="):
        fit(rows(), "y", budget_seconds=600, resume=tmp_path, cancel=token, on_event=stop)
    shares = load(tmp_path / "best").predict_proba(rows(2))
    assert np.mean((shares["on"] > 0.5) == (rows(2)["y"] == "on")) > 0.7
    before = len(finished(tmp_path))
    assert before >= 2
    fitted.clear()
    model = fit(rows(), "y", trials=before + 1, resume=tmp_path)
    assert len(set(fitted)) == 1
    assert len(model.trials) == before + 1


def test_a_forecast_is_resumed_too(tmp_path, fitted):
    days = pd.date_range("2024-01-01", periods=60, freq="D")
    table = pd.DataFrame({"day": days, "sold": 50 + np.arange(60) % 7})
    options = {"task": "forecast", "time": "day", "horizon": 3, "trials": 2}
    first = fit(table, "sold", **options, resume=tmp_path)
    fitted.clear()
    again = fit(table, "sold", **options, resume=tmp_path)
    assert fitted == []
    pd.testing.assert_frame_equal(first.forecast(), again.forecast())
