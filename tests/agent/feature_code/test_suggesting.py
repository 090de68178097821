from __future__ import annotations

import json
from contextlib import contextmanager

from agent.llm.scripted_server import call, data_of, filled, serving, shown_schema
from automl_agent.feature_code.material import Material
from automl_agent.feature_code.rounds import propose
from automl_agent.feature_code.suggesting import suggest
from automl_agent.llm import LanguageModel, Limits
from automl_agent.llm.endpoint import Endpoint
from automl_runtime.events import Warned

HEAD = "(rows: pd.DataFrame) -> pd.Series:"
GOOD = f'def fee_per_trip{HEAD}\n    """Fee for each trip."""\n    return rows["Fee"] / rows["Trips"]'
STOLEN = f'def secret{HEAD}\n    """X."""\n    import os\n    return rows["Fee"]'
OTHERS = f'def far{HEAD}\n    """X."""\n    return rows["Fee"] - rows["Fee"].mean()'
GHOST = f'def ghost{HEAD}\n    """X."""\n    return rows["Left?"]'


@contextmanager
def proposing(*codes):
    """A model that proposes `codes`, and what it was asked."""
    features = [{"code": code, "why": "because\u202e it helps"} for code in codes]

    def behave(request):
        schema = shown_schema(request)
        return call({"features": features} if "features" in schema["properties"] else filled(schema))

    with serving(behave) as server:
        endpoint = Endpoint(server.address, "scripted", "sk-test-0123456789abcdef", None)
        model = LanguageModel(endpoint, limits=Limits(), environment={}, cache=None, on_event=lambda event: None)
        try:
            yield model, server
        finally:
            model.close()


def test_what_is_allowed_is_proposed_and_the_rest_is_told(made):
    said = []
    with proposing(GOOD, STOLEN, OTHERS, GHOST, GOOD) as (model, _):
        found = suggest(model, Material.of(made), on_event=said.append)
    assert [(each.name, each.by, each.why) for each in found] == [("fee_per_trip", "model", "because it helps")]
    assert [type(event) for event in said] == [Warned] * 4


def test_the_model_sees_names_and_types_and_no_cell(made):
    with proposing(GOOD) as (model, server):
        suggest(model, Material.of(made))
    shown = data_of(server.requests[-1])
    assert shown["columns"]["Fee"] == "number"
    assert "E-Mail" not in shown["columns"]
    assert "basic" not in json.dumps(server.requests[-1])


def test_a_proposal_of_a_model_is_judged_like_any_other(made):
    with proposing(GOOD) as (model, _):
        own = suggest(model, Material.of(made))
    [judged] = [each for each in propose(made, also=own, most=1) if each.proposal.by == "model"]
    assert (judged.proposal.name, judged.proposal.by, judged.fate) == ("fee_per_trip", "model", "helps")
