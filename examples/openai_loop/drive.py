"""Drives automl by OpenAI functions only: discover, spec, create, poll, report, predict, retrain, promote, roll back.

    python drive.py ../messy_churn/data "predict which subscribers will cancel"        # the model follows a script
    OPENAI_BASE_URL=... OPENAI_API_KEY=... python drive.py DATA REQUEST --model NAME   # a model of yours decides

Needs `pip install "automl-cli[llm]"`. Writes each call with arguments and answer into transcript.jsonl beside itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from automl_agent.openai_functions import definitions, reply
from automl_agent.tools.workspace import Workspace
from openai import OpenAI
from scripted import Script, call, say, serve

TRANSCRIPT = Path(__file__).with_name("transcript.jsonl")
TASK = """{request}. The data are in {path}. Look at the data, draft a spec, create the project, poll the run to its
end, get the report, predict one row, start another training run, poll it. Where the newest version is in
production, roll back and promote it again, else promote it and roll back. Tell the score. Every search gets
budget_seconds={budget}."""


def job(request: str, path: str, budget: float) -> Script:
    """What a sensible model would do, step by step."""
    yield call("discover_data", path=path)
    yield call("draft_spec", request=request, path=path)
    run = yield call("create_project", request=request, path=path, budget_seconds=budget, idempotency_key="first")
    project = (yield from polled(run))["project"]
    report = yield call("get_report", project=project, part=None)  # null: the default
    columns = [each["column"] for each in report["inputs"]]
    yield call("predict", project=project, columns=columns, rows=[[None] * len(columns)])
    run = yield call("start_run", project=project, budget_seconds=budget)
    trained = yield from polled(run)
    newest = trained["versions"][-1]["version"]
    moves = [
        call("promote", project=project, version=newest, reason="as an example"),
        call("rollback", project=project),
    ]
    first, second = reversed(moves) if trained["production"] == newest else moves
    yield first
    yield second
    score = report["score"]
    yield say(f"{project}: {score['metric']} {score['holdout']:.3f} on {score['rows_holdout']} rows no model had seen.")


def polled(run: dict[str, Any]) -> Any:
    """Looks at a run until it has ended; its result."""
    while run.get("status") == "running":
        run = yield call("get_run", run_id=run["run_id"], since=run["cursor"], wait_seconds=20)
    if run.get("result") is None:
        raise ValueError(f"there is no result: {run}")
    return run["result"]


def converse(client: OpenAI, model: str, task: str, workspace: Workspace, place: Path) -> None:
    """The loop of every agent: ask the model, make its calls, send the answers back."""
    messages: list[Any] = [{"role": "user", "content": task}]
    with place.open("w", encoding="utf-8") as transcript:
        while True:
            answer = client.chat.completions.create(model=model, messages=messages, tools=definitions("chat"))
            message = answer.choices[0].message
            messages.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                note(transcript, workspace, {"said": message.content})
                print(message.content)
                return
            for each in message.tool_calls:
                messages.append(reply(each, workspace))
                arguments = json.loads(each.function.arguments)
                print(f"{each.function.name} {each.function.arguments[:100]}")
                answered = json.loads(messages[-1]["content"])
                note(transcript, workspace, {"tool": each.function.name, "arguments": arguments, "answer": answered})


def note(transcript: Any, workspace: Workspace, entry: dict[str, Any]) -> None:
    """Writes a line without the places of this machine."""
    text = json.dumps(entry, ensure_ascii=False).replace(str(workspace.root), "WORKSPACE")
    transcript.write(text.replace(str(Path(__file__).resolve().parents[1]), "EXAMPLES") + "\n")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("request")
    parser.add_argument("--model", help="a model of your endpoint; without it a script decides")
    parser.add_argument("--workspace", type=Path, help="a new temporary folder when left out")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds for each search")
    parser.add_argument("--transcript", type=Path, default=TRANSCRIPT)
    given = parser.parse_args()
    workspace = Workspace.open(given.workspace or tempfile.mkdtemp(prefix="automl-openai-"))
    path = str(given.data.resolve())
    script = partial(job, given.request, path, given.budget)
    task = TASK.format(request=given.request, path=path, budget=given.budget)
    with nullcontext((None, [])) if given.model else serve(script) as (address, _):
        client = OpenAI() if given.model else OpenAI(base_url=address, api_key="none")
        converse(client, given.model or "script", task, workspace, given.transcript)
    print(f"transcript: {given.transcript}")


if __name__ == "__main__":
    main()
