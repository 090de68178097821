"""CatBoost's statistics of the target (CTRs), as its JSON tells them.

Categories of more than a few levels are read by statistics; those of each combination of categories (and of whether
numbers are above a border) are in the model, under a hash of the combination, so that each is looked up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl_runtime.kernels.arrays import Ints, Singles
from automl_runtime.kernels.categories import hash_codes

__all__ = ["Statistic", "hashes", "splits_of", "statistics", "strange", "treated_above"]

_NOBODY: Final = np.uint64(2**64 - 1)
"""The hash of an empty place of CatBoost's table."""
_ELEMENTS: Final = ("cat_feature_value", "float_feature", "cat_feature_exact_value")
"""In the order in which they are combined."""
_SPLITS: Final = ("FloatFeature", "OneHotFeature", "OnlineCtr")
_STATISTICS: Final = ("Borders", "Buckets", "Counter")


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic of all combinations of `elements`."""

    elements: tuple[dict[str, Any], ...]
    """As CatBoost tells them, in the order in which they are combined."""
    keys: NDArray[np.uint64]
    """The hashes of the combinations that were seen, ascending."""
    values: Singles
    """Of each of them, and last of one that was not seen."""
    borders: Singles
    """That splits ask for."""

    @property
    def combinations(self) -> tuple[str, bytes]:
        """Equal for statistics of the same combinations."""
        return json.dumps(self.elements), self.keys.tobytes()


def strange(model: dict[str, Any]) -> str | None:
    """What kind of splits or statistics the trees have that is not read here."""
    for split in splits_of(model):
        if split["split_type"] not in _SPLITS:
            return f"splits of the kind {split['split_type']}"
    for statistic in model["features_info"].get("ctrs", ()):
        if statistic["ctr_type"] not in _STATISTICS:
            return f"statistics of the kind {statistic['ctr_type']}"
    return None


def splits_of(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The splits of all trees; of those that are not symmetric in no particular order."""
    for tree in model.get("oblivious_trees", ()):
        yield from tree["splits"] or ()
    waiting = list(model.get("trees", ()))
    while waiting:
        node = waiting.pop()
        if "split" in node:
            yield node["split"]
            waiting += [node["left"], node["right"]]


def treated_above(feature: dict[str, Any]) -> bool:
    """Whether missing numbers are above every border."""
    return bool(feature["nan_value_treatment"] == "AsTrue")


def statistics(model: dict[str, Any]) -> tuple[list[Statistic], dict[int, int]]:
    """The statistics of a model that is not `strange`, and of the number of each split by one its place among them."""
    about = model["features_info"]
    used = about.get("ctrs", ())
    tables = {name: _table(model["ctr_data"][name]) for name in dict.fromkeys(each["identifier"] for each in used)}
    found = [_statistic(each, *tables[each["identifier"]]) for each in used]
    first = sum(len(feature["borders"] or ()) for feature in about.get("float_features", ()))
    first += sum(len(feature.get("values", ())) for feature in about.get("categorical_features", ()))
    owners = np.repeat(np.arange(len(found)), [len(each.borders) for each in found])
    return found, dict(enumerate(owners.tolist(), start=first))


def _table(record: dict[str, Any]) -> tuple[NDArray[np.uint64], Singles, int]:
    """The hash of each combination, its counts (combinations x classes), and the largest count or that of all rows."""
    cells = np.array(record["hash_map"], dtype=np.uint64).reshape(-1, record["hash_stride"])
    there = cells[cells[:, 0] != _NOBODY]
    there = there[np.argsort(there[:, 0])]
    return there[:, 0].copy(), there[:, 1:].astype(np.float32), int(record["counter_denominator"])


def _statistic(statistic: dict[str, Any], keys: NDArray[np.uint64], counts: Singles, whole: int) -> Statistic:
    return Statistic(
        tuple(sorted(statistic["elements"], key=lambda each: _ELEMENTS.index(each["combination_element"]))),
        keys,
        _values(statistic, counts, whole),
        np.array(statistic["borders"], dtype=np.float32),
    )


def _values(statistic: dict[str, Any], counts: Singles, whole: int) -> Singles:
    """The statistic of each combination, and last of one that was not seen; `counts` are combinations x classes.

    In single precision, as CatBoost computes it (`TModelCtr::Calc`).
    """
    counts = np.vstack([counts, np.zeros((1, counts.shape[1]), dtype=np.float32)])
    kind, border = statistic["ctr_type"], int(statistic["target_border_idx"])
    if kind == "Counter":
        found, total = counts[:, 0], np.float32(whole)
    else:
        total = counts.sum(axis=1)
        found = counts[:, border] if kind == "Buckets" else counts[:, border + 1 :].sum(axis=1)
    # CatBoost's own spelling.
    prior, more = np.float32(statistic["prior_numerator"]), np.float32(statistic["prior_denomerator"])
    share = (found + prior) / (total + more)
    return np.asarray((share + np.float32(statistic["shift"])) * np.float32(statistic["scale"]), dtype=np.float32)


def hashes(codes: Ints) -> NDArray[np.int64]:
    """CatBoost's hashes of codes of categories."""
    found = np.empty((len(codes), 1), dtype=np.int64)
    hash_codes(np.ascontiguousarray(codes, dtype=np.float64).reshape(-1, 1), 0, found)
    return found[:, 0]
