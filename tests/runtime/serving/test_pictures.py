import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.data.pictures import EXAMPLE_PICTURE, read_picture
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.contract import openapi_request
from automl_runtime.serving.requests import BadRequest
from automl_runtime.serving.scorer import Limits, Scorer
from automl_schemas.bundle import BundleManifest, InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from pictures import huge_png, stripes, to_bytes


def address(pixels):
    return "data:image/png;base64," + base64.b64encode(to_bytes(pixels)).decode()


@pytest.fixture(scope="module")
def scorer():
    rng = np.random.default_rng(0)
    y = pd.Series(["flat", "upright"] * 20, name="way")
    rows = pd.DataFrame({"photo": [to_bytes(stripes(90 if way == "flat" else 0, rng)) for way in y]})
    model = fit(rows, y, models=["linear"], trials=1).fitted
    plan = ColumnPlan(column="photo", type="image")
    schema = InputSchema(columns=[InputColumn(name="photo", type="image", plan=plan, example=EXAMPLE_PICTURE)])
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


def test_a_picture_of_too_many_pixels_is_refused_before_they_cost_memory(scorer):
    with pytest.raises(BadRequest, match="more than 60,000,000 pixels") as refused:
        scorer.predict([{"photo": "data:image/png;base64," + base64.b64encode(huge_png(30_000)).decode()}])
    assert refused.value.status == 422


def test_a_reason_does_not_repeat_the_picture(scorer):
    (answer,) = scorer.predict([{"photo": address(stripes(0, np.random.default_rng(0)))}], explain=True)
    (reason,) = answer["reasons"]
    assert reason["value"] == "a picture"
    assert reason["words"].startswith("photo = a picture: ")


def test_the_documentation_says_how_a_picture_is_sent():
    plan = ColumnPlan(column="photo", type="image")
    schema = InputSchema(columns=[InputColumn(name="photo", type="image", plan=plan, example=EXAMPLE_PICTURE)])
    body, row = openapi_request(schema)
    photo = row["properties"]["photo"]
    assert [kind["type"] for kind in photo["anyOf"]] == ["string", "null"]
    assert "data:image/...;base64" in photo["description"]
    (example,) = body["content"]["application/json"]["examples"]["one row"]["value"].values()
    assert read_picture(example).min() == 255
