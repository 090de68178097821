"""Resources, prompts and completion, by the SDK's own client in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from automl_agent.mcp.server import create_server
from automl_agent.tools.run_folder import open_run
from automl_schemas.export import json_schemas
from mcp import Client, MCPError
from mcp_types import PromptReference, ResourceTemplateReference

pytestmark = pytest.mark.anyio


@pytest.fixture
def project(workspace):
    """A folder that has the documents of a project; its name needs an encoding."""
    place = workspace.root / "projects" / "ann" / "my shop 50%"
    for name, text in {
        "project.yaml": "name: my-shop\nrequest: pre\u202edict\u200b\n",
        "reports/model_card.md": "# Card\n\nGood.\n",
        "reports/metrics.json": "{}",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place


@pytest.fixture
async def client(workspace):
    async with Client(create_server(workspace)) as connected:
        yield connected


async def text_of(client, uri):
    return (await client.read_resource(uri)).contents[0].text


async def test_every_schema_can_be_read(client):
    listed = [item.uri for item in (await client.list_resources()).resources]
    assert listed == sorted(listed)
    assert "schema://project-spec" in listed
    assert [json.loads(await text_of(client, uri)) for uri in listed] == [
        schema for _, schema in sorted(json_schemas().items())
    ]


async def test_documents_of_a_project_are_listed_and_read_under_its_name(client, project):
    found = [item for item in (await client.list_resources()).resources if item.uri.startswith("project:")]
    uris = [item.uri for item in found]
    assert uris == [f"project://projects/ann/my%20shop%2050%25/{part}" for part in ("spec", "metrics", "card")]
    assert await text_of(client, uris[2]) == "# Card\n\nGood.\n"
    assert await text_of(client, "project://my%20shop%2050%25/card") == "# Card\n\nGood.\n"


async def test_characters_that_nobody_sees_are_left_out(client, project):
    text = await text_of(client, "project://projects/ann/my%20shop%2050%25/spec")
    assert text == "name: my-shop\nrequest: predict\n"


async def test_a_catalog_comes_without_cells(client, project, sales):
    from automl_runtime.data.catalog import discover

    catalog = discover(sales).catalog
    assert "blue" in catalog.model_dump_json()
    (project / "data").mkdir()
    (project / "data" / "catalog.json").write_text(catalog.model_dump_json(), encoding="utf-8")
    text = await text_of(client, "project://my%20shop%2050%25/catalog")
    assert [column["name"] for column in json.loads(text)["tables"][0]["columns"]] == ["age", "colour", "bought"]
    assert "blue" not in text


@pytest.mark.parametrize(
    "uri",
    [
        "project://../../../etc/spec",
        "project://%2e%2e/%2e%2e/spec",
        "project://projects/ann/../../../x/spec",
        "project:///etc/spec",
        "project://C:%5CWindows/spec",
        "project://nothing/spec",
        "project://my%00shop/spec",
        "project://my%20shop%2050%25/../../etc/passwd",
        "run://../report",
        "run://%2e%2e%2f%2e%2e/report",
        "run://run-0000000000000000/events",
        "schema://../project-spec",
        "schema://nothing",
        f"project://{'a' * 5000}/spec",
        f"run://{'a' * 5000}/report",
        "file:///etc/passwd",
        "project-spec",
        "",
    ],
)
async def test_nothing_outside_can_be_read(client, project, uri):
    with pytest.raises(MCPError, match=r"no resource|no project|no run|no schema|is no path|outside|cannot be read"):
        await client.read_resource(uri)


async def test_a_link_out_of_the_project_is_not_followed(client, project, tmp_path):
    secret = tmp_path / "secret.md"
    secret.write_text("secret", encoding="utf-8")
    card = project / "reports" / "model_card.md"
    card.unlink()
    card.symlink_to(secret)
    with pytest.raises(MCPError, match="has no"):
        await client.read_resource("project://my%20shop%2050%25/card")


async def test_a_linked_project_is_not_there(client, workspace, project, tmp_path):
    outside = tmp_path / "outside"
    project.rename(outside)
    project.symlink_to(outside)
    with pytest.raises(MCPError, match="outside"):
        await client.read_resource("project://projects/ann/my%20shop%2050%25/card")


async def test_a_huge_document_is_refused_with_its_path(client, project):
    (project / "reports" / "model_card.md").write_text("x" * 1_000_001, encoding="utf-8")
    with pytest.raises(MCPError, match="larger than 1,000,000 bytes"):
        await client.read_resource("project://my%20shop%2050%25/card")


async def test_a_run_has_a_report_and_its_events(client, workspace):
    run, _ = open_run(workspace.runs, "create_project", {"request": "x"}, "key")
    run.events.write_text('{"kind": "finding", "topic": "read", "text": "1 file"}\nbroken', encoding="utf-8")
    assert json.loads(await text_of(client, f"run://{run.run_id}/report"))["run_id"] == run.run_id
    assert json.loads(await text_of(client, f"run://{run.run_id}/events"))["text"] == "1 file"
    listed = [item.uri for item in (await client.list_resources()).resources]
    assert f"run://{run.run_id}/report" in listed


async def test_templates_name_every_kind(client):
    found = (await client.list_resource_templates()).resource_templates
    assert [item.uri_template for item in found] == [
        "project://{+name}/spec",
        "project://{+name}/catalog",
        "project://{+name}/sql",
        "project://{+name}/metrics",
        "project://{+name}/card",
        "run://{run_id}/report",
        "run://{run_id}/events",
        "schema://{name}",
    ]


async def test_every_prompt_can_be_filled(client):
    for prompt in (await client.list_prompts()).prompts:
        given = {argument.name: f'the "{argument.name}" {{x}}' for argument in prompt.arguments}
        text = (await client.get_prompt(prompt.name, given)).messages[0].content.text
        assert all(json.dumps(value) in text for value in given.values())


@pytest.mark.parametrize("arguments", [{}, {"project": "x", "more": "y"}])
async def test_a_prompt_takes_just_its_arguments(client, arguments):
    with pytest.raises(MCPError, match="audit takes project"):
        await client.get_prompt("audit", arguments)


async def test_an_unknown_prompt_is_named_beside_those_there_are(client):
    with pytest.raises(MCPError, match=r"no prompt 'sing'\. Prompts: predict, forecast"):
        await client.get_prompt("sing", {})


@pytest.mark.parametrize(
    ("reference", "argument", "expected"),
    [
        (ResourceTemplateReference(uri="project://{+name}/spec"), "name", ["projects/ann/my shop 50%"]),
        (PromptReference(name="audit"), "project", ["projects/ann/my shop 50%"]),
        (ResourceTemplateReference(uri="schema://{name}"), "name", ["pipeline-spec", "project-spec"]),
        (PromptReference(name="predict"), "path", []),
    ],
)
async def test_names_are_completed(client, project, reference, argument, expected):
    found = await client.complete(reference, {"name": argument, "value": "p"})
    assert found.completion.values == expected


def test_tools_that_prompts_and_the_skill_name_are_there():
    import re

    from automl_agent.mcp import install, prompts
    from automl_agent.tools.registry import tools

    known = {tool.name for tool in tools()} | {
        "custom_features",
        "run_id",
        "wait_seconds",
        "idempotency_key",
        "ask_user",
    }
    text = Path(prompts.__file__).read_text(encoding="utf-8") + install.skill()
    named = set(
        re.findall(r"\b(?:\w+_(?:data|spec|plan|project|projects|run|runs|report|features|drift|file))\b", text)
    )
    assert named - known == set()
