"""What a search may choose: named ranges and choices, some of them only when others have certain values."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import RequestError, shorten
from automl_runtime.kernels.arrays import Bools, Floats

__all__ = ["Choice", "Dimension", "Integer", "Params", "Real", "SearchSpace", "key_of"]

Params: TypeAlias = dict[str, Any]
"""A value for each dimension that is active."""

_GRID_POINTS = 4
_DRAWS = 200
_PLAIN = (str, bool, int, float, type(None))


@dataclass(frozen=True, slots=True)
class Real:
    """Numbers from `low` to `high`, both included; `log`: the same weight for each factor."""

    low: float
    high: float
    log: bool = False
    levels: tuple[float, ...] = ()
    """A few values that stand for the range: what a grid holds; empty: four that are evenly spaced."""
    default: float | None = None
    """What holds where a configuration does not say it."""

    def from_unit(self, places: Floats) -> Floats:
        """Values at `places` between 0 and 1."""
        if self.log:
            return np.asarray(np.exp(math.log(self.low) + places * math.log(self.high / self.low)))
        return self.low + places * (self.high - self.low)

    def to_unit(self, value: Any) -> float:
        """The place of `value`; the nearest end when it is outside."""
        value = self.clip(value)
        if self.log:
            return math.log(float(value) / self.low) / math.log(self.high / self.low)
        return (float(value) - self.low) / (self.high - self.low)

    def clip(self, value: Any) -> float:
        """The nearest value inside."""
        return min(max(float(value), self.low), self.high)

    def snap(self, places: Floats) -> Floats:
        """The places themselves: every one is a value."""
        return places

    def at(self, place: float) -> float:
        """The value at `place`."""
        return self.clip(float(self.from_unit(np.array(place))))

    def grid(self) -> list[Any]:
        """`levels`, or evenly spaced values."""
        return list(self.levels) or [self.at(place) for place in np.linspace(0, 1, _GRID_POINTS)]


@dataclass(frozen=True, slots=True)
class Integer:
    """Whole numbers from `low` to `high`, both included; see `Real`."""

    low: int
    high: int
    log: bool = False
    levels: tuple[int, ...] = ()
    default: int | None = None

    def from_unit(self, places: Floats) -> Floats:
        """Values at `places` between 0 and 1; each number owns a stretch."""
        first, last = self.low - 0.5, self.high + 0.5
        raw = np.exp(math.log(first) + places * math.log(last / first)) if self.log else first + places * (last - first)
        return np.asarray(np.clip(np.rint(raw), self.low, self.high))

    def to_unit(self, value: Any) -> float:
        """The middle of the stretch of `value`; the nearest end when it is outside."""
        first, last, value = self.low - 0.5, self.high + 0.5, self.clip(value)
        return math.log(value / first) / math.log(last / first) if self.log else (value - first) / (last - first)

    def clip(self, value: Any) -> int:
        """The nearest value inside."""
        whole: int = round(value)
        return min(max(whole, self.low), self.high)

    def snap(self, places: Floats) -> Floats:
        """The middles of the stretches that the places lie in."""
        values, first, last = self.from_unit(places), self.low - 0.5, self.high + 0.5
        return (
            np.asarray(np.log(values / first) / math.log(last / first))
            if self.log
            else (values - first) / (last - first)
        )

    def at(self, place: float) -> int:
        """The value at `place`."""
        return int(self.from_unit(np.array(place)))

    def grid(self) -> list[Any]:
        """`levels`, or evenly spaced values."""
        return list(self.levels) or sorted({self.at(place) for place in np.linspace(0, 1, _GRID_POINTS)})


@dataclass(frozen=True, slots=True)
class Choice:
    """One of `options`, which have no order."""

    options: tuple[Any, ...]
    default: Any = None

    def index(self, places: Floats) -> NDArray[np.int64]:
        """Which option each place is."""
        return np.minimum((places * len(self.options)).astype(np.int64), len(self.options) - 1)

    def place_of(self, value: Any) -> int | None:
        """The number of the option, which must have its type too (1 is not True); None when there is none."""
        return next((at for at, each in enumerate(self.options) if each == value and type(each) is type(value)), None)

    def to_unit(self, value: Any) -> float:
        """The middle of the stretch of the option `value`."""
        place = self.place_of(value)
        if place is None:
            raise RequestError(f"{shorten(value)} is none of the options {shorten(self.options, 200)}.")
        return (place + 0.5) / len(self.options)

    def clip(self, value: Any) -> Any:
        """`value`, which is one of the options."""
        self.to_unit(value)
        return value

    def snap(self, places: Floats) -> Floats:
        """The middles of the stretches that the places lie in."""
        return (self.index(places) + 0.5) / len(self.options)

    def at(self, place: float) -> Any:
        """The option at `place`."""
        return self.options[int(self.index(np.array(place)))]

    def grid(self) -> list[Any]:
        """All options."""
        return list(self.options)


Dimension: TypeAlias = Real | Integer | Choice


class SearchSpace:
    """Named dimensions in an order in which each stands behind those that it depends on. Immutable.

    >>> space = SearchSpace(
    ...     {"model": ["svm", "forest"], "C": (1e-3, 1e3, "log"), "trees": (50, 500)},
    ...     when={"C": {"model": ["svm"]}, "trees": {"model": ["forest"]}},
    ... )
    >>> sorted(space.sample(np.random.default_rng(0)))
    ['model', 'trees']
    """

    def __init__(
        self,
        dimensions: Mapping[str, Any],
        *,
        when: Mapping[str, Mapping[str, Sequence[Any]]] | None = None,
        valid: Callable[[Params], bool] | None = None,
    ) -> None:
        """Reads what may be chosen.

        Args:
            dimensions: `(1, 8)` are whole numbers, `(0.1, 0.9)` numbers, `(1e-4, 1e-1, "log")` numbers on a log
                scale, `["a", "b"]` choices; or `Integer`, `Real`, `Choice`.
            when: name -> {name of a choice that stands before it: options}; the dimension exists only then.
            valid: refuses combinations that cannot be, for example heads that do not divide a width.

        Raises:
            RequestError: naming the dimension that cannot be read.
        """
        self.dimensions: dict[str, Dimension] = {str(name): _read(name, given) for name, given in dimensions.items()}
        if not self.dimensions:
            raise RequestError("The search space is empty: there is nothing to choose.")
        self.when = {name: dict(needs) for name, needs in (when or {}).items()}
        self.valid = valid
        self.names = list(self.dimensions)
        _check_conditions(self)

    def __len__(self) -> int:
        return len(self.names)

    def is_active(self, name: str, params: Mapping[str, Any]) -> bool:
        """Whether the dimension exists beside the values in `params`."""
        needs = self.when.get(name, {})
        return all(
            parent in params and Choice(tuple(options)).place_of(params[parent]) is not None
            for parent, options in needs.items()
        )

    def allows(self, params: Params) -> bool:
        """What `valid` says."""
        return self.valid is None or bool(self.valid(params))

    def decode(self, point: Floats) -> Params:
        """The values at a point of the unit cube, one coordinate for each name."""
        params: Params = {}
        for name, place in zip(self.names, point, strict=True):
            if self.is_active(name, params):
                params[name] = self.dimensions[name].at(float(place))
        return params

    def encode(self, params: Mapping[str, Any]) -> Floats:
        """The point of the unit cube; the middle where a dimension is not active."""
        return np.array([self.dimensions[name].to_unit(params[name]) if name in params else 0.5 for name in self.names])

    def check(self, params: Mapping[str, Any]) -> Params:
        """`params` with values moved into their ranges, and only those that are active.

        Raises:
            RequestError: if one is missing, or is none of the options.
        """
        checked: Params = {}
        for name in self.names:
            if self.is_active(name, checked):
                if name not in params:
                    raise RequestError(f"The parameters {shorten(dict(params), 200)} lack {shorten(name)}.")
                checked[name] = self.dimensions[name].clip(params[name])
        return checked

    def active(self, points: Floats) -> Bools:
        """Which dimensions exist at each point: points x names."""
        mask = np.ones(points.shape, dtype=bool)
        for column, name in enumerate(self.names):
            for parent, options in self.when.get(name, {}).items():
                at = self.names.index(parent)
                choice = self.dimensions[parent]
                assert isinstance(choice, Choice)
                allowed = [at for at in map(choice.place_of, options) if at is not None]
                mask[:, column] &= mask[:, at] & np.isin(choice.index(points[:, at]), allowed)
        return mask

    def features(self, points: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """What a surrogate reads: numbers from 0 to 1, choices one-hot; and the dimension of each column.

        Dimensions that are not active read 0.5, choices 0.
        """
        active, columns, owners = self.active(points), [], []
        for place, dimension in enumerate(self.dimensions.values()):
            on = active[:, place]
            if isinstance(dimension, Choice):
                hot = np.eye(len(dimension.options))[dimension.index(points[:, place])] * on[:, None]
                columns += list(hot.T)
                owners += [place] * len(dimension.options)
            else:
                columns.append(np.where(on, dimension.snap(points[:, place]), 0.5))
                owners.append(place)
        return np.column_stack(columns), np.array(owners)

    def sample(self, rng: np.random.Generator) -> Params:
        """Values drawn at random, and valid.

        Raises:
            RequestError: if `valid` refuses all of 200 draws.
        """
        for _ in range(_DRAWS):
            params = self.decode(rng.random(len(self)))
            if self.allows(params):
                return params
        raise RequestError(f"`valid` refused {_DRAWS} combinations in a row: the search space holds next to nothing.")

    def grid(self) -> Iterator[Params]:
        """Every valid combination of the levels of all dimensions, in order."""
        return (params for params in self._grid(0, {}) if self.allows(params))

    def _grid(self, place: int, params: Params) -> Iterator[Params]:
        if place == len(self):
            yield dict(params)
            return
        name = self.names[place]
        if not self.is_active(name, params):
            yield from self._grid(place + 1, params)
            return
        for value in self.dimensions[name].grid():
            yield from self._grid(place + 1, params | {name: value})

    def grid_size(self) -> int:
        """At most how many combinations `grid` gives; conditions make them fewer."""
        return math.prod(len(dimension.grid()) for dimension in self.dimensions.values())

    def to_json(self) -> dict[str, Any]:
        """Everything but `valid`."""
        dimensions = {}
        for name, dimension in self.dimensions.items():
            fields = {key: list(value) if isinstance(value, tuple) else value for key, value in _fields(dimension)}
            dimensions[name] = {"kind": type(dimension).__name__.lower(), **fields}
        when = {name: {parent: list(options) for parent, options in needs.items()} for name, needs in self.when.items()}
        return {"dimensions": dimensions, "when": when}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> SearchSpace:
        """What `to_json` gave.

        Raises:
            KeyError, TypeError, RequestError: if it is none of ours.
        """
        kinds: dict[str, Any] = {"real": Real, "integer": Integer, "choice": Choice}
        dimensions = {}
        for name, given in record["dimensions"].items():
            fields = {
                key: tuple(value) if isinstance(value, list) else value for key, value in given.items() if key != "kind"
            }
            dimensions[name] = kinds[given["kind"]](**fields)
        return cls(dimensions, when=record["when"])

    def arms(self) -> str | None:
        """The unconditional choice on which most other dimensions depend; None when there is none."""
        needed = list(itertools.chain.from_iterable(self.when.values()))
        roots = [name for name in dict.fromkeys(needed) if name not in self.when]
        return max(roots, key=needed.count) if roots else None


def key_of(params: Mapping[str, Any]) -> str:
    """The same text for the same values."""
    return repr(sorted(params.items()))


def _read(name: str, given: Any) -> Dimension:
    where = f"The dimension {shorten(name)} of the search space"
    if isinstance(given, Real | Integer | Choice):
        dimension = given
    elif isinstance(given, list):
        dimension = Choice(tuple(given))
    elif isinstance(given, tuple) and len(given) in (2, 3) and all(_is_number(end) for end in given[:2]):
        if len(given) == 3 and given[2] != "log":
            raise RequestError(f'{where} ends with {shorten(given[2])}; only "log" can stand there.')
        low, high = given[0], given[1]
        whole = isinstance(low, int) and isinstance(high, int)
        dimension = Integer(low, high, len(given) == 3) if whole else Real(float(low), float(high), len(given) == 3)
    else:
        raise RequestError(f'{where} is {shorten(given)}; possible: (low, high), (low, high, "log"), [choices].')
    if isinstance(dimension, Choice):
        if not dimension.options or not all(isinstance(option, _PLAIN) for option in dimension.options):
            raise RequestError(f"{where} needs one choice or more, each a text, a number, True, False or None.")
        return dimension
    if not (math.isfinite(dimension.low) and math.isfinite(dimension.high) and dimension.low < dimension.high):
        raise RequestError(f"{where} goes from {dimension.low} to {dimension.high}: low must be less than high.")
    if dimension.log and dimension.low <= 0:
        raise RequestError(f"{where} is on a log scale and starts at {dimension.low}; it must start above 0.")
    return dimension


def _fields(dimension: Dimension) -> list[tuple[str, Any]]:
    return [(each.name, getattr(dimension, each.name)) for each in dataclasses.fields(dimension)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_conditions(space: SearchSpace) -> None:
    for name, needs in space.when.items():
        if name not in space.dimensions:
            raise RequestError(f"`when` names {shorten(name)}, which is no dimension of the search space.")
        for parent, options in needs.items():
            choice = space.dimensions.get(parent)
            if not isinstance(choice, Choice) or space.names.index(parent) >= space.names.index(name):
                raise RequestError(f"{shorten(name)} depends on {shorten(parent)}, which is no choice before it.")
            for option in options:
                choice.to_unit(option)
