"""The order that public tables give, judged on the tables it has not seen: `python -m benchmarks.portfolio.judge`.

Each source of tables is left out in turn; the order found without it is compared, on it, with the order by hand, the
defaults of the libraries and random orders, after a number of trials and after as many seconds as the order by hand
takes for them. What counts is the error of the mixture of the trials so far: its weights are found on one half of the
rows, out of fold, and judged on the other, and the other way round. `--write` ships the order found on all tables, for
tables with as few rows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from automl_runtime.engine.configurations import Entry
from automl_runtime.engine.ensemble import greedy_weights
from automl_runtime.engine.metrics import error_of
from automl_runtime.engine.scoring import trial_score
from numpy.typing import NDArray

from benchmarks.portfolio.candidates import by_hand, candidates, config_for, defaults
from benchmarks.portfolio.evaluate import FOLDER, Table, digest, outputs_of, read_errors, tables
from benchmarks.portfolio.mixtures import Mixtures
from benchmarks.portfolio.order import Tried, best_so_far, costs_of, greedy_order, leave_one_out, normalised
from benchmarks.portfolio.ship import ship

TRIALS = (1, 3, 5, 10, 20)
SHORT = ("lightgbm", "linear", "extra_trees", "catboost", "network", "gaussian_process")
"""The families of searches below two minutes."""
_RANDOM = 2
_MOST = 12
"""Places of an order that are looked for; mixtures change little behind them."""
_TIE = 1e-3
_MIXED = FOLDER / "mixed.json"

Floats = NDArray[np.float64]
Prefixes = Callable[[int], list[list[int]]]
"""Place of a table -> the orders that are tried on it; the mean of their errors counts."""


@dataclass
class Measured:
    """Candidates that were evaluated on all tables: `errors` and `seconds` are candidates x tables."""

    names: list[str]
    tables: list[Table]
    errors: Floats
    seconds: Floats
    digests: list[list[str]]
    _mixed: dict[str, float] = field(default_factory=dict)

    def places(self, entries: Sequence[Entry], families: Sequence[str]) -> list[int]:
        """Of the entries of `families`, in their order, each once."""
        found = [entry.name for entry in entries if entry.learner in families and entry.name in self.names]
        return [self.names.index(name) for name in dict.fromkeys(found)]

    def mixed(self, table: int, members: Sequence[int]) -> float:
        """The error of the mixture of `members`, cross-fitted on two halves of the rows."""
        key = " ".join([self.tables[table].name, *sorted({self.digests[each][table] for each in members})])
        if key not in self._mixed:
            self._mixed[key] = self._mix(table, sorted(set(members)))
        return self._mixed[key]

    def tried(self, members: Sequence[int], objective: str) -> Tried:
        """The errors that an order of `members`, by their places among them, is found with."""
        if objective == "best":
            return best_so_far(normalised(self.errors[list(members)]))
        outputs = [
            [np.load(outputs_of(table.name, self.digests[each][at])) for at, table in enumerate(self.tables)]
            for each in members
        ]
        problems = [table.problem for table in self.tables]
        return Mixtures(problems, [table.workspace.valid_rows for table in self.tables], outputs).errors

    def read_mixed(self) -> None:
        """Takes what an earlier run has mixed."""
        if _MIXED.exists():
            self._mixed = json.loads(_MIXED.read_text(encoding="utf-8"))

    def keep_mixed(self) -> None:
        """Keeps what was mixed, which takes longer than all else."""
        _MIXED.write_text(json.dumps(self._mixed), encoding="utf-8")

    def _mix(self, table: int, members: list[int]) -> float:
        problem, rows = self.tables[table].problem, self.tables[table].workspace.valid_rows
        name = self.tables[table].name
        kept = [each for each in members if np.isfinite(self.errors[each, table])]
        outputs = [np.load(outputs_of(name, self.digests[each][table])).astype(np.float64) for each in kept]
        halves = np.random.default_rng(0).permutation(len(rows)) % 2
        errors = []
        for half in (0, 1):
            fit, judge = halves != half, halves == half
            weights = greedy_weights(problem, rows[fit], [each[fit] for each in outputs], 0)
            mixture = sum(weight * each[judge] for weight, each in zip(weights, outputs, strict=True))
            errors.append(error_of(problem.metric, trial_score(problem, rows[judge], mixture)))
        return float(np.mean(errors))


def measured() -> tuple[Measured, list[Entry]]:
    """What `evaluate` has left, of the candidates that it came to on every table; and those candidates."""
    known, all_tables, entries = read_errors(), tables(), candidates()
    names, errors, seconds, digests = [], [], [], []
    for name in dict.fromkeys(entry.name for entry in entries):
        own = [entry for entry in entries if entry.name == name]
        configs = [
            next(config for entry in own if (config := config_for(entry, table.problem)) is not None)
            for table in all_tables
        ]
        lines = [known.get((table.name, digest(config))) for table, config in zip(all_tables, configs, strict=True)]
        if all(line is not None for line in lines):
            names.append(name)
            errors.append([np.nan if line is None or line["error"] is None else line["error"] for line in lines])
            seconds.append([np.nan if line is None else line["seconds"] for line in lines])
            digests.append([digest(config) for config in configs])
    found = Measured(names, all_tables, np.array(errors), np.array(seconds), digests)
    return found, [entry for entry in entries if entry.name in names]


def judge(found: Measured, pool: list[int], families: Sequence[str], tried: Tried, power: float, begin: int) -> None:
    """Prints, as Markdown, how the order found without a table does on it."""
    hand, standard = found.places(by_hand(), families), found.places(defaults(), families)
    sources = [table.source for table in found.tables]
    first = [pool.index(each) for each in hand[:begin]]
    orders = leave_one_out(tried, found.seconds[pool], sources, begin=first, power=power, most=_MOST)
    learned = {source: [pool[each] for each in order] for source, order in orders.items()}
    rng = np.random.default_rng(0)
    drawn = [[int(each) for each in rng.permutation(pool)] for _ in range(_RANDOM)]
    compared: dict[str, Prefixes] = {
        "left out": lambda table: [learned[sources[table]]],
        "by hand": lambda _: [hand],
        "defaults": lambda _: [standard],
        "random": lambda _: drawn,
    }
    print(f"{len(found.tables)} tables of {len(set(sources))} sources, {len(pool)} candidates.\n")
    _print("trials", found, compared, lambda order, trials, _: order[:trials])
    taken = np.nan_to_num(found.seconds)

    def in_time(order: list[int], trials: int, table: int) -> list[int]:
        budget = taken[hand[:trials], table].sum()
        return order[: max(1, int((np.cumsum(taken[order, table]) <= budget * 1.001).sum()))]

    _print("trials of the order by hand", found, compared, in_time)


def _print(
    title: str, found: Measured, tried: dict[str, Prefixes], cut: Callable[[list[int], int, int], list[int]]
) -> None:
    best, median = np.nanmin(found.errors, axis=0), np.nanmedian(found.errors, axis=0)
    others = [name for name in tried if name != "left out"]
    print(f"| {title} | {' | '.join(tried)} | {' | '.join(f'against {name}' for name in others)} |")
    print(f"|---|{'---|' * (len(tried) + len(others))}")
    for trials in TRIALS:
        errors = {
            name: np.array(
                [
                    np.mean([found.mixed(table, cut(order, trials, table)) for order in orders(table)])
                    for table in range(len(found.tables))
                ]
            )
            for name, orders in tried.items()
        }
        means = [f"{((each - best) / np.maximum(median - best, 1e-12)).mean():.3f}" for each in errors.values()]
        counts = [_counts(errors["left out"], errors[name]) for name in others]
        found.keep_mixed()
        print(f"| {trials} | {' | '.join(means)} | {' | '.join(counts)} |", flush=True)
    print()


def _counts(mine: Floats, theirs: Floats) -> str:
    """Wins, ties and losses."""
    tie = np.abs(mine - theirs) <= _TIE * np.minimum(mine, theirs)
    return f"{(~tie & (mine < theirs)).sum()} / {tie.sum()} / {(~tie & (mine > theirs)).sum()}"


def _candidates(found: Measured, entries: Sequence[Entry], families: Sequence[str]) -> list[int]:
    """Those of `families`, without the defaults of the libraries, which others are compared with."""
    standard = {entry.name for entry in defaults()}
    return found.places([entry for entry in entries if entry.name not in standard], families)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--power", type=float, default=0.5, help="of the cost: 0 leaves it out, 1 is gain per second")
    parser.add_argument("--begin", type=int, default=5, help="how many of the order by hand come first")
    parser.add_argument("--objective", choices=("mixture", "best"), default="mixture", help="whose error is to fall")
    parser.add_argument("--write", action="store_true", help="ship the order found on all tables")
    arguments = parser.parse_args()
    found, entries = measured()
    found.read_mixed()
    pool = _candidates(found, entries, SHORT)
    tried = found.tried(pool, arguments.objective)
    judge(found, pool, SHORT, tried, arguments.power, arguments.begin)
    every = range(len(found.tables))
    begin = [pool.index(each) for each in found.places(by_hand(), SHORT)[: arguments.begin]]
    made = greedy_order(tried, costs_of(found.seconds[pool]) ** arguments.power, every, begin=begin, most=_MOST)
    names = [found.names[pool[each]] for each in made]
    print("In order:", ", ".join(names))
    if arguments.write:
        # As many as were judged; families of long searches come behind, as they were.
        late = dict.fromkeys(entry.name for entry in by_hand() if entry.learner not in SHORT)
        drawn = [name for name in names if name not in {entry.name for entry in by_hand()}]
        ship([*names[: TRIALS[-1]], *late], [entry for name in drawn for entry in entries if entry.name == name])


if __name__ == "__main__":
    main()
