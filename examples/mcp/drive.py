"""Drives automl from an MCP client only: discover, spec, create, poll, report, predict, retrain, promote, roll back.

    python drive.py                                                   # on ../messy_churn/data
    python drive.py DATA "predict which customers will churn"         # on data of yours

Needs `pip install "automl-cli[mcp]"`. It starts `automl mcp` as a client does and writes transcript.jsonl beside
itself: each call with its arguments and its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from mcp import Client, StdioServerParameters

HERE = Path(__file__).resolve().parent


class Stopped(Exception):
    """A call or a run went wrong; the message says why."""


@dataclass
class Session:
    """A client whose calls are written down, without the places of this machine."""

    client: Client
    transcript: TextIO
    places: dict[str, str]

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What `tool` answers; its progress is printed while it works."""
        print(f"{tool} {json.dumps(arguments, ensure_ascii=False)[:100]}")
        result = await self.client.call_tool(tool, arguments, progress_callback=_print_progress)
        if result.is_error:
            raise Stopped(f"{tool}: {result.content[0].text}")
        self._note({"tool": tool, "arguments": arguments, "answer": result.structured_content})
        return result.structured_content

    async def read(self, uri: str) -> str:
        """The text of a resource."""
        print(f"read {uri}")
        text = (await self.client.read_resource(uri)).contents[0].text
        self._note({"read": uri, "text": text})
        return text

    async def ended(self, run: dict[str, Any]) -> dict[str, Any]:
        """`run` once it has ended; its result."""
        while run["status"] == "running":
            run = await self.call("get_run", run_id=run["run_id"], since=run["cursor"], wait_seconds=20)
        if run["status"] != "completed":
            raise Stopped(f"{run['run_id']} {run['status']}: {run['failure']}")
        return run["result"]

    def _note(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, ensure_ascii=False)
        for place, name in self.places.items():
            line = line.replace(place, name)
        self.transcript.write(line + "\n")


async def job(session: Session, request: str, data: str, budget: float) -> None:
    """What a sensible model would do, step by step."""
    found = await session.call("discover_data", path=data)
    draft = await session.call("draft_spec", request=request, path=data)
    await session.call("validate_spec", spec_yaml=draft["spec_yaml"])
    wanted = {"request": request, "path": data, "budget_seconds": budget}
    await session.call("explain_plan", **wanted)
    run = await session.call("create_project", **wanted, idempotency_key="first")
    project = (await session.ended(run))["project"]

    report = await session.call("get_report", project=project)
    await session.read(f"project://{project}/card")
    columns = [each["column"] for each in report["inputs"]]
    await session.call("predict", project=project, columns=columns, rows=[typical(columns, found)], explain=True)

    run = await session.call("start_run", project=project, budget_seconds=budget, idempotency_key="second")
    trained = await session.ended(run)
    trainings = (await session.call("list_runs", project=project))["trainings"]
    await session.call("compare_runs", project=project, before=trainings[0]["run"], after=trainings[-1]["run"])
    newest = trained["versions"][-1]["version"]
    # Going back is possible from where something was before: the first version has nothing behind it.
    moves = ["promote", "rollback"] if trained["production"] != newest else ["rollback", "promote"]
    for move in moves:
        version = {"version": newest} if move == "promote" else {}
        await session.call(move, project=project, **version, reason="as an example")
    score = report["score"]
    print(f"{project}: {score['metric']} {score['holdout']:.3f} on {score['rows_holdout']} rows no model had seen.")


def typical(columns: list[str], found: dict[str, Any]) -> list[float | None]:
    """A row with the means that discover_data told; the rest is not known."""
    means = {}
    for table in found["tables"]:
        for column in table["columns"]:
            means[f"{table['name']}.{column['name']}"] = means[column["name"]] = column["mean"]
    return [means.get(name) for name in columns]


async def _print_progress(progress: float, total: float | None, message: str | None) -> None:
    del progress, total
    print(f"    {message}")


async def main() -> None:
    """Reads the command line and does the job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=HERE.parent / "messy_churn" / "data")
    parser.add_argument("request", nargs="?", default="predict which subscribers will cancel")
    parser.add_argument("--workspace", type=Path, help="a new temporary folder when left out")
    parser.add_argument("--transcript", type=Path, default=HERE / "transcript.jsonl")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds for each search")
    given = parser.parse_args()
    workspace = (given.workspace or Path(tempfile.mkdtemp(prefix="automl-mcp-"))).resolve()
    data = given.data.resolve()
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "automl_agent", "mcp", "--workspace", str(workspace)]
    )
    why = None
    with given.transcript.open("w", encoding="utf-8") as transcript:
        async with Client(server) as client:
            session = Session(client, transcript, {str(workspace): "WORKSPACE", str(data): "DATA"})
            try:
                await job(session, given.request, str(data), given.budget)
            except Stopped as error:
                why = str(error)
    print(f"transcript: {given.transcript}")
    sys.exit(why)


if __name__ == "__main__":
    asyncio.run(main())
