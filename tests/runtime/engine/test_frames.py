"""Tables of other libraries, and what a model says about rows that it has not seen."""

from __future__ import annotations

import subprocess
import sys

import automl_runtime
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.frames import as_frame
from automl_runtime.errors import RequestError, SchemaMismatchError
from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score, root_mean_squared_error


def _rows(count=200):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"size": rng.normal(size=count), "kind": rng.choice(["a", "b"], count)})
    return rows.assign(y=rows["size"] + (rows["kind"] == "a") + rng.normal(scale=0.2, size=count))


def test_an_arrow_table_is_learned_and_predicted_as_a_frame():
    rows = _rows()
    table = pa.Table.from_pandas(rows, preserve_index=False)
    model, same = fit(table, "y", trials=2, folds=2), fit(rows, "y", trials=2, folds=2)
    assert model.cv == same.cv
    np.testing.assert_array_equal(model.predict(table), same.predict(rows))


def test_whatever_streams_arrow_is_a_table():
    class Streams:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table({"a": [1, 2]}).__arrow_c_stream__(requested_schema)

    assert as_frame(Streams())["a"].tolist() == [1, 2]


@pytest.mark.parametrize("table", [[[1, 2]], None, {"a": [1]}])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(RequestError, match="A table is needed"):
        as_frame(table)


def test_every_metric_of_values_equals_that_of_scikit_learn():
    rows = _rows()
    model = fit(rows[:150], "y", trials=2, folds=2)
    scores = model.evaluate(rows[150:])
    predicted = model.predict(rows[150:])
    assert scores["rmse"] == pytest.approx(root_mean_squared_error(rows["y"][150:], predicted))
    assert scores["r2"] == pytest.approx(r2_score(rows["y"][150:], predicted))
    assert {*scores} == {"rmse", "mae", "mape", "r2", "pinball"}


def test_every_metric_of_classes_equals_that_of_scikit_learn():
    rows = _rows().assign(y=lambda frame: np.where(frame["y"] > 0.5, "yes", "no"))
    model = fit(rows[:150], "y", trials=2, folds=2)
    seen, truth = rows[150:].drop(columns="y"), rows["y"][150:]
    scores = model.evaluate(seen, truth)
    proba = model.predict_proba(seen)
    assert scores["roc_auc"] == pytest.approx(roc_auc_score(truth == "yes", proba["yes"]))
    assert scores["log_loss"] == pytest.approx(log_loss(truth, proba))
    assert scores["accuracy"] == pytest.approx(accuracy_score(truth, model.predict(seen)))


def test_rows_without_the_target_cannot_be_evaluated():
    rows = _rows(60)
    with pytest.raises(SchemaMismatchError, match="no column"):
        fit(rows, "y", trials=1, folds=2).evaluate(rows.drop(columns="y"))


def test_the_package_gives_its_names_and_imports_little(tmp_path):
    rows = _rows(60)
    automl_runtime.fit(rows, "y", trials=1, folds=2).save(str(tmp_path / "m"))
    assert len(automl_runtime.load(str(tmp_path / "m")).predict(rows)) == 60
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = automl_runtime.nothing
    code = "import sys, automl_runtime; print(sorted({'numpy', 'pandas', 'sklearn', 'lightgbm'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
