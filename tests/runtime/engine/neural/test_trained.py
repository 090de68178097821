"""Networks of torch: they learn what their kind is for, repeat, end when told to, and predict without torch."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit, load
from automl_runtime.engine.search import Search
from automl_runtime.errors import BundleError, Cancelled, RequestError, TrainingError
from automl_runtime.events import EpochCompleted
from automl_runtime.images import load_folder
from automl_runtime.inference.exporting.model import export_onnx
from automl_runtime.inference.exporting.samples import sample_of
from pictures import write_folder

torch = pytest.importorskip("torch")

_SMALL = {
    "cnn": {"width": 8, "hidden": 16, "epochs": 12, "batch": 16},
    "transformer": {"size": 32, "hidden": 32, "epochs": 20, "batch": 32},
    "lstm": {"size": 32, "hidden": 32, "epochs": 20, "batch": 32},
}
_WORDS = np.array("red green blue cat dog sun moon tree car bus".split())


def _orders(rows=240, seed=0):
    """Ten words, of which "open" comes before "close" or after: counts of words tell nothing."""
    rng = np.random.default_rng(seed)
    texts, answers = [], rng.random(rows) < 0.5
    for answer in answers:
        words = rng.choice(_WORDS, 8)
        first, second = sorted(rng.choice(8, 2, replace=False))
        words[first], words[second] = ("open", "close")[:: 1 if answer else -1]
        texts.append(" ".join(words))
    return pd.DataFrame({"log": texts, "size": rng.normal(size=rows), "y": np.where(answers, "yes", "no")})


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Family -> rows, target and model."""
    angles = {"flat": 90, "rising": 135, "upright": 0}
    pictures = load_folder(write_folder(tmp_path_factory.mktemp("stripes"), angles, each=20))
    tables = {"cnn": (pictures, "label"), "transformer": (_orders(), "y"), "lstm": (_orders(), "y")}
    return {
        name: (*table, fit(*table, models=[name], params=_SMALL[name], trials=1, folds=2))
        for name, table in tables.items()
    }


families = pytest.mark.parametrize("family", _SMALL)


@families
def test_a_network_learns_what_a_guess_does_not(fitted, family):
    rows, target, model = fitted[family]
    guessed = model.oof.idxmax(axis=1).to_numpy()
    right = (guessed == rows[target].loc[model.oof.index].to_numpy()).mean()
    assert right > rows[target].value_counts(normalize=True).max() + 0.2


def test_counts_of_words_do_not_tell_what_their_order_does():
    assert fit(_orders(), "y", models=["linear"], trials=1, folds=2).cv < 0.65


@families
def test_one_record_is_predicted_as_in_a_table(fitted, family):
    rows, target, model = fitted[family]
    table = model.predict_proba(rows.head(3))
    for place in range(3):
        found = model.predict_record(rows.drop(columns=target).iloc[place].to_dict())
        assert list(found.values()) == pytest.approx(table.iloc[place].tolist(), abs=1e-9)


@families
def test_a_saved_network_predicts_where_there_is_no_torch(fitted, family, tmp_path):
    rows, target, model = fitted[family]
    model.save(tmp_path / "model")
    rows.drop(columns=target).head(5).to_parquet(tmp_path / "rows.parquet")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import pandas as pd\nfrom automl_runtime import load\n"
        f"rows = pd.read_parquet({str(tmp_path / 'rows.parquet')!r})\n"
        f"print(load({str(tmp_path / 'model')!r}).predict_proba(rows).to_json())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    there = pd.read_json(io.StringIO(done.stdout))
    assert np.allclose(there.to_numpy(), model.predict_proba(rows.head(5)).to_numpy(), atol=1e-6)


@families
def test_what_numpy_predicts_is_what_torch_trained(fitted, family):
    from automl_runtime.engine.neural import nets

    rows, target, model = fitted[family]
    data = model.fitted.encoder.encode(rows.drop(columns=target).head(9))
    part = model.fitted.members[0].parts[0]
    matrix = model.fitted.designs[part.design].matrix(data).astype(np.float32)
    stored = part.predictor
    generator = torch.Generator().manual_seed(1)
    inputs, hidden, outputs = stored.widths.tolist()
    if family == "cnn":
        seen = stored.channels[-1] * 16
        net = nets.ConvolutionalNet(1, inputs - seen, outputs, channels=stored.channels.tolist(), hidden=hidden)
    else:
        seen = stored.size * (2 if family == "transformer" else 4)
        how = {"mixing": family, "size": stored.size, "layers": stored.layers, "heads": stored.heads, "hidden": hidden}
        net = nets.SequentialNet(stored.vocabulary, 1, inputs - seen, outputs, **how)
    nets.seeded(net, generator)
    with torch.no_grad():
        for values in net.parameters():
            values.add_(0.05 * torch.randn(values.shape, generator=generator))
        for name, values in net.named_buffers():
            if name.endswith(("mean", "var")):
                values.add_(torch.rand(values.shape, generator=generator))
        said = net.eval()(*map(torch.from_numpy, net.inputs(matrix)), 0.0, generator).numpy()
    predictor = net.predictor()
    predictor.check(matrix.shape[1])
    np.testing.assert_allclose(predictor.predict(matrix), said, rtol=1e-3, atol=1e-4)


