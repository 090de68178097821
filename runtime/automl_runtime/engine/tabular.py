"""Searches for the best model of a target that is a column: classes or values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.preprocessing import PreprocessingSpec

from automl_runtime.contracts import parse_model
from automl_runtime.engine.checkpoint import Checkpoint, describe_search
from automl_runtime.engine.clock import Clock
from automl_runtime.engine.compatibility import check_compatible
from automl_runtime.engine.ensemble import check_ensemble
from automl_runtime.engine.finish import Outcome, best_so_far, finish
from automl_runtime.engine.fleet import Fleet, PastRun
from automl_runtime.engine.folds import choose_validation, make_folds
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.latency import most_microseconds
from automl_runtime.engine.learners.foreign import plug_in
from automl_runtime.engine.memory import MemoryCap, affordable_rows
from automl_runtime.engine.metrics import loss_of
from automl_runtime.engine.model import Model
from automl_runtime.engine.neural.learners import joining, with_readings
from automl_runtime.engine.neural.precision import settled
from automl_runtime.engine.options import Options
from automl_runtime.engine.plan import Plan, make_plan, sample_rows
from automl_runtime.engine.portfolio import portfolio
from automl_runtime.engine.preprocessing import varies
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.search import Search
from automl_runtime.engine.settings import with_params
from automl_runtime.engine.steps import keeps_infinite
from automl_runtime.engine.strategies.registry import canonical
from automl_runtime.engine.time_stamps import harmful_stamps, hide
from automl_runtime.engine.trials import Config, TrialResult
from automl_runtime.engine.views import copies_for
from automl_runtime.engine.workspace import Workspace
from automl_runtime.errors import Cancelled, RequestError, TrainingError, shorten
from automl_runtime.events import EventSink, Finding, Progress, Warned
from automl_runtime.inference.encoding import Column, Encoded, Encoder
from automl_runtime.kernels.threads import available_cores

__all__ = ["asked_for", "encode_table", "fit_table"]

_FEW_ROWS = 50


def fit_table(
    inputs: pd.DataFrame,
    problem: Problem,
    clock: Clock,
    options: Options,
    shared: tuple[Encoder, Encoded] | None = None,
) -> Model:
    """See `fit`: its inputs, and the problem that `make_problem` made of the target.

    `shared` is what `encode_table` made of the same inputs for another target.
    """
    if not len(inputs.columns):
        raise TrainingError("There is no column to learn from besides the target.")
    if len(problem) < _FEW_ROWS:
        options.on_event(Warned(f"There are only {len(problem)} rows to learn from: take the scores with caution."))
    plug_in(problem.task, lambda text: options.on_event(Warned(text)))
    asked = asked_for(problem, options)
    encoder = Encoder(_columns(inputs, options, asked)) if shared is None else shared[0]
    _check(problem, encoder, options, asked)
    kept = None
    if shared is None:
        inputs, problem, kept = _within_memory(inputs, problem, encoder, options)
    data = _encoded(encoder, inputs, options) if shared is None else shared[1]
    options.check_cancelled()
    with _checkpoint(problem, encoder, data, options) as checkpoint:
        cores = options.executor.slots(available_cores())
        plan = _plan(problem, data, clock, options, checkpoint, asked, kept, cores)
        check_ensemble(plan, problem, single=options.interpretable)
        problem, data, index = _sampled(plan, problem, data, inputs.index, options.on_event)
        folds = make_folds(problem, plan.validation, plan.folds, plan.seed)
        if plan.validation == "temporal" and problem.windows is None:
            plan, data = _without_stamps(problem, data, plan, encoder, clock.budget, options.on_event)
        if checkpoint is not None and checkpoint.plan is None:
            checkpoint.begin(plan.to_json())
        workspace = Workspace(problem, data, folds, plan.seed, asked)
        strategy = "auto" if options.replay is not None else canonical(options.strategy)
        search = Search(workspace, clock, cores, plan.seed, options.on_event, options.cancel, strategy)
        search.memory, search.executor = MemoryCap(options.memory_gb), options.executor
        search.most_microseconds = most_microseconds(options.max_predict_us, encoder)
        search.ensemble = plan.ensemble
        _take_over(search, checkpoint)
        search.known += _failed(options.replay or ())
        with search.memory.watching(search.release):
            outcome = _run(search, encoder, inputs.columns, options, temporal=plan.validation == "temporal")
        model = _to_model(search, outcome, plan, index[workspace.valid_rows])
        _remember(search, options)
        search.release()
    elapsed = clock.elapsed()
    total = elapsed if clock.budget is None else clock.budget
    options.on_event(Progress("training", total, total, f"{model.best_model}: {problem.metric} {model.cv:.4g}"))
    return model


def encode_table(inputs: pd.DataFrame, options: Options, asked: PreprocessingSpec) -> tuple[Encoder, Encoded]:
    """The encoder of the inputs of a search, and their arrays.

    Raises:
        RequestError: if `options` name an unknown column or kind.
        DataError: if a picture cannot be read.
        TrainingError: if no column tells two rows apart.
    """
    encoder = Encoder(_columns(inputs, options, asked))
    return encoder, _encoded(encoder, inputs, options)


def _encoded(encoder: Encoder, inputs: pd.DataFrame, options: Options) -> Encoded:
    from threadpoolctl import threadpool_limits

    timed = options.trials is None and options.replay is None
    copies = 0 if options.interpretable else copies_for(len(inputs), options.budget_seconds if timed else None)
    # Pictures are described by many small products, for which threads of BLAS only wait for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        data = encoder.encode(inputs, copies=copies)
    if not varies(data):
        raise TrainingError("Every input column has the same value in all rows: there is nothing to learn from.")
    return data


def asked_for(problem: Problem, options: Options) -> PreprocessingSpec:
    """What was asked for, or what the recorded trials had.

    Raises:
        RequestError: if it does not suit the task, or differs from the record.
    """
    asked = options.preprocessing
    if options.replay is not None:
        recorded = parse_model(
            PreprocessingSpec, _recorded_plan(options.replay).preprocessing, origin="The plan of the recorded trials"
        )
        if asked.chosen and asked != recorded:
            raise RequestError("The recorded trials had another preprocessing; leave it out to execute them again.")
        asked = recorded
    if asked.imbalance is not None and not problem.classes:
        raise RequestError(f"preprocessing: `imbalance: {asked.imbalance}` is about classes; a regression has none.")
    return asked


def _check(problem: Problem, encoder: Encoder, options: Options, asked: PreprocessingSpec) -> None:
    check_compatible(
        task=problem.task,
        target=problem.target,
        kinds={column.kind for column in encoder.columns},
        preprocessors=asked.custom or (),
        architectures=options.models or (),
    )
    if options.params is not None and options.models is None:
        raise RequestError("`params` are settings of one family of models; name it: models=[...].")


def _columns(inputs: pd.DataFrame, options: Options, asked: PreprocessingSpec) -> tuple[Column, ...]:
    columns = make_columns(inputs, options.kinds)
    columns = with_readings(columns, _networks(columns, options))
    return tuple(replace(column, infinite=True) for column in columns) if keeps_infinite(asked) else columns


def _networks(columns: tuple[Column, ...], options: Options) -> Sequence[str]:
    """The families whose way of reading the encoder has to provide for."""
    if options.replay is not None:
        return [str(record["learner"]) for record in options.replay]
    if options.models is not None:
        return [options.models] if isinstance(options.models, str) else options.models
    timed = options.trials is None and not options.interpretable
    return joining(columns, options.budget_seconds) if timed else ()


def _run(search: Search, encoder: Encoder, features: Sequence[str], options: Options, *, temporal: bool) -> Outcome:
    # SciPy brings a BLAS of its own; a limit holds only for those that are loaded.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    replay, single = options.replay, options.interpretable
    if replay is None:
        configs = portfolio(
            search.problem,
            search.workspace.data,
            interpretable=single,
            models=options.models,
            budget_seconds=search.clock.budget,
            on_event=options.on_event,
        )
        if options.params is not None:
            configs = with_params(configs, options.params)
        configs = settled(configs, options.on_event)
        if options.memory is not None:
            configs = Fleet(options.memory).forward(configs, search.problem, search.workspace.data, options.on_event)
    else:
        configs = [_replayed(record) for record in replay]
    # Folds run side by side: threads of BLAS would fight over the cores, and change the last digits.
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            grow = replay is None and options.params is None and (not single or search.strategy != "auto")
            search.run(configs, options.trials or options.max_trials, grow=grow)
            return finish(search, encoder, features, options.threshold, single=single, temporal=temporal)
        except (Cancelled, KeyboardInterrupt) as stop:
            if search.checkpoint is None:
                raise
            raise _kept(search, encoder, features, options) from stop


def _remember(search: Search, options: Options) -> None:
    """Adds the search to the memory; one that executes recorded trials has nothing new to say."""
    if options.memory is None or options.replay is not None:
        return
    run = PastRun.of(search.problem, search.workspace.data, search.results)
    if run is not None:
        Fleet(options.memory).append(run)


def _checkpoint(
    problem: Problem, encoder: Encoder, data: Encoded, options: Options
) -> AbstractContextManager[Checkpoint | None]:
    if options.resume is None:
        return nullcontext()
    described = describe_search(problem, encoder, data, options)
    return Checkpoint.open(options.resume, described, options.on_event)


def _take_over(search: Search, checkpoint: Checkpoint | None) -> None:
    """Gives `search` the trials that are finished; the time that they took counts."""
    if checkpoint is None:
        return
    search.checkpoint = checkpoint
    search.known, used = checkpoint.read(search.workspace)
    search.clock.start -= used
    if search.known:
        search.emit(Finding("resumed", f"{len(search.known)} finished trials from {checkpoint.folder}"))


def _kept(search: Search, encoder: Encoder, features: Sequence[str], options: Options) -> Cancelled:
    """The message of a cancelled search, after its best model has been written beside its trials."""
    if search.checkpoint is None or not search.results:
        return Cancelled("The training was cancelled before a trial was finished.")
    folder = search.checkpoint.folder
    best = best_so_far(search, encoder, features, options.threshold)
    where = "" if best is None else f"; the best model so far lies in {search.checkpoint.keep_best(best)}"
    return Cancelled(
        f"The training was cancelled after {len(search.results)} trials{where}.",
        hint=f"It goes on from there with the same data and options and resume={str(folder)!r}.",
    )


def _plan(
    problem: Problem,
    data: Encoded,
    clock: Clock,
    options: Options,
    checkpoint: Checkpoint | None,
    asked: PreprocessingSpec,
    kept: int | None,
    cores: int,
) -> Plan:
    if checkpoint is not None and checkpoint.plan is not None:
        return Plan(**checkpoint.plan)
    if options.replay is not None:
        plan = _recorded_plan(options.replay)
        if options.ensemble not in ("auto", plan.ensemble):
            raise RequestError("The recorded trials had another ensemble; leave it out to execute them again.")
    else:
        validation = choose_validation(problem, options.validation)
        plan = make_plan(problem, data, validation, options.folds, options.seed, clock.budget, cores)
        plan = replace(plan, ensemble=options.ensemble)
    return replace(plan, preprocessing=asked.chosen, kept=kept)


def _recorded_plan(replay: Sequence[Mapping[str, Any]]) -> Plan:
    return Plan.from_json(replay[0]["plan"])


def _sampled(
    plan: Plan, problem: Problem, data: Encoded, index: pd.Index, on_event: EventSink
) -> tuple[Problem, Encoded, pd.Index]:
    rows = sample_rows(plan.rows, len(problem), plan.seed)
    if rows is None:
        return problem, data, index
    on_event(Warned(f"The budget is short for {len(problem)} rows: {len(rows)} of them, drawn at random, are used."))
    return problem.take(rows), data.take(rows), index[rows]


def _without_stamps(
    problem: Problem,
    data: Encoded,
    plan: Plan,
    encoder: Encoder,
    budget: float | None,
    on_event: EventSink,
) -> tuple[Plan, Encoded]:
    """The rows without the numbers that only tell when they happened, where later rows are forecast better so.

    How many rows tell that depends on the budget; the plan says it once it is known.
    """
    known = plan.hidden is not None
    found = np.array(plan.hidden, dtype=np.int64) if known else harmful_stamps(problem, data, plan.seed, budget)
    if not len(found) or not varies(hide(data, found)):
        return replace(plan, hidden=[]), data
    names = dict.fromkeys(encoder.number_owners[place] for place in found)
    told = ", ".join(shorten(name) for name in names)
    on_event(
        Finding("left out", f"{told}: they only tell when a row happened; later rows are predicted better without")
    )
    return replace(plan, hidden=found.tolist()), hide(data, found)


def _within_memory(
    inputs: pd.DataFrame, problem: Problem, encoder: Encoder, options: Options
) -> tuple[pd.DataFrame, Problem, int | None]:
    """The rows that fit into the memory, and how many where these are not all; a replay keeps what was kept."""
    if options.replay is not None:
        recorded = _recorded_plan(options.replay)
        kept, seed = recorded.kept or len(problem), recorded.seed
    else:
        kept, seed = affordable_rows(encoder, len(problem), options.memory_gb), options.seed
    rows = sample_rows(kept, len(problem), seed)
    if rows is None:
        return inputs, problem, None
    options.on_event(
        Warned(f"The memory is short for {len(problem):,} rows: {len(rows):,} of them, drawn at random, are used.")
    )
    return inputs.iloc[rows], problem.take(rows), len(rows)


def _replayed(record: Mapping[str, Any]) -> Config:
    rounds, final_rounds = tuple(record["rounds"]), record["final_rounds"]
    return Config(record["model"], record["learner"], dict(record["params"]), rounds=rounds, final_rounds=final_rounds)


def _failed(replay: Sequence[Mapping[str, Any]]) -> list[TrialResult]:
    """The recorded trials that left no model: they are known, and not executed to fail once more."""
    return [
        TrialResult(number, _replayed(record), "failed", [], 0.0, error="failed when it was recorded")
        for number, record in enumerate(replay, start=1)
        if not record["rounds"]
    ]


def _to_model(search: Search, outcome: Outcome, plan: Plan, index: pd.Index) -> Model:
    problem = search.problem
    columns = list(problem.classes) or [problem.target]
    rows = [_row(search, result) for result in search.results if result.complete]
    best = "ensemble" if len(outcome.weights) > 1 else next(iter(outcome.weights))
    if len(outcome.weights) > 1:
        chosen = [row for row in rows if row.model in outcome.weights]
        rows.append(
            LeaderboardRow(
                model=best,
                cv=outcome.score,
                fit_seconds=sum(row.fit_seconds for row in chosen),
                predict_us_per_row=sum(row.predict_us_per_row for row in chosen),
            )
        )
    return Model(
        outcome.model,
        cv=outcome.score,
        best_model=best,
        rows=sorted(rows, key=lambda row: (loss_of(problem.metric, row.cv), row.model != "ensemble", row.model)),
        oof=pd.DataFrame(outcome.outputs, index=index, columns=pd.Index(np.array(columns))),
        trials=[result.record(plan.to_json()) for result in search.results],
        seconds=search.clock.elapsed(),
        weights=outcome.weights,
        path=[
            (result.ended, result.score) for result in search.results if result.complete and result.score is not None
        ],
    )


def _row(search: Search, result: Any) -> LeaderboardRow:
    predicting = sum(fold.predict_seconds for fold in result.folds)
    models = 1 if search.refits(result.config) else len(result.folds)
    return LeaderboardRow(
        model=result.config.name,
        cv=result.score,
        fit_seconds=round(result.seconds, 3),
        predict_us_per_row=round(1e6 * predicting * models / len(search.workspace.valid_rows), 3),
    )
