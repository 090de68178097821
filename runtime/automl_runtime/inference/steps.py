"""Fitted steps that change encoded rows before blocks make columns of them.

A step holds arrays only, one entry for each number (or code) column of the rows it reads, and is written to a bundle
field by field, as blocks are. Missing numbers stay missing unless the step fills them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from automl_runtime.inference.encoding import MISSING, Encoded
from automl_runtime.inference.foreign import ForeignStep
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = [
    "STEPS",
    "TINY",
    "Bounded",
    "Finite",
    "Imputed",
    "Logged",
    "Powers",
    "Quantiles",
    "Rescaled",
    "Selected",
    "Step",
]

_LARGEST = 1e30
TINY = 1e-7
"""Scikit-learn's tolerance at the ends of a quantile transform."""


class Step(Protocol):
    """A fitted change of rows; pure and thread-safe."""

    def apply(self, data: Encoded) -> Encoded:
        """The rows, changed."""

    def reverse(self, data: Encoded) -> Encoded:
        """The rows as they were before `apply`, as far as nothing was lost."""


@dataclass(frozen=True, slots=True)
class Finite:
    """`high` instead of an infinite number, `low` instead of a negative one."""

    low: Floats
    high: Floats

    def apply(self, data: Encoded) -> Encoded:
        """Without infinite numbers."""
        values = np.where(data.numbers == np.inf, self.high, data.numbers)
        return replace(data, numbers=np.where(values == -np.inf, self.low, values))

    def reverse(self, data: Encoded) -> Encoded:
        """As it is: which numbers were infinite is not known any more."""
        return data


@dataclass(frozen=True, slots=True)
class Bounded:
    """`below` instead of numbers less than `low`, `above` instead of those greater than `high`."""

    low: Floats
    high: Floats
    below: Floats
    above: Floats

    def apply(self, data: Encoded) -> Encoded:
        """Without outliers."""
        values = np.where(data.numbers < self.low, self.below, data.numbers)
        return replace(data, numbers=np.where(data.numbers > self.high, self.above, values))

    def reverse(self, data: Encoded) -> Encoded:
        """As it is: outliers are gone."""
        return data


@dataclass(frozen=True, slots=True)
class Imputed:
    """`fill` instead of missing numbers and `codes` instead of missing categories (`MISSING`: left as they are).

    One 0/1 number more for each place in `flagged` says where numbers were missing.
    """

    fill: Floats
    codes: Ints
    flagged: Ints

    def apply(self, data: Encoded) -> Encoded:
        """Filled rows; `flagged` more numbers."""
        missing = np.isnan(data.numbers)
        numbers = np.hstack([np.where(missing, self.fill, data.numbers), missing[:, self.flagged]])
        codes = np.where(data.codes == MISSING, self.codes, data.codes).astype(np.int32)
        return replace(data, numbers=numbers, codes=codes)

    def reverse(self, data: Encoded) -> Encoded:
        """Missing again where a flag says so."""
        width = len(self.fill)
        numbers = data.numbers[:, :width].copy()
        numbers[:, self.flagged] = np.where(data.numbers[:, width:] > 0.5, np.nan, numbers[:, self.flagged])
        return replace(data, numbers=numbers)


@dataclass(frozen=True, slots=True)
class Rescaled:
    """(x - `center`) / `scale`."""

    center: Floats
    scale: Floats

    def apply(self, data: Encoded) -> Encoded:
        """Scaled numbers."""
        return replace(data, numbers=(data.numbers - self.center) / self.scale)

    def reverse(self, data: Encoded) -> Encoded:
        """The numbers before."""
        return replace(data, numbers=data.numbers * self.scale + self.center)


