"""One row without a frame is answered as many rows in a frame are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.features.dates import add_date_parts
from automl_runtime.monitoring.reference import Reference, sketch
from automl_runtime.monitoring.watching import DriftPolicy, DriftWatch
from automl_runtime.project.training import _predictions
from automl_runtime.registry.bundle import Bundle, open_bundle, write_bundle
from automl_runtime.serving.observing import ObservedRows
from automl_runtime.serving.record_scorer import record_scorer, standard_features
from automl_runtime.serving.requests import BadRequest
from automl_runtime.serving.scorer import Ask, Limits, Scorer
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

KINDS = {"price": "number", "shop": "category", "open": "boolean", "note": "text", "sold": "date", "at": "datetime"}
SCHEMA = InputSchema(
    columns=[
        InputColumn(
            name=name,
            type=kind,
            plan=ColumnPlan(column=name, type=kind, **({"unit": "$"} if name == "price" else {})),
            example={
                "price": 3.5,
                "shop": "a",
                "open": True,
                "note": "x",
                "sold": "2021-05-06",
                "at": "2021-05-06T10:00:00",
            }[name],
        )
        for name, kind in KINDS.items()
    ]
)


def rows(count: int = 160) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "price": draw.gamma(2, 40, count),
            "shop": pd.Series(draw.choice(["a", "b", "c"], count), dtype="str"),
            "open": draw.random(count) < 0.5,
            "note": pd.Series(draw.choice(["a long note", "nothing at all", "good"], count), dtype="str"),
            "sold": pd.Timestamp("2021-01-01") + pd.to_timedelta(draw.integers(0, 300, count), unit="D"),
            "at": pd.Timestamp("2021-01-01") + pd.to_timedelta(draw.integers(0, 10**6, count), unit="s"),
        }
    )
    frame["sold"], frame["at"] = frame["sold"].astype("datetime64[us]"), frame["at"].astype("datetime64[us]")
    return frame


def features(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame[["price", "shop", "open", "note"]]
    return add_date_parts(kept, frame, ["sold", "at"], hours=("at",))


def make(task: str, folder: Path) -> Bundle:
    frame = rows()
    score = frame["price"] + 40 * (frame["shop"] == "a") + frame["at"].dt.hour
    target = {
        "binary": pd.Series(np.where(score > score.median(), "yes", "no")),
        "multiclass": pd.Series(np.digitize(score, score.quantile([0.3, 0.6]))),
        "regression": score,
        "multilabel": pd.DataFrame({"dear": score > score.median(), "a, b": frame["shop"] != "c", "all": True}).astype(
            int
        ),
    }[task]
    made = features(frame)
    kinds = {"note": "text", "open": "boolean"}
    target = target if task == "multilabel" else target.rename("y")
    model = fit(made, target, task=task, trials=2, kinds=kinds, models=["lightgbm", "linear"])
    manifest = write_bundle(
        model,
        SCHEMA,
        folder / task,
        version="v001",
        target="y",
        created="2025-01-01T00:00:00+00:00",
        reference=sketch(frame, SCHEMA, _predictions(model)).model_dump(mode="json"),
    )
    assert manifest.signature is not None
    keys = folder / f"{task}.keys"
    keys.write_text(manifest.signature.public_key + "\n")
    return open_bundle(folder / task, keys)


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression", "multilabel"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make(request.param, tmp_path_factory.mktemp("bundles"))


RECORDS = [
    {
        "price": "$12.50",
        "shop": " A",
        "open": "true",
        "note": "good",
        "sold": "2021-03-01",
        "at": "2021-03-01 23:59:59",
    },
    {"price": 12.5, "shop": "unseen", "open": False, "note": "", "sold": None, "at": None},
    {},
    {"price": -1e300, "open": True, "at": "1969-12-31T00:00:00"},
    {"sold": "2024-02-29", "at": "2024-02-29T06:30:00.123456"},
]


def test_one_row_is_answered_as_in_a_frame(bundle: Bundle) -> None:
    made = standard_features(bundle.manifest.features, list(KINDS))
    fast, slow = Scorer(bundle, features, Limits(), made), Scorer(bundle, features, Limits())
    for record in RECORDS:
        answer = fast.instant(Ask([record], many=False))
        assert answer is not None
        found, expected = msgspec.json.decode(answer.body), slow.predict([record])[0]
        assert list(found) == list(expected)
        for name, value in expected.items():
            if name == "probabilities":
                assert list(found[name]) == list(value)
                assert list(found[name].values()) == pytest.approx(list(value.values()), abs=1e-9)
            else:
                assert found[name] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value)
    assert slow.instant(Ask([RECORDS[0]], many=False)) is None


def test_several_rows_come_in_order_and_a_bad_one_is_counted(bundle: Bundle) -> None:
    made = standard_features(bundle.manifest.features, list(KINDS))
    scorer = Scorer(bundle, features, Limits(), made)
    answer = scorer.instant(Ask(RECORDS, many=True))
    assert answer is not None
    content = msgspec.json.decode(answer.body)
    assert (len(content["predictions"]), content["model_version"], answer.rows) == (len(RECORDS), "v001", len(RECORDS))
    alone = scorer.instant(Ask([RECORDS[3]], many=False))
    assert alone is not None
    assert content["predictions"][3] == msgspec.json.decode(alone.body)
    with pytest.raises(BadRequest) as refused:
        scorer.instant(Ask([{}, {"price": "cheap"}], many=True))
    assert (refused.value.problems[0].row, refused.value.problems[0].column) == (1, "price")
    assert scorer.instant(Ask([{}] * 9, many=True)) is None
    assert scorer.instant(Ask([{}], many=False, explain=True)) is None


def test_rows_that_come_again_are_answered_from_memory_however_they_are_written(bundle: Bundle) -> None:
    made = standard_features(bundle.manifest.features, list(KINDS))
    scorer = Scorer(bundle, features, Limits(cache_bytes=1_000_000), made)
    assert scorer.cache is not None
    first = scorer.instant(Ask([{"price": "$12.50", "open": "true"}], many=False))
    again = scorer.instant(Ask([{"open": True, "price": 12.5, "shop": None}], many=False))
    other = scorer.instant(Ask([{"open": False, "price": 12.5}], many=False))
    assert first == again
    assert other is not None
    assert (scorer.cache.counts.hits, scorer.cache.counts.misses) == (1, 2)


def test_what_is_seen_of_a_row_is_what_is_seen_of_it_in_a_frame(bundle: Bundle) -> None:
    made = standard_features(bundle.manifest.features, list(KINDS))
    scorers = [Scorer(bundle, features, Limits(cache_bytes=1_000_000), made), Scorer(bundle, features, Limits())]
    seen = []
    for scorer in scorers:
        watch = DriftWatch(Reference.model_validate(bundle.reference), DriftPolicy(rows=1, seconds=0))
        scorer.observe(rows := ObservedRows("", bundle, watch))
        for _ in range(2):
            for record in RECORDS:
                ask = Ask([record], many=False)
                assert scorer.instant(ask) is not None or scorer.answers([ask])
        rows.fold()
        seen.append(watch.report())
    assert seen[0].rows == 2 * len(RECORDS)
    told = [[*r.columns, *r.labels, *([r.prediction] if r.prediction else [])] for r in seen]
    several = bundle.manifest.task == "multilabel"
    assert (seen[0].prediction is None, len(seen[0].labels)) == (several, 2 if several else 0)
    for fast, slow in zip(*told, strict=True):
        assert (fast.column, fast.rows, fast.psi) == (slow.column, slow.rows, pytest.approx(slow.psi))


@pytest.mark.parametrize("names", [["price", "price.year2"], ["unknown"], ["price.mean"], ["x.year"]])
def test_features_of_another_making_need_a_frame(names: list[str]) -> None:
    assert standard_features(names, list(KINDS)) is None


def test_a_model_that_predicts_otherwise_has_no_record_scorer(bundle: Bundle) -> None:
    assert record_scorer(bundle, None) is None
