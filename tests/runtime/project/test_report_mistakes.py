"""The pictures that a model mistook, inside the report."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from automl_runtime.data.pictures import DATA_URL, read_picture
from automl_runtime.project.report import render_report
from automl_runtime.project.report_mistakes import Mistake, worst_mistakes
from pictures import shape, to_bytes

SHARES = pd.DataFrame({"a": [0.9, 0.2, 0.4, 0.05], "b": [0.1, 0.8, 0.6, 0.95]})
TARGET = pd.Series(["a", "a", "a", "a"])


@pytest.fixture
def bundle():
    model = SimpleNamespace(
        encoder=SimpleNamespace(image_owners=("photo",)),
        predict_proba=lambda frame: SHARES,
        decide=lambda shares: np.array(["a", "b"])[shares.argmax(axis=1)],
        predict=lambda frame: np.array([1.0, 5.0, 2.0, 2.5]),
    )
    return SimpleNamespace(model=model, manifest=SimpleNamespace(classes=["a", "b"]))


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"photo": [to_bytes(np.asarray(shape("circle", rng))) for _ in range(4)]})


def test_the_surest_mistakes_come_first_and_right_answers_are_left_out(bundle, rows):
    found = worst_mistakes(bundle, rows, TARGET, pd.Series(list("wxyz")))
    assert [(each.name, each.words) for each in found] == [
        ("z", "a, taken for b (95.0 %)"),
        ("x", "a, taken for b (80.0 %)"),
        ("y", "a, taken for b (60.0 %)"),
    ]
    assert (read_picture(found[0].picture) == read_picture(rows["photo"][3])).all()


def test_of_numbers_those_furthest_off_come_first(bundle, rows):
    bundle.manifest.classes = []
    found = worst_mistakes(bundle, rows, pd.Series([1.0, 2.0, 3.0, 2.0]), pd.Series(list("wxyz")))
    assert [each.name for each in found] == ["x", "y", "z"]


def test_a_row_without_a_picture_is_passed_over(bundle, rows):
    found = worst_mistakes(bundle, rows.assign(photo=[*rows["photo"][:3], None]), TARGET, pd.Series(list("wxyz")))
    assert [each.name for each in found] == ["x", "y"]


def test_a_model_without_pictures_has_none(bundle, rows):
    bundle.model.encoder.image_owners = ()
    assert worst_mistakes(bundle, rows, TARGET, TARGET) == []


def test_the_report_shows_them_and_escapes_their_names(make_report):
    data = make_report("multiclass")
    assert "Worst mistakes" not in render_report(data)
    mistake = Mistake(f"{DATA_URL}png;base64,AAAA", '"><script>x.png', "<b>, taken for c (90 %)")
    page = render_report(replace(data, mistakes=[mistake]))
    assert f'<img src="{DATA_URL}png;base64,AAAA"' in page
    assert "<script>" not in page
    assert "&lt;b&gt;, taken for c" in page
