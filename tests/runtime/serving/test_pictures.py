import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.requests import BadRequest
from automl_runtime.serving.scorer import Limits, Scorer
from automl_schemas.bundle import BundleManifest, InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from pictures import stripes, to_bytes


def address(pixels):
    return "data:image/png;base64," + base64.b64encode(to_bytes(pixels)).decode()


@pytest.fixture(scope="module")
def scorer():
    rng = np.random.default_rng(0)
    y = pd.Series(["flat", "upright"] * 20, name="way")
    rows = pd.DataFrame({"photo": [to_bytes(stripes(90 if way == "flat" else 0, rng)) for way in y]})
    model = fit(rows, y, models=["linear"], trials=1).fitted
    plan = ColumnPlan(column="photo", type="text")
    schema = InputSchema(columns=[InputColumn(name="photo", type="text", plan=plan, example="data:image/png;base64,")])
    manifest = BundleManifest(
        model_version="v1",
        created="2025-01-01T00:00:00+00:00",
        task="binary",
        metric="roc_auc",
        target="way",
        classes=model.classes,
        positive=model.positive,
        threshold=model.threshold,
        features=["photo"],
        runtime_version="0.1.0",
        files=[],
    )
    return Scorer(Bundle(Path(), manifest, schema, {}, model), None, Limits())


def test_a_picture_in_the_request_is_answered(scorer):
    rng = np.random.default_rng(1)
    rows = [{"photo": address(stripes(angle, rng))} for angle in (0, 90)]
    assert [answer["label"] for answer in scorer.predict(rows)] == ["upright", "flat"]


def test_a_path_is_refused_whether_the_file_is_there_or_not(scorer, tmp_path):
    path = tmp_path / "there.png"
    path.write_bytes(to_bytes(stripes(0, np.random.default_rng(0))))
    with pytest.raises(BadRequest) as refused:
        scorer.predict([{"photo": str(path)}, {"photo": str(tmp_path / "gone.png")}])
    first, second = refused.value.problems
    assert "never as a path" in first.message and (first.row, first.column) == (0, "photo")
    assert replace(second, row=0, message=first.message) == first


def test_a_broken_picture_is_named(scorer):
    whole = address(stripes(0, np.random.default_rng(0)))
    with pytest.raises(BadRequest, match="Row 1, 'photo': it is cut off or broken"):
        scorer.predict([{"photo": whole}, {"photo": whole[:822]}])
