"""The pictures of the holdout that the model mistook most surely, small, inside the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl_runtime.data.pictures import read_picture, small_png
from automl_runtime.project.report_html import section
from automl_runtime.project.report_text import escape, number, percent

if TYPE_CHECKING:
    from automl_runtime.registry.bundle import Bundle

__all__ = ["Mistake", "mistakes_section", "worst_mistakes"]

_MOST = 12


@dataclass(frozen=True, slots=True)
class Mistake:
    """A picture with a wrong prediction."""

    picture: str
    """A `data:image/png;base64,` address."""
    name: str
    """The path of its file below the source of the data."""
    words: str


def worst_mistakes(bundle: Bundle, features: pd.DataFrame, target: pd.Series, names: pd.Series) -> list[Mistake]:
    """At most twelve rows, the worst first: of classes those that got a wrong one with the largest share ahead of the
    right one, of numbers those furthest off. Without pictures there are none.

    Args:
        bundle: the model.
        features: rows of the holdout; their pictures are read again.
        target: the truth.
        names: what each row's picture is called.
    """
    owners = bundle.model.encoder.image_owners
    if not owners:
        return []
    if bundle.manifest.classes:
        size, words = _of_classes(bundle, features, target)
    else:
        predicted, actual = (np.asarray(part, dtype=float) for part in (bundle.model.predict(features), target))
        size = np.abs(predicted - actual)
        words = [f"{number(a)}, predicted {number(p)}" for a, p in zip(actual, predicted, strict=True)]
    pictures = features[owners[0]]
    order = [place for place in np.argsort(-size, kind="stable") if size[place] > 0 and pd.notna(pictures.iloc[place])]
    return [
        Mistake(small_png(read_picture(pictures.iloc[place])), str(names.iloc[place]), words[place])
        for place in order[:_MOST]
    ]


def mistakes_section(mistakes: Sequence[Mistake]) -> str:
    """The pictures side by side, each with what it is and what it was taken for; empty when there is none."""
    if not mistakes:
        return ""
    figures = "".join(
        f'<figure><img src="{escape(each.picture, 1_000_000)}" width="96" height="96" alt="{escape(each.name)}" '
        f'title="{escape(each.name)}"><figcaption>{escape(each.words, 120)}</figcaption></figure>'
        for each in mistakes
    )
    lead = "Pictures of the holdout that the model got wrong, the surest first, as small as the model sees them."
    return section("mistakes", "Worst mistakes", lead, f'<div class="card shown">{figures}</div>')


def _of_classes(bundle: Bundle, features: pd.DataFrame, target: pd.Series) -> tuple[np.ndarray, list[str]]:
    """By how much the predicted class is ahead of the right one, 0 where that is the same."""
    shares = bundle.model.predict_proba(features)
    values = shares.to_numpy(dtype=float)
    predicted = np.asarray(bundle.model.decide(values))
    labels = [str(label) for label in shares.columns]
    given = np.array([labels.index(str(label)) for label in predicted])
    actual = target.astype("str").tolist()
    right = np.array([labels.index(label) if label in labels else -1 for label in actual])
    rows = np.arange(len(values))
    known = np.where(right >= 0, values[rows, right], 0.0)
    # A threshold may give a class that is less likely than the right one.
    size = np.where(given == right, 0.0, np.maximum(values[rows, given] - known, 1e-9))
    words = [
        f"{label}, taken for {labels[place]} ({percent(values[row, place])})"
        for row, (label, place) in enumerate(zip(actual, given, strict=True))
    ]
    return size, words
