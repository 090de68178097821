"""The configurations that searches begin with: data (`portfolio.json`), read and checked here.

`python -m benchmarks.portfolio.judge --write` orders them by what won on public tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from automl_runtime.engine.learners.registry import learner_names
from automl_runtime.engine.probes import MADE
from automl_runtime.engine.strategies.families import FAMILY_SPACES
from automl_runtime.engine.strategies.space import Choice, Dimension
from automl_runtime.engine.trials import Config
from automl_runtime.errors import DataError, shorten

__all__ = ["PORTFOLIO", "Entry", "Shipped", "read_portfolio", "shipped"]

PORTFOLIO = Path(__file__).with_name("portfolio.json")

TableTask = Literal["binary", "multiclass", "regression"]
"""The tasks that a column as target sets."""

_UNLIMITED = ("max_depth", 0)
"""What XGBoost takes for no limit, where leaves are counted instead."""


class Entry(BaseModel):
    """A configuration, and for what it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)]
    learner: str
    params: dict[str, Any] = {}
    """What differs from the base of the family."""
    cost: Annotated[float, Field(gt=0)] = 1.0
    logs: bool = False
    """Whether it learns log(1 + y) of a skewed target."""
    tasks: tuple[TableTask, ...] = get_args(TableTask)

    def config(self, base: Mapping[str, Any]) -> Config:
        """What a trial fits."""
        return Config(self.name, self.learner, {**base, **self.params}, self.cost)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    base: dict[str, dict[str, Any]]
    diverse: list[Entry]
    further: list[Entry]
    many_rows: list[Entry]
    few_rows: list[str]
    readable: list[str]


@dataclass(frozen=True, slots=True)
class Shipped:
    """The file, checked."""

    base: Mapping[str, Mapping[str, Any]]
    """Family -> settings of its configurations where they do not say otherwise."""
    diverse: Sequence[Entry]
    """In the order in which they are tried."""
    further: Sequence[Entry]
    """Of families that come last, or when they are named."""
    many_rows: Sequence[Entry]
    """Come first where rows are many: they learn fast."""
    few_rows: Sequence[Entry]
    """Those of `diverse` and `further` that are tried where rows are few, in the order that public tables gave."""
    readable: Sequence[str]
    """Names of those that people can read, in order."""

    @property
    def logging(self) -> frozenset[str]:
        """Names of those that learn log(1 + y) of a skewed target."""
        return frozenset(entry.name for entry in (*self.diverse, *self.further) if entry.logs)

    def config(self, entry: Entry) -> Config:
        """What a trial of `entry` fits."""
        return entry.config(self.base.get(entry.learner, {}))

    def named(self, name: str) -> Config:
        """The configuration called `name`."""
        return next(self.config(entry) for entry in (*self.diverse, *self.further) if entry.name == name)


@cache
def shipped() -> Shipped:
    """What comes with the engine."""
    return read_portfolio(PORTFOLIO)


def read_portfolio(path: Path) -> Shipped:
    """The configurations in the file `path`.

    Raises:
        DataError: naming the file and what is wrong in it: a family that does not exist, a value outside of its search
            space, a name or a configuration that comes twice, made features without what they are compared with.
    """
    try:
        file = _File.model_validate(json.loads(path.read_text(encoding="utf-8")))
        known = [*file.diverse, *file.further]
        few = [entry for name in file.few_rows for entry in known if entry.name == name]
        read = Shipped(file.base, file.diverse, file.further, file.many_rows, few, file.readable)
        for problem in (*_problems(read), *_misnamed(file)):
            raise ValueError(problem)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(f"The portfolio {str(path)!r}: {where}: {first['msg']}.") from error
    except (OSError, ValueError) as error:
        raise DataError(f"The portfolio {str(path)!r} cannot be used: {shorten(str(error), 300)}.") from error
    return read


def _problems(read: Shipped) -> Iterator[str]:
    families = set(learner_names())
    yield from (f"base names {shorten(name)}, which is no family" for name in read.base if name not in families)
    for section in ("diverse", "further", "many_rows"):
        for place, entry in enumerate(getattr(read, section)):
            where = f"{section}[{place}] ({shorten(entry.name)})"
            if entry.learner not in families:
                yield f"{where} is of {shorten(entry.learner)}, which is no family"
            else:
                yield from (f"{where}: {text}" for text in _outside(read.config(entry)))
    for task in get_args(TableTask):
        yield from _repeated([entry for entry in (*read.diverse, *read.further) if task in entry.tasks], read)
    yield from _uncompared(read, read.diverse)
    yield from _uncompared(read, read.few_rows)


def _misnamed(file: _File) -> Iterator[str]:
    known = {entry.name for entry in (*file.diverse, *file.further)}
    for section, names in (("readable", file.readable), ("few_rows", file.few_rows)):
        yield from (
            f"{section} names {shorten(name)}, which is no configuration" for name in names if name not in known
        )
        yield from (f"{section} names {shorten(name)} twice" for name in known if names.count(name) > 1)


def _outside(config: Config) -> Iterator[str]:
    """The settings that their search space does not hold."""
    space = FAMILY_SPACES.get(config.learner)
    for name, dimension in ({} if space is None else space.dimensions).items():
        value = config.params.get(name, dimension.default)
        free = (name, value) == _UNLIMITED and "max_leaves" in config.params
        if name in config.params and not free and not _holds(dimension, value):
            yield f"{name} is {shorten(value)}, outside of its search space"


def _holds(dimension: Dimension, value: Any) -> bool:
    if isinstance(dimension, Choice):
        return dimension.place_of(value) is not None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and dimension.low <= value <= dimension.high


def _repeated(entries: Sequence[Entry], read: Shipped) -> Iterator[str]:
    names: set[str] = set()
    keys: dict[str, str] = {}
    for entry in entries:
        if entry.name in names:
            yield f"{shorten(entry.name)} comes twice"
        names.add(entry.name)
        other = keys.setdefault(read.config(entry).key(), entry.name)
        if other != entry.name:
            yield f"{shorten(entry.name)} is the same as {shorten(other)}"


def _uncompared(read: Shipped, order: Sequence[Entry]) -> Iterator[str]:
    """What tries made features must come after the same without them (`engine.probes`)."""
    seen: set[str] = set()
    for entry in order:
        config = read.config(entry)
        plain = {name: value for name, value in config.params.items() if name not in MADE}
        if plain != config.params and Config("", config.learner, plain).key() not in seen:
            yield f"{shorten(entry.name)} tries made features, and nothing before it is the same without them"
        seen.add(Config("", config.learner, config.params).key())
