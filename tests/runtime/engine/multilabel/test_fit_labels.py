"""Rows that may have any number of labels."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from automl_runtime import MultilabelModel, fit, load
from automl_runtime.errors import BundleError, RequestError, SchemaMismatchError, TrainingError
from automl_runtime.events import Warned
from automl_runtime.inference.compiled import CompiledHeads
from automl_runtime.inference.records import RecordEncoder
from sklearn.metrics import accuracy_score, f1_score, hamming_loss, roc_auc_score

LABELS = ["warm", "wet", "windy"]


def rows_of(count=240, seed=0):
    """Mixed columns; `windy` follows from the other two labels, and some rows have no label."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "height": rng.normal(size=count),
            "water": rng.normal(size=count),
            "place": rng.choice(["coast", "hill", "town"], count),
        }
    )
    warm = (rows["height"] + rng.normal(scale=0.3, size=count)) < 0
    wet = (rows["water"] + (rows["place"] == "coast") + rng.normal(scale=0.3, size=count)) > 0.5
    rows.loc[::17, "height"] = np.nan
    return rows.assign(warm=warm.astype(int), wet=wet, windy=(warm & wet).astype(float))


ROWS, FRESH = rows_of(), rows_of(seed=1)
INPUTS = ["height", "water", "place"]


@pytest.fixture(scope="module")
def model():
    return fit(ROWS, LABELS, task="multilabel", models=["lightgbm", "linear"], trials=2)


def test_labels_are_learned_in_the_order_in_which_they_were_given(model):
    found = model.predict(FRESH[INPUTS])
    assert isinstance(model, MultilabelModel) and model.task == "multilabel"
    assert list(found.columns) == LABELS and (found.index == FRESH.index).all()
    assert set(np.unique(found)) == {0, 1}
    assert (FRESH[LABELS].sum(axis=1) == 0).any() and (found.sum(axis=1) == 0).any()
    assert model.evaluate(FRESH)["f1_macro"] > 0.8
    assert model.features == INPUTS


def test_scores_are_those_of_scikit_learn(model):
    truth, found, shares = FRESH[LABELS].astype(int), model.predict(FRESH), model.predict_proba(FRESH)
    assert model.evaluate(FRESH) == pytest.approx(
        {
            "f1_micro": f1_score(truth, found, average="micro"),
            "f1_macro": f1_score(truth, found, average="macro"),
            "subset_accuracy": accuracy_score(truth, found),
            "hamming_loss": hamming_loss(truth, found),
            "roc_auc": roc_auc_score(truth, shares, average="macro"),
        }
    )


def test_a_saved_model_gives_the_same(model, tmp_path):
    files = model.save(tmp_path)
    assert {file.name for file in files} >= {"multilabel.json", "arrays.npz", "model.json"}
    again = load(tmp_path)
    pd.testing.assert_frame_equal(again.predict_proba(FRESH), model.predict_proba(FRESH))
    pd.testing.assert_frame_equal(again.predict(FRESH), model.predict(FRESH))
    assert again.evaluate(FRESH) == model.evaluate(FRESH)
    assert again.leaderboard() == model.leaderboard() and again.cv == model.cv


@pytest.mark.parametrize(
    ("key", "value"), [("learned", ["warm"]), ("labels", ["warm", "wet", "cold"]), ("thresholds", {}), ("version", 9)]
)
def test_a_changed_record_is_refused(model, tmp_path, key, value):
    model.save(tmp_path)
    record = json.loads((tmp_path / "multilabel.json").read_text(encoding="utf-8"))
    (tmp_path / "multilabel.json").write_text(json.dumps(record | {key: value}), encoding="utf-8")
    with pytest.raises(BundleError):
        load(tmp_path)


def test_thresholds_are_chosen_for_each_label_and_the_leaderboard_names_it(model):
    assert set(model.thresholds) == set(LABELS) == set(model.scores)
    assert {row.model.split(": ")[0] for row in model.leaderboard()} == set(LABELS)
    assert model.cv == pytest.approx(np.mean(list(model.scores.values())))


def test_one_label_is_explained_at_a_time(model):
    found = model.explain(FRESH.iloc[:3], "warm", seconds=5)
    assert list(found.columns) == [*INPUTS, "base"]
    with pytest.raises(RequestError, match="no model of the label 'cold'"):
        model.explain(FRESH, "cold")


def test_one_column_may_list_the_labels():
    cells = [";".join(name for name in LABELS if row[name]) for _, row in ROWS.iterrows()]
    listed = ROWS[INPUTS].assign(tags=pd.Series(cells).replace("", None))
    model = fit(listed, "tags", task="multilabel", label_separator=";", models=["linear"], trials=1)
    apart = fit(ROWS, LABELS, models=["linear"], trials=1)
    pd.testing.assert_frame_equal(model.predict_proba(FRESH), apart.predict_proba(FRESH))
    known = FRESH.assign(tags=[[name for name in LABELS if row[name]] for _, row in FRESH.iterrows()])
    assert model.evaluate(known, "tags") == apart.evaluate(FRESH)
    with pytest.raises(SchemaMismatchError, match="does not know the label 'cold'"):
        model.evaluate(known.assign(tags="cold;warm"), "tags", label_separator=";")