@dataclass(frozen=True, slots=True)
class Logged:
    """sign(x) log(1 + |x|)."""

    def apply(self, data: Encoded) -> Encoded:
        """Numbers without long tails."""
        return replace(data, numbers=np.sign(data.numbers) * np.log1p(np.abs(data.numbers)))

    def reverse(self, data: Encoded) -> Encoded:
        """The numbers before."""
        return replace(data, numbers=np.sign(data.numbers) * np.expm1(np.abs(data.numbers)))


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The share of the rows that trained with a smaller number, from 0 to 1; `values` are quantiles x columns.

    Interpolated upwards and downwards and averaged, so that ties get the middle of their range, as scikit-learn's
    `QuantileTransformer` does.
    """

    values: Floats

    def apply(self, data: Encoded) -> Encoded:
        """Evenly distributed numbers."""
        columns = [self._shares(column, known) for column, known in zip(data.numbers.T, self.values.T, strict=True)]
        return replace(data, numbers=np.column_stack(columns) if columns else data.numbers)

    def _shares(self, column: Floats, known: Floats) -> Floats:
        shares = np.linspace(0, 1, len(known))
        rising = np.interp(column, known, shares)
        falling = np.interp(-column, -known[::-1], -shares[::-1])
        found = 0.5 * (rising - falling)
        found = np.where(column + TINY > known[-1], 1.0, found)
        found = np.where(column - TINY < known[0], 0.0, found)
        return np.where(np.isnan(column), np.nan, found)

    def reverse(self, data: Encoded) -> Encoded:
        """The numbers before, as far as they lay between the smallest and largest that trained."""
        shares = np.linspace(0, 1, len(self.values))
        columns = [
            np.interp(column, shares, known) for column, known in zip(data.numbers.T, self.values.T, strict=True)
        ]
        return replace(data, numbers=np.column_stack(columns) if columns else data.numbers)


@dataclass(frozen=True, slots=True)
class Powers:
    """Yeo and Johnson's power transform with an exponent for each column, then standardised.

    (A new family of power transformations to improve normality or symmetry, 2000.)
    """

    exponents: Floats
    center: Floats
    scale: Floats

    def apply(self, data: Encoded) -> Encoded:
        """Numbers that are as close to normal as a power makes them."""
        with np.errstate(over="ignore"):
            raised = np.where(data.numbers >= 0, self._right(data.numbers), self._left(data.numbers))
        raised = np.clip(raised, -_LARGEST, _LARGEST)
        return replace(data, numbers=(raised - self.center) / self.scale)

    def _right(self, numbers: Floats) -> Floats:
        logs = np.log1p(np.maximum(numbers, 0.0))
        power = np.where(self.exponents == 0, 1.0, self.exponents)
        return np.asarray(np.where(self.exponents == 0, logs, np.expm1(power * logs) / power))

    def _left(self, numbers: Floats) -> Floats:
        logs = np.log1p(np.maximum(-numbers, 0.0))
        power = np.where(self.exponents == 2, 1.0, 2.0 - self.exponents)
        return np.asarray(-np.where(self.exponents == 2, logs, np.expm1(power * logs) / power))

    def reverse(self, data: Encoded) -> Encoded:
        """The numbers before."""
        raised = data.numbers * self.scale + self.center
        right = np.where(self.exponents == 0, 1.0, self.exponents)
        left = np.where(self.exponents == 2, 1.0, 2.0 - self.exponents)
        with np.errstate(invalid="ignore", divide="ignore"):
            up = np.log1p(right * np.maximum(raised, 0.0)) / right
            down = np.log1p(left * np.maximum(-raised, 0.0)) / left
        up = np.where(self.exponents == 0, raised, up)
        down = np.where(self.exponents == 2, -raised, down)
        return replace(data, numbers=np.where(raised >= 0, np.expm1(up), -np.expm1(down)))


@dataclass(frozen=True, slots=True)
class Selected:
    """The numbers and codes at these places, and every text; `width` numbers come in."""

    numbers: Ints
    codes: Ints
    width: int

    def apply(self, data: Encoded) -> Encoded:
        """Fewer columns."""
        return replace(
            data,
            numbers=data.numbers[:, self.numbers],
            codes=data.codes[:, self.codes],
            levels=tuple(data.levels[place] for place in self.codes) if data.levels else (),
            orders=tuple(data.orders[place] for place in self.codes) if data.orders else (),
        )

    def reverse(self, data: Encoded) -> Encoded:
        """All number columns, those that were left out missing."""
        numbers = np.full((len(data), self.width), np.nan)
        numbers[:, self.numbers] = data.numbers
        return replace(data, numbers=numbers)


STEPS: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (Finite, Bounded, Imputed, Rescaled, Logged, Quantiles, Powers, Selected, ForeignStep)
}
