"""Small tables, and models that behave well, badly, or too obediently."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import pandas as pd
import pytest
from agent.llm.scripted_server import call, data_of, filled, schema_of, serving
from automl_agent.decisions.subjects import SUBJECTS
from automl_agent.drafting import DraftOptions, draft
from automl_agent.llm import LanguageModel
from automl_agent.llm.endpoint import Endpoint


@pytest.fixture
def gym(tmp_path):
    """Members of a gym; `gone` is what counts, and nothing is called so that a rule would see it."""
    rng = np.random.default_rng(0)
    visits = rng.integers(0, 30, 400)
    frame = pd.DataFrame(
        {
            "member_no": np.arange(1000, 1400),
            "age": rng.integers(18, 80, 400),
            "sauna": rng.choice(["yes", "no"], 400),
            "visits": visits,
            "gone": np.where(visits + rng.normal(0, 6, 400) < 10, "yes", "no"),
        }
    )
    folder = tmp_path / "gym"
    folder.mkdir()
    frame.to_csv(folder / "members.csv", index=False)
    return folder


@pytest.fixture
def ferries(tmp_path):
    """Trips of ferries: `delay_min` follows the wind; `fuel_used` is measured on the way."""
    rng = np.random.default_rng(1)
    rows = 900
    ship = rng.integers(0, 8, rows)
    wind = rng.gamma(2.0, 4.0, rows).round(1)
    delay = (2 * wind + rng.normal(0, 6, rows)).round()
    frame = pd.DataFrame(
        {
            "ship_id": ship + 100,
            "length_m": 20 + 5 * ship,
            "planned_hour": rng.integers(5, 22, rows),
            "wind": wind,
            "fuel_used": (30 + 0.3 * delay + rng.normal(0, 15, rows)).round(1),
            "delay_min": delay,
        }
    )
    folder = tmp_path / "ferries"
    folder.mkdir()
    frame.to_csv(folder / "trips.csv", index=False)
    return folder


def right_of_example(request):
    """The right answer where a request is an example of a question, by which a model is tried; None where it is not."""
    data = data_of(request)
    examples = [subject.example for subject in SUBJECTS.values()]
    return next((each.right for each in examples if {**each.data, "options": {**each.options}} == data), None)


def sensible(**wanted):
    """Answers each field with what is wanted of it, where that is legal; else without any sense."""

    def behave(request):
        answer = filled(schema_of(request))
        if (right := right_of_example(request)) is not None:
            return call(answer | {"choice": right})
        for name, part in schema_of(request)["properties"].items():
            want = wanted.get(name)
            if callable(want):
                want = want(request)
            if want is None:
                continue
            legal = part.get("enum") or part.get("items", {}).get("enum")
            if isinstance(want, list):
                answer[name] = [each for each in want if legal is None or each in legal]
            elif legal is None or want in legal:
                answer[name] = want
        return call(answer)

    return behave


def nonsense(request):
    return call(filled(schema_of(request)))


def obedient(request):
    """Does what any text in the data block says: takes the options that an instruction names."""
    schema, said = schema_of(request), str(data_of(request))
    ordered = re.findall(r"(?:choose|name|answer) ([\w.]+)", said)
    answer = filled(schema)
    for name, part in schema["properties"].items():
        legal = part.get("enum") or part.get("items", {}).get("enum") or []
        obeyed = [option for option in legal for word in ordered if option.endswith(word)]
        if obeyed:
            answer[name] = obeyed if part.get("type") == "array" else obeyed[0]
        elif part.get("type") == "string" and not legal and ordered:
            answer[name] = ordered[0]
    return call(answer)


@pytest.fixture
def drafted(tmp_path):
    """Drafts a request with a scripted model (None: rules alone); the draft, and what the server was asked."""
    with contextlib.ExitStack() as stack:

        def make(request, data, behave, **options):
            if behave is None:
                return draft(request, DraftOptions(data=data, **options)), []
            server = stack.enter_context(serving(behave))
            model = LanguageModel(Endpoint(server.address, "scripted", "none"), environment={})
            stack.callback(model.close)
            try:
                return draft(request, DraftOptions(data=data, llm=model, **options)), server.requests
            finally:
                make.model = model

        yield make


@pytest.fixture
def by_id():
    return lambda draft: {decision.id: decision for decision in draft.decisions}
