"""Makes the final model out of the trials: weights, models of folds or of all rows, decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from automl_runtime.engine.ensemble import equal_weights, greedy_weights
from automl_runtime.engine.executors.base import THREADS
from automl_runtime.engine.latency import fast_enough, microseconds
from automl_runtime.engine.metrics import LABEL_METRICS, loss_of, score_classes
from automl_runtime.engine.neural.precision import NEURAL
from automl_runtime.engine.reference_rows import background_rows
from automl_runtime.engine.scoring import selection_loss, trial_score
from automl_runtime.engine.search import FAILURES, Search
from automl_runtime.engine.spill import awake
from automl_runtime.engine.stacking import Stack, stack
from automl_runtime.engine.thresholds import ThresholdPolicy, choose_multipliers, choose_threshold, default_policy
from automl_runtime.engine.trials import MORE_ROUNDS, FoldResult, TrialResult, fit_fold
from automl_runtime.engine.watch import raise_interrupt
from automl_runtime.engine.workspace import ALL_ROWS
from automl_runtime.errors import Cancelled
from automl_runtime.events import Finding, Warned
from automl_runtime.inference.blocks import Raw
from automl_runtime.inference.encoding import Encoder
from automl_runtime.inference.intervals import make_interval
from automl_runtime.inference.model import FittedModel, ModelInfo
from automl_runtime.inference.parts import Design, Member, Part
from automl_runtime.kernels.arrays import Floats

__all__ = ["Outcome", "best_so_far", "finish"]

_LATER_ROUNDS = 1.1
_LEAST_OF_FINAL = 0.7
_MOST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The final model and how it did out of fold."""

    model: FittedModel
    outputs: Floats
    """Of the ensemble, for the rows that validated; a second level was not fitted on the fold of the row."""
    score: float
    weights: dict[str, float]


def finish(
    search: Search,
    encoder: Encoder,
    features: Sequence[str],
    policy: ThresholdPolicy | None,
    *,
    single: bool,
    temporal: bool,
) -> Outcome:
    """The best ensemble of the trials (a mean, or a second level over them), or the best trial when `single`.

    Raises:
        TrainingError: if no model predicts as fast as it shall.
    """
    trained = [result for result in search.results if result.usable]
    usable = fast_enough(search, trained)
    weights = _weigh(search, usable, single)
    outputs = _mixture(usable, weights)
    levels = not single and (search.ensemble == "stacking" or (search.ensemble != "voting" and not temporal))
    stacked = _stacked(search, usable, outputs) if levels else None
    shifts: tuple[float, ...] = ()
    if stacked is not None:
        weights, outputs, shifts = stacked.weights, stacked.outputs, tuple(stacked.shifts.tolist())
    chosen = [(result, weight) for result, weight in zip(usable, weights, strict=True) if weight > 0]
    if search.most_microseconds is not None:
        _say_what_speed_costs(search, trained, single, [result for result, _ in chosen], outputs)
    designs: list[Design] = []
    search.release()
    finals = _finals(search, [result for result, _ in chosen], temporal)
    members = [
        Member(result.config.name, float(weight), _stored_parts(_kept(search, result, final), designs))
        for (result, weight), final in zip(chosen, finals, strict=True)
    ]
    model = _model(search, encoder, features, designs, members, outputs, policy, shifts)
    shares = {member.name: member.weight / float(weights.sum()) for member in members}
    return Outcome(model, outputs, _score(search, model, outputs), shares)


def _stacked(search: Search, usable: list[TrialResult], outputs: Floats) -> Stack | None:
    """The second level, where it is asked for or better out of fold than `outputs`, the mixture; None if too large."""
    problem, rows, folds = search.problem, search.workspace.valid_rows, search.workspace.folds
    asked = search.ensemble == "stacking"
    if not problem.classes or len(usable) < 2 or len(folds) < 2:
        if asked:
            search.emit(Warned("stacking needs two models and two folds at least; there is no second level."))
        return None
    found = stack(
        problem,
        rows,
        [len(fold.valid) for fold in folds],
        [result.outputs for result in usable if result.outputs is not None],
        search.seed,
    )
    loss = selection_loss(problem, rows)
    used = found.weights > 0
    fits = used.sum() > 1 and (_loads(search, usable)[used].sum(axis=0) <= 1).all()
    if asked and not fits:
        why = "one model is as good" if used.sum() <= 1 else "it would be too large or too slow"
        search.emit(Warned(f"stacking: {why}; there is no second level."))
    return found if fits and (asked or loss(found.outputs) < loss(outputs)) else None


