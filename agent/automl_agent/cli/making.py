"""Commands that look at data and make projects: new, spec, discover, doctor."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from automl_agent.cli.asking import Embeddings, Llm, LlmCalls, LlmCost, LlmSeconds, LlmTokens, Wanted, opened
from automl_agent.cli.shared import (
    Answers,
    Budget,
    Data,
    Debug,
    Json,
    NoAsk,
    choose,
    emit,
    emit_json,
    may_ask,
    parse_answers,
    print_table,
)

if TYPE_CHECKING:
    from automl_runtime.data.review import PlanItem
    from automl_schemas.catalog import DataCatalog
    from automl_schemas.question import Question

    from automl_agent.console import Narrator
    from automl_agent.drafting import Draft, DraftOptions
    from automl_agent.llm import LanguageModel

__all__ = ["ask_question", "register"]

RequestWords = Annotated[
    str,
    typer.Argument(
        help="What to predict, in plain English; or a YAML or JSON file (project.yaml, requirement).",
        metavar="REQUEST",
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", help="Keep a column although it looks like a leak.", metavar="TABLE.COLUMN"),
]
Reject = Annotated[
    list[str] | None,
    typer.Option(
        "--reject",
        help="Reject a step of the cleaning plan: table.column or table.column:step.",
        metavar="ITEM",
    ),
]
Trials = Annotated[int | None, typer.Option("--trials", min=1, help="Fixed number of trials instead of a time budget.")]
StrategyName = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        help="How the search chooses: auto, asht, tpe, gp, cma, nsga2, hyperband, random, grid; or one of your own.",
        metavar="NAME",
    ),
]
HoldoutFrom = Annotated[
    str | None,
    typer.Option("--holdout-from", help="First day of the holdout, as 2024-07-01; default: a fifth of the rows."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the split and of the search.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command(epilog='Example: automl new "predict churn" --data ./messy --out ./churn --budget 60s')(new)
    app.command(epilog='Example: automl spec "predict churn" --data ./messy --json')(spec)
    app.command(epilog="Example: automl discover ./messy --raw-out ./tables")(discover)
    app.command(epilog="Example: automl doctor --json")(doctor)


def new(
    request: RequestWords,
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write; default: a name from the request.")
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", help="Write to WORKSPACE/projects/USER/NAME instead of --out."),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="USER below --workspace; default: the login name.")] = None,
    budget: Budget = None,
    trials: Trials = None,
    strategy: StrategyName = None,
    holdout_from: HoldoutFrom = None,
    seed: Seed = 0,
    answer: Answers = None,
    keep: Keep = None,
    reject: Reject = None,
    review: Annotated[bool, typer.Option("--review", help="Show the cleaning plan and ask what to reject.")] = False,
    llm: Llm = "auto",
    llm_calls: LlmCalls = 100,
    llm_tokens: LlmTokens = 300_000,
    llm_seconds: LlmSeconds = 900,
    llm_cost: LlmCost = None,
    embeddings: Embeddings = "auto",
    no_ask: NoAsk = False,
    force: Annotated[bool, typer.Option("--force", help="Move an existing output folder aside.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same command was interrupted; trials are not repeated.")
    ] = False,
    no_vendor_runtime: Annotated[
        bool, typer.Option("--no-vendor-runtime", help="Leave the wheels of the runtime out of the project.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a project: find and clean the data, train, write a tested git repository."""
    started = time.monotonic()
    from automl_agent.console import narrate
    from automl_agent.creating import create, refuse_untrainable
    from automl_agent.drafting import draft

    asking = may_ask(no_ask=no_ask, as_json=as_json)
    options = _options(
        data, budget, trials, strategy, holdout_from, seed, answer, keep, reject, asking=asking, review=review
    )
    wanted = Wanted(llm, llm_calls, llm_tokens, llm_seconds, llm_cost)
    with narrate() as narrator:
        with opened(wanted, narrator) as model:
            drafted = draft(request, _paused(options, narrator, model, embeddings), on_event=narrator)
        refuse_untrainable(drafted.spec)
        place = _place(drafted.spec.name, out, workspace, user)
        created = create(
            drafted,
            place,
            force=force,
            vendor=not no_vendor_runtime,
            started=started,
            resume=resume,
            kept=True,
            on_event=narrator,
        )
        if not as_json:
            _say_what_follows(drafted, place, narrator)
    if as_json:
        emit_json(
            {
                "project": str(created.path),
                "spec": created.spec.model_dump(mode="json"),
                "metrics": created.metrics.model_dump(mode="json"),
                "questions": [question.model_dump(mode="json") for question in drafted.questions],
                "decisions": [decision.model_dump(mode="json") for decision in drafted.decisions],
                "warnings": drafted.warnings,
                "seconds": round(time.monotonic() - started, 3),
            }
        )