def test_labels_that_cannot_be_learned_are_named_and_kept():
    said = []
    rows = ROWS.assign(always=1, never=0, once=[1] + [0] * (len(ROWS) - 1))
    labels = ["always", "warm", "never", "once"]
    model = fit(rows, labels, models=["linear"], trials=1, on_event=said.append)
    told = " ".join(event.text for event in said if isinstance(event, Warned))
    assert [label for label in labels if repr(label) in told] == ["always", "never", "once"]
    assert model.predict(FRESH)[["always", "never", "once"]].drop_duplicates().to_numpy().tolist() == [[1, 0, 0]]
    assert list(model.predict_proba(FRESH).columns) == labels


def test_a_rare_label_is_found_by_its_own_threshold():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400)})
    noise = rng.normal(scale=0.5, size=400)
    rows = rows.assign(rare=(rows["a"] + noise > 2.0).astype(int), usual=(rows["b"] > 0).astype(int))
    model = fit(rows, ["rare", "usual"], models=["linear"], trials=1)
    assert rows["rare"].mean() < 0.06
    assert model.thresholds["rare"] < 0.5
    assert model.predict(rows)["rare"].sum() >= 10


def test_fixed_trials_give_the_same_model_twice():
    one, two = (fit(ROWS, LABELS, models=["linear"], trials=1, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.predict_proba(FRESH), two.predict_proba(FRESH))


@pytest.mark.parametrize(
    ("target", "options", "error", "said"),
    [
        (["warm", "gone"], {}, RequestError, "no column 'gone'"),
        (["warm", "warm"], {}, RequestError, "each once"),
        ([], {}, RequestError, "each once"),
        (["height", "warm"], {}, TrainingError, "'height' holds .* a label is 0 or 1"),
        ("place", {}, RequestError, "say what stands between"),
        (["warm", "wet"], {"label_separator": ";"}, RequestError, "one column that lists"),
        (["warm", "wet"], {"task": "binary"}, RequestError, "multilabel task, not binary"),
        (["warm", "wet"], {"positive": 1}, RequestError, "`positive`"),
        (["warm", "wet"], {"replay": [{"rounds": [1]}]}, RequestError, "replay: `model`: Field required"),
        (["warm", "wet"], {"metric": "rmse"}, RequestError, "rmse"),
        ("warm", {"task": None, "label_separator": ";"}, RequestError, "only for task"),
        (["zero"], {}, TrainingError, "nothing to tell apart"),
    ],
)
def test_what_does_not_fit_is_refused(target, options, error, said):
    with pytest.raises(error, match=said):
        fit(ROWS.assign(zero=0), target, **({"task": "multilabel", "trials": 1} | options))


def test_a_column_that_is_missing_is_named(model):
    with pytest.raises(SchemaMismatchError, match="water"):
        model.predict(FRESH[["height", "place"]])
    with pytest.raises(SchemaMismatchError, match="no column 'wet' with the true labels"):
        model.evaluate(FRESH.drop(columns="wet"))


def assert_records_are_as_in_a_frame(model, rows):
    records = rows.to_dict("records")
    found = pd.DataFrame([model.predict_record(record) for record in records])
    pd.testing.assert_frame_equal(found, model.predict_proba(rows), rtol=0, atol=1e-9, check_column_type=False)
    assert model.outputs_of(records[0]) == found.iloc[0].tolist()


def test_one_record_gets_the_shares_that_it_gets_in_a_frame(model):
    assert_records_are_as_in_a_frame(model, rows_of(20, seed=1))
    assert_records_are_as_in_a_frame(pickle.loads(pickle.dumps(model)), rows_of(5, seed=2))
    with pytest.raises(SchemaMismatchError, match="water"):
        model.predict_record({"height": 1.0, "place": "hill"})


def test_records_are_answered_with_labels_that_have_no_model_and_texts_and_pooled_chances():
    rng = np.random.default_rng(0)
    words = np.array("sun rain storm calm cold".split())
    notes = [" ".join(rng.choice(words, 4)) for _ in range(len(ROWS))]
    rows = ROWS.assign(note=notes, always=1, storm=[int("storm" in note) for note in notes])
    model = fit(
        rows, ["always", "storm", "warm"], task="multilabel", kinds={"note": "text"},
        models=["linear", "lightgbm"], trials=3, ensemble="stacking",
    )  # fmt: skip
    assert any(head.info.shifts for head in model.heads.values())
    assert_records_are_as_in_a_frame(model, rows.head(30))


def test_what_labels_share_is_done_once_a_record(model, monkeypatch):
    compiled = CompiledHeads(list(model.heads.values()))
    assert sum(len(program.slices) for program in compiled.programs) < sum(len(h.designs) for h in model.heads.values())
    counted = []
    real = RecordEncoder.encode
    monkeypatch.setattr(RecordEncoder, "encode", lambda self, record: counted.append(1) or real(self, record))
    compiled.chances(FRESH.iloc[0].to_dict())
    assert len(counted) == 1


def test_a_label_of_three_classes_is_refused(model):
    other = fit(ROWS[INPUTS].assign(y=np.arange(len(ROWS)) % 3), "y", models=["linear"], trials=1)
    with pytest.raises(BundleError, match="two classes"):
        CompiledHeads([other.fitted])
