from __future__ import annotations

import math

import pytest
from automl_runtime.project.report_text import (
    clip,
    escape,
    number,
    percent,
    round_number,
    share,
    short_names,
    threshold_reason,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.98612, "0.9861"),
        (1.0, "1.000"),
        (-12.3456, "-12.35"),
        (999.96, "1,000.0"),
        (12345.6, "12,346"),
        (0, "0"),
        (0.0000123, "1.23e-05"),
        (math.nan, "–"),
        (-math.inf, "–"),
        (None, "–"),
    ],
)
def test_scores_have_about_four_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_shares_never_hide_something_or_everything() -> None:
    assert [share(0, 10), share(10, 10), share(1, 10_000), share(9_999, 10_000), share(1, 0)] == [
        "0 %",
        "100 %",
        "< 0.1 %",
        "> 99.9 %",
        "–",
    ]
    assert percent(None) == percent(math.nan) == "–"


def test_round_numbers_have_no_idle_zeros() -> None:
    assert [round_number(value) for value in (30.0, 0.85, 1e6)] == ["30", "0.85", "1,000,000"]


def test_text_is_one_short_line_that_means_nothing_to_html() -> None:
    assert escape("<b>&'\"\x00\n\u202eend") == "&lt;b&gt;&amp;&#x27;&quot; end"
    assert clip("x" * 500, 20) == "x" * 19 + "…"
    assert clip("Grüße 👩‍🔬") == "Grüße 👩‍🔬"


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("balanced_accuracy", "the best balanced accuracy"),
        ("top_k: 50 of 900 rows", "as many rows as can be handled (50 of 900 rows)"),
        ("coin", "coin"),
        (None, "no reason that was kept"),
    ],
)
def test_the_reason_of_a_threshold_is_in_words(by: str | None, words: str) -> None:
    assert threshold_reason(by) == words


def test_long_names_still_tell_each_other_apart() -> None:
    names = [f"measurement_of_the_{what}_sensor_in_hall_{hall:03d}_after_the_night_shift"
             for hall, what in enumerate(["pressure", "temperature", "flow", "flow"])]  # fmt: skip
    shown = short_names([*names, "age"], 24)
    assert len(set(shown)) == 5
    assert all(len(name) <= 24 for name in shown)
    assert shown[-1] == "age"
    assert "002" in shown[2]


@pytest.mark.parametrize("names", [[], ["x" * 99], ["x" * 99] * 2, ["a_" * 40, "a_" * 41], ["é 漢" * 30, "b" * 30]])
def test_odd_names_are_cut_too(names: list[str]) -> None:
    assert all(0 < len(name) <= 24 for name in short_names(names, 24))
    assert len(short_names(names, 24)) == len(names)
