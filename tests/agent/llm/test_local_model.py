"""A real model behind the endpoint that the environment names; `make test-llm` serves one."""

from __future__ import annotations

import os

import pytest
from automl_agent.drafting import DraftOptions, draft
from automl_agent.llm import LanguageModel, Limits
from automl_agent.llm.levels import LADDER
from automl_runtime.errors import AutomlError
from pydantic import BaseModel

pytestmark = [
    pytest.mark.llm,
    pytest.mark.skipif("OPENAI_BASE_URL" not in os.environ, reason="OPENAI_BASE_URL names no endpoint"),
]


class Sum(BaseModel):
    """Adds two numbers."""

    total: int


@pytest.fixture
def model(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = LanguageModel.from_environment(limits=Limits(seconds=None))
    yield found
    found.close()


def test_an_answer_fits_the_schema(model):
    assert model.level in LADDER
    assert isinstance(model.decide("What is the sum?", Sum, data={"numbers": [2, 3]}), Sum)


@pytest.mark.parametrize(
    ("request_", "target"), [("predict gone", "gone"), ("who of the members is fed up with us", None)]
)
def test_the_outcome_is_a_draft_or_a_refusal(model, tmp_path, request_, target):
    rows = [f"{i},{18 + i % 50},{i % 30},{'yes' if i % 30 < 9 else 'no'}" for i in range(240)]
    (tmp_path / "members.csv").write_text("\n".join(["member_no,age,visits,gone", *rows]) + "\n")
    try:
        done = draft(request_, DraftOptions(data=tmp_path / "members.csv", llm=model))
    except AutomlError as error:
        assert target is None
        assert error.exit_code == 2
        return
    assert target in (None, done.spec.target.column)
    assert done.spec.target.column in ("gone", "age", "visits")
