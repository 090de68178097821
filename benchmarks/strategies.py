"""Search strategies side by side, at equal evaluations: `python -m benchmarks.strategies` prints two tables.

Test functions: the regret (value minus the least there is) of the best of 100 evaluations, the median over seeds.
Tables: the cross-validated error of the best of 40 configurations of four scikit-learn learners, likewise.
The last lines count on how many functions, or pairs of table and seed, each strategy is better than Optuna's TPE.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from automl_runtime.engine.strategies.space import SearchSpace
from automl_runtime.engine.tuning import tune

STRATEGIES = ("asht", "gp", "tpe", "cma", "nsga2", "random", "grid")
_SHIFT = 0.137
"""Moves optima off the middle of a range, where a centred start would find them by luck."""


@dataclass(frozen=True)
class Function:
    name: str
    space: SearchSpace
    value: Callable[[Mapping[str, Any]], float]
    least: float


def _numbers(width: int, low: float, high: float, **more: Any) -> SearchSpace:
    return SearchSpace({f"x{place}": (low, high) for place in range(width)} | more)


def _x(params: Mapping[str, Any]) -> Any:
    return np.array([value for name, value in params.items() if name.startswith("x")])


def _branin(p: Mapping[str, Any]) -> float:
    a, b = p["x0"], p["x1"]
    curve = (b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6) ** 2
    return float(curve + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10)


_HARTMANN_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def _hartmann(p: Mapping[str, Any]) -> float:
    inner = (_HARTMANN_A * (_x(p) - _HARTMANN_P) ** 2).sum(axis=1)
    return float(-np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-inner))


def _rosenbrock(p: Mapping[str, Any]) -> float:
    x = _x(p)
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def _ackley(p: Mapping[str, Any]) -> float:
    x = _x(p) - 30 * _SHIFT
    return float(20 + np.e - 20 * np.exp(-0.2 * np.sqrt((x**2).mean())) - np.exp(np.cos(2 * np.pi * x).mean()))


def _rastrigin(p: Mapping[str, Any]) -> float:
    x = _x(p) - 5 * _SHIFT
    return float((x**2 - 10 * np.cos(2 * np.pi * x) + 10).sum())


def _griewank(p: Mapping[str, Any]) -> float:
    x = _x(p) - 100 * _SHIFT
    return float((x**2).sum() / 4000 - np.prod(np.cos(x / np.sqrt(np.arange(1, len(x) + 1)))) + 1)


def _levy(p: Mapping[str, Any]) -> float:
    w = 1 + (_x(p) - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)).sum()
    return float(np.sin(np.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2))


def _styblinski(p: Mapping[str, Any]) -> float:
    x = _x(p)
    return float((x**4 - 16 * x**2 + 5 * x).sum() / 2)


def _mixed(p: Mapping[str, Any]) -> float:
    """A valley whose place depends on a choice, its width on a whole number, and one number on a log scale."""
    centre = {"a": -2.0, "b": 0.5, "c": 2.5}[p["kind"]]
    rate = (np.log10(p["rate"]) + 2.3) ** 2
    return float((_x(p) - centre) @ (_x(p) - centre) / 4 + rate + (p["n"] - 11) ** 2 / 40 + (p["kind"] != "b"))


def _models(p: Mapping[str, Any]) -> float:
    """Three families with their own settings; the one that is best in the end is not the best by default."""
    if p["model"] == "linear":
        return float(0.8 + (np.log10(p["penalty"]) - 1) ** 2 / 8)
    if p["model"] == "forest":
        return float(0.55 + (p["depth"] - 14) ** 2 / 250 + 0.2 * (p["share"] - 0.4) ** 2)
    rate, leaves = np.log10(p["rate"]) + 1.4, np.log2(p["leaves"]) - 5
    return float(
        0.3 + rate**2 / 2 + 0.3 * (leaves + rate) ** 2 + (p["sampled"] - 0.7) ** 2 + 0.2 * (p["loss"] != "huber")
    )


def functions() -> list[Function]:
    families = {"penalty": "linear", "depth": "forest", "share": "forest"}
    families |= dict.fromkeys(("rate", "leaves", "sampled", "loss"), "booster")
    models = SearchSpace(
        {
            "model": ["linear", "forest", "booster"],
            "penalty": (1e-3, 1e3, "log"),
            "depth": (2, 24),
            "share": (0.1, 1.0),
            "rate": (1e-3, 0.5, "log"),
            "leaves": (4, 256, "log"),
            "sampled": (0.3, 1.0),
            "loss": ["squared", "absolute", "huber", "quantile"],
        },
        when={name: {"model": [family]} for name, family in families.items()},
    )
    mixed = _numbers(2, -5.0, 5.0, kind=["a", "b", "c"], n=(1, 40), rate=(1e-5, 1.0, "log"))
    return [
        Function("branin (2)", SearchSpace({"x0": (-5.0, 10.0), "x1": (0.0, 15.0)}), _branin, 0.39788736),
        Function("hartmann (6)", _numbers(6, 0.0, 1.0), _hartmann, -3.32236801),
        Function("rosenbrock (4)", _numbers(4, -2.0, 2.0), _rosenbrock, 0.0),
        Function("ackley (5)", _numbers(5, -30.0, 30.0), _ackley, 0.0),
        Function("rastrigin (4)", _numbers(4, -5.0, 5.0), _rastrigin, 0.0),
        Function("griewank (5)", _numbers(5, -100.0, 100.0), _griewank, 0.0),
        Function("levy (6)", _numbers(6, -10.0, 10.0), _levy, 0.0),
        Function("styblinski-tang (5)", _numbers(5, -5.0, 5.0), _styblinski, -39.16616570 * 5),
        Function("mixed (2 + 3)", mixed, _mixed, 0.0),
        Function("conditional (8)", models, _models, 0.3),
    ]


def _sklearn_space() -> SearchSpace:
    return SearchSpace(
        {
            "model": ["svm", "forest", "boosting", "logistic"],
            "svm_C": (1e-2, 1e3, "log"),
            "svm_gamma": (1e-5, 1.0, "log"),
            "depth": (2, 16),
            "leaf": (1, 30, "log"),
            "share": (0.1, 1.0),
            "rate": (0.01, 0.5, "log"),
            "leaves": (4, 64, "log"),
            "l2": (1e-3, 10.0, "log"),
            "C": (1e-4, 1e3, "log"),
        },
        when={
            **{name: {"model": ["svm"]} for name in ("svm_C", "svm_gamma")},
            **{name: {"model": ["forest"]} for name in ("depth", "leaf", "share")},
            **{name: {"model": ["boosting"]} for name in ("rate", "leaves", "l2")},
            "C": {"model": ["logistic"]},
        },
    )


def _estimator(p: Mapping[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if p["model"] == "svm":
        return make_pipeline(StandardScaler(), SVC(C=p["svm_C"], gamma=p["svm_gamma"]))
    if p["model"] == "forest":
        return RandomForestClassifier(
            40, max_depth=p["depth"], min_samples_leaf=p["leaf"], max_features=p["share"], random_state=0
        )
    if p["model"] == "boosting":
        return HistGradientBoostingClassifier(
            learning_rate=p["rate"], max_leaf_nodes=p["leaves"], l2_regularization=p["l2"], max_iter=30, random_state=0
        )
    return make_pipeline(StandardScaler(), LogisticRegression(C=p["C"], max_iter=300))


def _tables() -> dict[str, tuple[Any, Any]]:
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

    digits, labels = load_digits(return_X_y=True)
    patients, progress = load_diabetes(return_X_y=True)
    return {
        "breast_cancer": load_breast_cancer(return_X_y=True),
        "diabetes (above the median)": (patients, progress > np.median(progress)),
        "digits (500)": (digits[:500], labels[:500]),
        "iris": load_iris(return_X_y=True),
        "wine": load_wine(return_X_y=True),
    }


def _of_functions(strategies: list[str], seeds: int) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {}
    for function in functions():
        found[function.name] = {
            name: [
                tune(function.value, function.space, trials=100, strategy=name, seed=seed).best_value - function.least
                for seed in range(seeds)
            ]
            for name in strategies
        }
    return found


def _of_tables(strategies: list[str], seeds: int) -> dict[str, dict[str, list[float]]]:
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    found: dict[str, dict[str, list[float]]] = {}
    for table, (x, y) in _tables().items():
        cache: dict[str, float] = {}

        def error(trial: Mapping[str, Any], x: Any = x, y: Any = y, cache: dict[str, float] = cache) -> float:
            key = repr(sorted(trial.items()))
            if key not in cache:
                cache[key] = 1.0 - float(cross_val_score(_estimator(trial), x, y, cv=folds).mean())
            return cache[key]

        found[table] = {
            name: [
                tune(error, _sklearn_space(), trials=40, strategy=name, seed=seed).best_value for seed in range(seeds)
            ]
            for name in strategies
        }
    return found


def _print(title: str, found: dict[str, dict[str, list[float]]], middle: Callable[[list[float]], Any]) -> None:
    strategies = list(next(iter(found.values())))
    print(f"| {title} | {' | '.join(strategies)} |\n|---|{'---|' * len(strategies)}")
    for row, scores in found.items():
        print(f"| {row} | {' | '.join(f'{middle(scores[name]):.4g}' for name in strategies)} |", flush=True)
    wins = []
    for name in strategies:
        pairs = [(a, b) for scores in found.values() for a, b in zip(scores[name], scores.get("tpe", []), strict=False)]
        wins.append(
            f"{sum(a < b for a, b in pairs)} / {sum(a == b for a, b in pairs)} / {sum(a > b for a, b in pairs)}"
        )
    print(f"| better / equal / worse than tpe | {' | '.join(wins)} |\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    parser.add_argument("--only", choices=("functions", "tables"))
    arguments = parser.parse_args()
    strategies = arguments.strategies.split(",")
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        if arguments.only != "tables":
            _print("regret after 100 evaluations", _of_functions(strategies, arguments.seeds), np.median)
        if arguments.only != "functions":
            _print("error after 40 configurations", _of_tables(strategies, arguments.seeds), np.median)


if __name__ == "__main__":
    main()