def best_so_far(
    search: Search, encoder: Encoder, features: Sequence[str], policy: ThresholdPolicy | None
) -> FittedModel | None:
    """The models of the folds of the best trial; None before the first that is complete."""
    usable = [result for result in search.results if result.usable]
    if not usable:
        return None
    best = min(usable, key=lambda result: loss_of(search.problem.metric, result.score or 0.0))
    designs: list[Design] = []
    members = [Member(best.config.name, 1.0, _stored_parts(best.folds, designs))]
    outputs = np.vstack([fold.outputs for fold in best.folds])
    return _model(search, encoder, features, designs, members, outputs, policy)


def _mixture(results: Sequence[TrialResult], weights: Floats) -> Floats:
    return np.asarray(np.sum([each.outputs * w for each, w in zip(results, weights, strict=True) if w > 0], axis=0))


def _say_what_speed_costs(
    search: Search, trained: list[TrialResult], single: bool, chosen: list[TrialResult], outputs: Floats
) -> None:
    free = _weigh(search, trained, single, timed=False)
    times = [sum(microseconds(search, each) for each in group) for group in (compress(trained, free > 0), chosen)]
    problem, rows = search.problem, search.workspace.valid_rows
    scores = [trial_score(problem, rows, each) for each in (_mixture(trained, free), outputs)]
    text = f"{', '.join(each.config.name for each in chosen)}: about {times[1]:.3g} us a row, "
    text += f"{problem.metric} {scores[1]:.4g}"
    if times[0] > (search.most_microseconds or np.inf):
        text += f"; without the limit {int((free > 0).sum())} models, {times[0]:.3g} us, {scores[0]:.4g}"
    search.emit(Finding("latency", text))


def _weigh(search: Search, usable: list[TrialResult], single: bool, *, timed: bool = True) -> Floats:
    """Weights of the usable trials; those that make the model too large for the good they do are left out.

    So are those that make it too slow, when it is `timed`.
    """
    losses = [loss_of(search.problem.metric, result.score or 0.0) for result in usable]
    if single or len(usable) == 1:
        return np.asarray(np.eye(len(usable))[int(np.argmin(losses))])
    loads = _loads(search, usable)[:, : None if timed else 1]
    left = list(range(len(usable)))
    while True:
        weights = np.zeros(len(usable))
        weights[left] = _free_weights(search, [usable[place] for place in left], [losses[place] for place in left])
        members = np.flatnonzero(weights)
        exceeded = loads[members].sum(axis=0) > 1
        if not exceeded.any() or len(members) == 1:
            return weights
        burden = loads[members][:, exceeded].max(axis=1)
        left.remove(int(members[np.argmin(weights[members] / burden)]))


def _free_weights(search: Search, usable: list[TrialResult], losses: list[float]) -> Floats:
    """Weights whatever the models cost."""
    if search.ensemble == "voting":
        return equal_weights([result.config.learner for result in usable], losses)
    outputs = [result.outputs for result in usable if result.outputs is not None]
    return greedy_weights(search.problem, search.workspace.valid_rows, outputs, search.seed)


def _loads(search: Search, usable: Sequence[TrialResult]) -> Floats:
    """What share of each limit (bytes, and microseconds where they are limited) each model takes: models x limits."""
    loads = [[_stored_bytes(search, result) / _MOST_BYTES for result in usable]]
    if search.most_microseconds is not None:
        loads.append([microseconds(search, result) / search.most_microseconds for result in usable])
    return np.array(loads).T


def _stored_bytes(search: Search, result: TrialResult) -> float:
    sizes = [fold.stored for fold in result.folds]
    return max(sizes) if search.refits(result.config) else sum(sizes)