def spec(
    request: RequestWords,
    data: Data = None,
    budget: Budget = None,
    trials: Trials = None,
    strategy: StrategyName = None,
    holdout_from: HoldoutFrom = None,
    seed: Seed = 0,
    answer: Answers = None,
    keep: Keep = None,
    reject: Reject = None,
    llm: Llm = "auto",
    llm_calls: LlmCalls = 100,
    llm_tokens: LlmTokens = 300_000,
    llm_seconds: LlmSeconds = 900,
    llm_cost: LlmCost = None,
    embeddings: Embeddings = "auto",
    no_ask: NoAsk = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what was understood: the project spec, with its open questions, and nothing written."""
    from automl_runtime.project.specfile import dump_spec

    from automl_agent.console import narrate
    from automl_agent.drafting import draft

    asking = may_ask(no_ask=no_ask, as_json=as_json)
    options = _options(
        data, budget, trials, strategy, holdout_from, seed, answer, keep, reject, asking=asking, review=False
    )
    wanted = Wanted(llm, llm_calls, llm_tokens, llm_seconds, llm_cost)
    with narrate() as narrator, opened(wanted, narrator) as model:
        drafted = draft(request, _paused(options, narrator, model, embeddings), on_event=narrator)
    if as_json:
        emit_json(
            {
                "spec": drafted.spec.model_dump(mode="json"),
                "questions": [question.model_dump(mode="json") for question in drafted.questions],
                "decisions": [decision.model_dump(mode="json") for decision in drafted.decisions],
                "warnings": drafted.warnings,
            }
        )
        return
    emit(dump_spec(drafted.spec).rstrip())
    for question in drafted.questions:
        emit(f"# {question.id}: {question.text} [{question.default}]  {question.impact}")


def discover(
    path: Annotated[Path, typer.Argument(help="File or folder with data.")],
    raw_out: Annotated[
        Path | None,
        typer.Option("--raw-out", help="Write each table found, untouched, as CSV into this folder."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what is in a folder: files, tables, columns, keys, joins."""
    from automl_agent.console import narrate

    with narrate() as narrator:
        if raw_out is not None:
            _write_raw(path, raw_out, narrator, as_json=as_json)
            return
        from automl_runtime.data.catalog import discover as discover_data

        catalog = discover_data(path, on_event=narrator).catalog
    if as_json:
        emit_json(catalog.model_dump(mode="json"))
        return
    _print_catalog(catalog)


def doctor(
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode",
            help="Print the variables by which services take so much of the machine: "
            'eval "$(automl doctor --mode performance)". Modes: balanced, conservative, performance, '
            "full_utilization, memory_saving.",
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Say what is installed, what the machine has, and what could be added."""
    from dataclasses import asdict

    from automl_agent.doctor import examine

    if mode is not None:
        _print_plan(mode, as_json=as_json)
        return
    checks = examine()
    failed = [check for check in checks if check.required and not check.ok]
    if as_json:
        emit_json({"ok": not failed, "checks": [asdict(check) for check in checks]})
    else:
        marks = [
            ("ok" if c.ok else "MISSING" if c.required else "-", c.name, c.value, "" if c.ok else c.fix) for c in checks
        ]
        print_table(["", "part", "found", "what to do"], marks)
    if failed:
        raise typer.Exit(1)


def _print_plan(mode: str, *, as_json: bool) -> None:
    from dataclasses import asdict

    from automl_runtime.project.machine import plan

    found = plan(mode)
    variables = found.variables("serving")
    if as_json:
        emit_json(asdict(found) | {"variables": {"serving": variables, "training": found.variables("training")}})
        return
    for name, value in variables.items():
        emit(f"export {name}={value}")


def _options(
    data: Path | None,
    budget: str | None,
    trials: int | None,
    strategy: str | None,
    holdout_from: str | None,
    seed: int,
    answer: list[str] | None,
    keep: list[str] | None,
    reject: list[str] | None,
    *,
    asking: bool,
    review: bool,
) -> DraftOptions:
    from automl_runtime.errors import RequestError
    from automl_runtime.project.logs import logs_json

    from automl_agent.drafting import DraftOptions
    from automl_agent.durations import parse_duration

    if review and logs_json():
        raise RequestError("--review shows the plan to a person; it excludes --log-json.")
    return DraftOptions(
        data=data,
        answers=parse_answers(answer),
        keep=tuple(keep or ()),
        reject=tuple(reject or ()),
        budget_seconds=None if budget is None else parse_duration(budget),
        trials=trials,
        strategy=strategy,
        holdout_from=_day(holdout_from),
        seed=seed,
        ask=ask_question if asking else None,
        review=_review if review else None,
    )


def _day(text: str | None) -> date | None:
    from automl_runtime.errors import RequestError, shorten

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise RequestError(f"--holdout-from is {shorten(text)}; a day is written as 2024-07-01.") from error


def _paused(
    options: DraftOptions, narrator: Narrator, model: LanguageModel | None, embeddings: Literal["auto", "on", "off"]
) -> DraftOptions:
    """The options with the terminal left to each question, and the model and the embeddings that are asked."""
    from dataclasses import replace

    from automl_agent.embeddings import installed

    ask = None if options.ask is None else narrator.pausing(options.ask)
    review = None if options.review is None else narrator.pausing(options.review)
    return replace(options, ask=ask, review=review, llm=model, embedder=installed(embeddings))


def ask_question(question: Question) -> str:
    """The answer that a person gives to `question` on the terminal; its default when nothing is typed."""
    from automl_runtime.errors import visible

    sys.stderr.write(visible(f"\n? {question.text}\n  {question.impact}\n"))
    for number, option in enumerate(question.options, start=1):
        mark = " (default)" if option.value == question.default else ""
        sys.stderr.write(visible(f"  {number}. {option.label}{mark}\n"))
    return choose([option.value for option in question.options], question.default, "  your choice", err=True)


def _say_what_follows(drafted: Draft, place: Path, narrator: Narrator) -> None:
    for question in drafted.questions:
        answer = drafted.spec.answers.get(question.id, question.default)
        text = f"{question.id}={answer}: {question.text}  (change with --answer {question.id}=...)"
        narrator.line("assumed", text)
    narrator.line("next", f"cd {place} && make serve")


def _review(items: Sequence[PlanItem]) -> Collection[str]:
    from automl_runtime.errors import visible

    for number, item in enumerate(items, start=1):
        pairs = [
            f"{example.before!r} -> {'null' if example.after is None else repr(example.after)}"
            for example in item.examples
        ]
        sys.stderr.write(visible(f"{number:>4}. {item.id}: {item.source} -> {item.result}, {item.count:,} cells\n"))
        sys.stderr.write(visible(f"      {'   '.join(pairs)}\n"))
    if not sys.stdin.isatty():
        return ()
    while True:
        typed = typer.prompt("  numbers to reject (as 2,5), or nothing", default="", show_default=False, err=True)
        numbers = [part for part in typed.replace(",", " ").split() if part]
        if all(part.isdigit() and 1 <= int(part) <= len(items) for part in numbers):
            return [items[int(part) - 1].id for part in numbers]
        sys.stderr.write(f"  Type numbers from 1 to {len(items)}.\n")


def _place(name: str, out: Path | None, workspace: Path | None, user: str | None) -> Path:
    import getpass

    from automl_generators.names import clean_name
    from automl_runtime.errors import RequestError

    if out is not None and workspace is not None:
        raise RequestError("--out and --workspace exclude each other; give one of them.")
    if out is not None:
        return out
    if workspace is not None:
        return workspace / "projects" / clean_name(user or getpass.getuser()) / name
    return Path(name)


def _write_raw(path: Path, folder: Path, narrator: Any, *, as_json: bool) -> None:
    from automl_runtime.data.reading import read_path
    from automl_runtime.data.reading.raw_out import write_raw

    result = read_path(path, on_event=narrator)
    written = write_raw(result.tables, folder)
    narrator.finish()
    if as_json:
        emit_json({"tables": [str(place) for place in written], "warnings": result.warnings})
        return
    for place in written:
        emit(str(place))


def _print_catalog(catalog: DataCatalog) -> None:
    for table in catalog.tables:
        keys = "; key " + ", ".join(table.keys[0].columns) if table.keys else ""
        emit(
            f"\n{table.name}  ({', '.join(table.files)}): {table.rows:,} rows, {table.duplicate_rows:,} repeated{keys}"
        )
        rows = [
            (
                column.name[:40],
                column.type,
                column.role,
                f"{100 * column.missing / max(column.rows, 1):.1f} %",
                f"{column.distinct:,}",
                ", ".join(value.value for value in column.stats.top[:3])[:50],
            )
            for column in table.columns
        ]
        print_table(["column", "type", "role", "missing", "distinct", "most frequent"], rows, right=(3, 4))
    for join in catalog.joins:
        pairs = ", ".join(f"{a} = {b}" for a, b in zip(join.child_columns, join.parent_columns, strict=True))
        found = f"{join.cardinality}, {100 * join.containment:.1f} % found"
        emit(f"join  {join.child} -> {join.parent}  on {pairs}  ({found})")
    for copy in catalog.duplicates:
        emit(f"copy  {copy.path} of {copy.of} ({copy.reason})")
    for ignored in catalog.ignored:
        emit(f"ignored  {ignored.path}: {ignored.reason}")
    for folder in catalog.images:
        emit(f"images  {folder.path}: {sum(folder.classes.values()):,} in {len(folder.classes)} classes")
    for warning in catalog.warnings:
        emit(f"warning  {warning}")
