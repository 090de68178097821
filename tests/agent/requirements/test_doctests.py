from __future__ import annotations

import doctest
import importlib
import pkgutil

import automl_agent.grounding
import automl_agent.requirements
import pytest

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (automl_agent.grounding, automl_agent.requirements)
    for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