def _finals(search: Search, results: Sequence[TrialResult], temporal: bool) -> list[FoldResult | None]:
    """Models of all rows, fitted side by side; None where those of the folds stay: no time, or only one fold."""
    if search.cancel is not None and search.cancel():
        raise Cancelled("The training was cancelled.")
    due = [result for result in results if temporal or search.refits(result.config)]
    threads = max(1, search.threads // max(1, min(search.workers, len(due))))
    fitted: dict[int, FoldResult | None] = {}
    # They wait in threads of this process, wherever the fits themselves happen.
    with search.memory.trial("final"), search.pool(THREADS) as pool:
        jobs = [pool.submit(_fit_all, search, result, threads, temporal) for result in due]
        for result, final in zip(due, search.wait(jobs), strict=True):
            fitted[result.number] = final
            if final is not None:
                result.final_rounds = final.fit.rounds
                result.seconds += final.seconds
    return [fitted.get(result.number) for result in results]


def _kept(search: Search, result: TrialResult, final: FoldResult | None) -> list[FoldResult]:
    """The models that stay: of all rows, else of the folds; of these one where the time of predictions is limited."""
    if final is not None:
        return [final]
    limited = search.most_microseconds is not None and search.refits(result.config)
    return result.folds[:1] if limited else result.folds


def _stored_parts(folds: Sequence[FoldResult], designs: list[Design]) -> tuple[Part, ...]:
    return tuple(Part(_place(designs, fold.design), awake(fold.fit.predictor), fold.fit.reading) for fold in folds)


def _fit_all(search: Search, result: TrialResult, threads: int, temporal: bool) -> FoldResult | None:
    """A model of all rows; None when there is no time or memory for it, or it had to end much too early."""
    recorded = result.config.final_rounds
    left = search.clock.left()
    replays = bool(result.config.rounds)
    if (replays and recorded is None) or left < _LEAST_OF_FINAL * search.final_seconds(result):
        return None
    if not search.bears(result.config):
        return None
    wanted = recorded or _rounds(result, temporal)
    try:
        with search.pool() as pool:
            final: FoldResult = pool.submit(
                fit_fold,
                search.workspace,
                result.config,
                ALL_ROWS,
                seed=search.seed,
                threads=threads,
                stop=search.stopper(search.clock.deadline(left)),
                rounds=wanted,
                epochs=search.epochs,
            ).result()
    except FAILURES as error:
        raise_interrupt(error)
        return None
    return final if final.fit.rounds >= _LEAST_OF_FINAL * wanted else None


def _rounds(result: TrialResult, temporal: bool) -> int:
    best = [fold.fit.best for fold in result.folds]
    if result.config.learner in ("lightgbm", "catboost", "xgboost", "additive", "network", *NEURAL):
        # More rows bear more rounds, or steps; over time the last fold knows most rows.
        usual = best[-1] * _LATER_ROUNDS if temporal else float(np.mean(best)) * MORE_ROUNDS
        return max(1, round(usual))
    return int(np.median(best))


def _place(designs: list[Design], design: Design) -> int:
    for place, known in enumerate(designs):
        if known is design:
            return place
    designs.append(design)
    return len(designs) - 1


def _model(
    search: Search,
    encoder: Encoder,
    features: Sequence[str],
    designs: list[Design],
    members: list[Member],
    outputs: Floats,
    policy: ThresholdPolicy | None,
    shifts: tuple[float, ...] = (),
) -> FittedModel:
    problem = search.problem
    threshold: float | None = None
    by: str | None = None
    multipliers: tuple[float, ...] = ()
    if problem.task == "binary":
        truth = problem.codes[search.workspace.valid_rows] == problem.positive
        decision = choose_threshold(policy or default_policy(problem.metric), truth, outputs[:, problem.positive])
        threshold, by = decision.threshold, decision.by
    elif problem.task == "multiclass":
        multipliers = choose_multipliers(problem.metric, problem.codes[search.workspace.valid_rows], outputs)
    info = ModelInfo(
        task=problem.task,
        metric=problem.metric,
        target=problem.target,
        features=tuple(features),
        classes=problem.classes,
        positive=problem.classes[problem.positive] if problem.task == "binary" else None,
        threshold=threshold,
        threshold_by=by,
        multipliers=multipliers,
        interval=None if problem.classes else make_interval(problem.y[search.workspace.valid_rows], outputs[:, 0]),
        shifts=shifts,
    )
    background = search.workspace.data.take(background_rows(problem, search.seed))
    if background.raws and not any(isinstance(block, Raw) for design in designs for block in design.blocks):
        # No network is among the members: nothing needs to be read for one.
        encoder = Encoder(tuple(replace(column, raw=()) for column in encoder.columns))
        background = replace(background, raws=(), readings=())
    return FittedModel(info, encoder, tuple(designs), tuple(members), background)


def _score(search: Search, model: FittedModel, outputs: Floats) -> float:
    """The score out of fold; metrics of labels judge the labels that the model gives."""
    problem, rows = search.problem, search.workspace.valid_rows
    if problem.metric not in LABEL_METRICS:
        return trial_score(problem, rows, outputs)
    places = {label: place for place, label in enumerate(model.classes)}
    labels = np.array([places[label] for label in model.decide(outputs).tolist()])
    return score_classes(problem.metric, problem.codes[rows], None, labels, len(problem.classes), problem.positive)
