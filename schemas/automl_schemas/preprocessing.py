"""How the inputs of a training are prepared: what a person may choose instead of each model's own recipe."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from automl_schemas.base import Contract

__all__ = [
    "Encoding",
    "Imbalance",
    "Imputation",
    "Infinities",
    "OutlierAction",
    "Outliers",
    "PreprocessingSpec",
    "Scaling",
    "Selection",
]

Imputation = Literal["mean", "median", "most_frequent", "constant"]
Infinities = Literal["missing", "max_value", "median", "constant"]
Scaling = Literal["none", "standard", "minmax", "robust", "quantile", "log", "power"]
Encoding = Literal["onehot", "ordinal", "target", "frequency"]
Outliers = Literal["iqr", "zscore", "percentile", "isolation_forest"]
OutlierAction = Literal["clip", "winsorize", "mean", "remove"]
Selection = Literal["k_best", "recursive", "importance"]
Imbalance = Literal["weights", "oversample", "undersample", "smote"]

_REFINES = {
    "fill_value": ("imputation", "constant"),
    "indicator": ("imputation", None),
    "infinite_value": ("infinities", "constant"),
    "max_categories": ("encoding", "onehot"),
    "outlier_action": ("outliers", None),
    "k": ("selection", None),
}
"""What each refining option needs: an option, and its value where only one will do."""


class PreprocessingSpec(Contract):
    """Each option left out (or `auto`) is done as the recipe of each family of models does it.

    The options act in this order, learned from the rows that train a fold only: infinities, outliers, imputation,
    scaling, custom, selection, imbalance, encoding.
    """

    infinities: Infinities | None = None
    """`missing` (as when left out), the column's largest or smallest finite value, its median, or `infinite_value`."""
    infinite_value: float | None = None
    """For `infinities: constant`; 0 when left out."""
    outliers: Outliers | None = None
    """Which numbers are too far out: 1.5 interquartile ranges beyond the quartiles; 3 standard deviations from the
    mean; outside the percentiles 1 to 99; outside the range of the rows that an isolation forest takes for regular."""
    outlier_action: OutlierAction | None = None
    """`clip` to the limits (when left out), `winsorize` to the last regular value, `mean` of the regular values, or
    `remove` the row (of those that train; no row is ever left out of a prediction)."""
    imputation: Imputation | None = None
    """Of numbers; `most_frequent` fills categories too, for all others a missing category is a level of its own."""
    fill_value: float | None = None
    """For `imputation: constant`; 0 when left out."""
    indicator: bool | None = None
    """Whether a column says where a number was missing."""
    scaling: Scaling | None = None
    """Of numbers; piecewise linear bases do not depend on it."""
    custom: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Registered preprocessors, which see all numbers after scaling and give others instead."""
    encoding: Encoding | None = None
    """Of categories, instead of the native treatment by boosters and one-hot elsewhere."""
    max_categories: int | None = Field(default=None, ge=2)
    """For `encoding: onehot`, the column of rare levels included; 20 when left out."""
    selection: Selection | None = None
    """Of input columns: by F test one by one, by gain in boosted trees at once (`importance`), or dropping a
    quarter of those left again and again (`recursive`)."""
    k: int | float | None = Field(default=None, gt=0)
    """How many columns `selection` keeps: a number, or a share below 1; half when left out."""
    imbalance: Imbalance | None = None
    """Of classes: weights of the loss, rare rows repeated, frequent rows left out, or synthetic rows (SMOTE-NC)."""

    @field_validator("*", mode="before")
    @classmethod
    def _auto(cls, value: Any) -> Any:
        return None if value == "auto" else value

    @model_validator(mode="after")
    def _check_refinements(self) -> Self:
        for name, (option, needed) in _REFINES.items():
            chosen = getattr(self, option)
            if getattr(self, name) is not None and (chosen is None or needed not in (None, chosen)):
                raise ValueError(f"`{name}` does nothing without `{option}`" + (f": {needed!r}" if needed else ""))
        if isinstance(self.k, float) and not self.k < 1:
            raise ValueError(f"`k` is a whole number, or a share below 1, not {self.k}")
        return self

    @property
    def chosen(self) -> dict[str, Any]:
        """The options that were chosen, by name."""
        return self.model_dump(exclude_none=True)