@families
def test_a_seed_gives_the_same_network_and_a_replay_gives_it_again(fitted, family):
    rows, target, model = fitted[family]
    again = fit(rows, target, models=[family], params=_SMALL[family], trials=1, folds=2)
    pd.testing.assert_frame_equal(again.oof, model.oof)
    pd.testing.assert_frame_equal(fit(rows, target, replay=model.trials).oof, model.oof)


def test_a_number_is_learned_from_words_and_other_columns():
    rng = np.random.default_rng(0)
    rows = _orders(300)
    rows["y"] = 10.0 * (rows["y"] == "yes") + rows["size"] + rng.normal(scale=0.1, size=300)
    model = fit(rows, "y", models=["lstm"], params=_SMALL["lstm"], trials=1, folds=2, metric="rmse")
    assert model.cv < 0.6 * rows["y"].std()


def test_weights_of_rows_count():
    rows = _orders(120)
    rows["w"] = np.where(rows["y"] == "yes", 1e-6, 1.0)
    model = fit(rows, "y", models=["lstm"], params=_SMALL["lstm"], weights="w", trials=1, folds=2)
    assert model.oof["no"].median() > 0.9


def test_epochs_are_told_and_a_budget_ends_them(fitted):
    rows, target, _ = fitted["cnn"]
    epochs: list[EpochCompleted] = []
    most = 100_000
    fit(
        rows,
        target,
        models=["cnn"],
        params=_SMALL["cnn"] | {"epochs": most, "patience": most},
        budget_seconds=3,
        folds=2,
        on_event=lambda event: epochs.append(event) if isinstance(event, EpochCompleted) else None,
    )
    assert {event.model for event in epochs} == {"cnn"}
    assert all(1 <= event.epoch < most for event in epochs)
    assert all(event.val_loss > 0 for event in epochs if event.fold is not None)


def test_a_cancelled_training_ends(fitted):
    rows, target, _ = fitted["lstm"]
    calls = iter(range(1_000))
    with pytest.raises(Cancelled):
        fit(rows, target, models=["lstm"], trials=1, folds=2, cancel=lambda: next(calls) > 4)


def test_unusual_cells_are_read(fitted):
    _, _, model = fitted["transformer"]
    odd = pd.DataFrame(
        {"log": [None, "", "word " * 500, "\ud800 \x00 İstanbul ß", 7], "size": [0.0, np.nan, 1, 2, np.inf]}
    )
    assert np.isfinite(model.predict_proba(odd.astype({"log": object})).to_numpy()).all()
    pictures, _, seeing = fitted["cnn"]
    none = pd.DataFrame({"path": [None, pictures["path"].iloc[0]]}, dtype=object)
    assert np.isfinite(seeing.predict_proba(none).to_numpy()).all()


def test_what_no_network_reads_is_not_kept(fitted):
    rows, _, model = fitted["transformer"]
    assert model.fitted.encoder.raw_owners == ("log",)
    easy = rows.assign(y=rows["size"] > 0)
    mixed = fit(easy, "y", models=["tree", "lstm"], trials=1, folds=2)
    assert mixed.best_model == "tree"
    assert mixed.fitted.encoder.raw_owners == ()


def test_a_network_is_explained(fitted):
    rows, target, model = fitted["lstm"]
    told = model.explain(rows.drop(columns=target).head(4))
    assert (told["log"].abs() > told["size"].abs()).all()


def test_a_changed_file_is_refused(fitted, tmp_path):
    _, _, model = fitted["cnn"]
    model.save(tmp_path)
    with np.load(tmp_path / "arrays.npz") as stored:
        arrays = dict(stored)
    arrays["member0.0.channels"] = arrays["member0.0.channels"] * 2
    np.savez_compressed(tmp_path / "arrays.npz", **arrays)
    with pytest.raises(BundleError, match="do not read"):
        load(tmp_path)


def test_words_in_their_order_are_no_onnx(fitted, tmp_path):
    rows, target, model = fitted["lstm"]
    sample = sample_of(model.fitted.encoder, rows.drop(columns=target))
    with pytest.raises(RequestError, match="words in their order"):
        export_onnx(model.fitted, tmp_path / "model.onnx", sample)


@pytest.mark.parametrize(("budget", "wanted"), [(119.0, ()), (120.0, ("pixels",))])
def test_convolutions_join_a_long_search_of_pictures(fitted, monkeypatch, budget, wanted):
    rows, target, _ = fitted["cnn"]
    tried = []

    def keep(search, configs, trials, *, grow):
        tried.extend(config.learner for config in configs)
        assert search.workspace.data.readings == wanted
        raise TrainingError("enough")

    monkeypatch.setattr(Search, "run", keep)
    with pytest.raises(TrainingError, match="enough"):
        fit(rows, target, budget_seconds=budget)
    assert ("cnn" in tried) == bool(wanted)
    assert not {"transformer", "lstm", "pretrained"} & set(tried)
