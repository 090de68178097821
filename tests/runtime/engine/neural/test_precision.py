"""With how many bits networks are trained is asked for, and declined where it costs more than it gives."""

from __future__ import annotations

import pytest
from automl_runtime.engine.neural import precision
from automl_runtime.engine.neural.precision import settled
from automl_runtime.engine.trials import Config
from automl_runtime.errors import RequestError
from automl_runtime.events import Warned

torch = pytest.importorskip("torch")


def _config(asked):
    return Config("cnn", "cnn", {"width": 8, "precision": asked})


@pytest.fixture
def on_a_processor(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize("asked", ["auto", "float32"])
def test_a_processor_trains_in_float32(on_a_processor, asked):
    said = []
    assert settled([_config(asked)], said.append)[0].params == {"width": 8, "precision": "float32"}
    assert said == []


def test_a_processor_declines_float16_and_says_why_once(on_a_processor):
    said = []
    found = settled([_config("float16"), _config("float16")], said.append)
    assert [config.params["precision"] for config in found] == ["float32", "float32"]
    assert len(said) == 1
    assert isinstance(said[0], Warned)
    assert "float16" in said[0].text


@pytest.mark.parametrize(("faster", "wanted"), [(True, "bfloat16"), (False, "float32")])
def test_bfloat16_is_taken_on_a_processor_that_is_faster_with_it(on_a_processor, monkeypatch, faster, wanted):
    monkeypatch.setattr(precision, "_faster", lambda name: faster)
    said = []
    assert settled([_config("bfloat16")], said.append)[0].params["precision"] == wanted
    assert len(said) == (not faster)


@pytest.mark.parametrize(("supported", "wanted"), [(True, "bfloat16"), (False, "float32")])
def test_an_accelerator_takes_bfloat16_where_it_has_it(monkeypatch, supported, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert settled([_config("auto")], lambda event: None)[0].params["precision"] == wanted
    assert settled([_config("float16")], lambda event: None)[0].params["precision"] == "float16"


def test_other_families_and_unknown_words(on_a_processor):
    other = Config("tree", "tree", {"max_depth": 2})
    assert settled([other], lambda event: None) == [other]
    with pytest.raises(RequestError, match="'half' is unknown; possible: auto"):
        settled([_config("half")], lambda event: None)
