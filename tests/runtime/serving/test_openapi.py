"""What the service tells about itself is what it does: requests made from its OpenAPI document, and broken ones."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import schemathesis
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.app import create_app
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.runtime.serving.test_live import Source

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
MANY = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(params=["one", "many"])
def app(request: pytest.FixtureRequest, fitted_bundle: Bundle) -> Any:
    if request.param == "one":
        return create_app(fitted_bundle)
    return create_host_app(ModelHost({"model": Source(fitted_bundle)}))


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_service_answers_as_its_document_says(app: Any, mode: GenerationMode) -> None:
    asked = 0
    for result in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        operation = result.ok()

        @MANY
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            nonlocal asked
            asked += 1
            # Who waits for milliseconds only is told that there was no time (503, 504): no error of the service.
            (case.headers or {}).pop("x-timeout-ms", None)
            case.call_and_validate(checks=CHECKS)

        # An operation without parameters cannot be asked wrongly.
        with contextlib.suppress(Unsatisfiable):
            check()
    assert asked > 50
