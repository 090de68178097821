"""Files of rows of series: they are read as a whole, and what has no place in time has no score."""

from __future__ import annotations

from functools import partial

import pandas as pd
import pytest
from automl_runtime.errors import SchemaMismatchError
from automl_runtime.events import ignore
from automl_runtime.project import rows_read
from automl_runtime.project.job_worker import work
from automl_runtime.project.predicting import answers_of, in_parts, parsed_rows
from automl_runtime.project.rows_read import read_chunks
from automl_runtime.serving.jobs import JobStore

from tests.runtime.serving.test_anomalies_in_time_service import STEPS, bundle, vats

__all__ = ["bundle"]


def same(rows):
    return rows


@pytest.fixture
def later(tmp_path, monkeypatch):
    """The 60 hours after the training rows, in a file of several chunks."""
    monkeypatch.setattr(rows_read, "_CHUNK_ROWS", 10)
    rows = vats(STEPS + 60)
    rows = rows[rows["noted"] >= rows["noted"].iloc[STEPS]].sort_values("noted").reset_index(drop=True)
    rows.assign(noted=rows["noted"].dt.strftime("%Y-%m-%dT%H:%M:%S")).to_csv(tmp_path / "later.csv", index=False)
    return tmp_path / "later.csv", rows


def answered(bundle, path):
    [whole] = in_parts(bundle, read_chunks(path))
    rows, _ = parsed_rows(bundle.schema, path, whole)
    return answers_of(bundle, same, False, ignore, rows)


def test_rows_of_other_chunks_are_looked_back_at(bundle, later):
    path, rows = later
    found = answered(bundle, path)
    assert found["score"].tolist() == pytest.approx(bundle.model.score_samples(rows).tolist())
    assert (found["past_known"] > 0.99).all()
    assert found["reason_1"].notna().tolist() == found["anomaly"].tolist()


def test_rows_without_a_moment_or_a_series_have_no_score_and_change_no_other(bundle, later):
    path, rows = later
    lacking = pd.read_csv(path, dtype="str")
    lacking.loc[[3, 50], "noted"] = ["", "at tea"]
    lacking.loc[7, "vat"] = None
    lacking.to_csv(path, index=False)
    found = answered(bundle, path)
    assert found.index[found["score"].isna()].tolist() == [3, 7, 50]
    assert found["anomaly"].isna().tolist() == found["score"].isna().tolist()
    kept = rows.drop(index=[3, 7, 50])
    assert found["score"].dropna().tolist() == pytest.approx(bundle.model.score_samples(kept).tolist())


def test_a_file_in_which_nothing_has_a_moment(bundle, later):
    path, _ = later
    pd.read_csv(path, dtype="str").assign(noted="").to_csv(path, index=False)
    found = answered(bundle, path)
    assert (len(found), found["score"].notna().any()) == (120, False)


def test_an_unknown_series_is_refused(bundle, later):
    path, _ = later
    pd.read_csv(path, dtype="str").assign(vat="north").to_csv(path, index=False)
    with pytest.raises(SchemaMismatchError, match="'north' was not among"):
        answered(bundle, path)


def test_a_job_reads_its_file_as_a_whole(bundle, later, tmp_path):
    path, rows = later
    store = JobStore(tmp_path / "jobs", {"vats": []})
    job = store.start(path)
    folder = store.place(job)
    work(folder, lambda version: (bundle, same))
    assert folder.note("outcome") == {"error": None}
    found = pd.read_csv(folder.output(job))
    assert found["score"].tolist() == pytest.approx(bundle.model.score_samples(rows).tolist())


def test_rows_that_are_no_series_come_in_chunks(bundle, later):
    path, _ = later
    chunks = partial(read_chunks, path)
    alone = type(bundle)(
        bundle.folder, bundle.manifest.model_copy(update={"task": "regression"}), bundle.schema, {}, None
    )
    assert len(list(in_parts(alone, chunks()))) == len(list(chunks())) == 12
