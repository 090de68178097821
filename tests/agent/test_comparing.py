from __future__ import annotations

import gzip
import json

import pytest
from automl_agent.comparing import compare_trees


@pytest.fixture
def compare(tmp_path):
    """Compares two contents of a file, apart from some keys."""

    def call(name, one, other, *keys):
        for folder, content in (("one", one), ("other", other)):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return compare_trees(tmp_path / "one", tmp_path / "other", [name], {name: list(keys)} if keys else {})

    return call


@pytest.mark.parametrize(
    ("name", "one", "other", "keys"),
    [
        ("a.json", {"seconds": 1, "b": [{"at": 1}]}, {"seconds": 2, "b": [{"at": 2}]}, ["seconds", "b[].at"]),
        ("a.json", {"x": {"id": 1}}, {"x": {}}, ["x.id", "y.id", "x.id.z"]),
        ("a.jsonl", {"at": "now"}, {"at": "then"}, ["at"]),
    ],
)
def test_keys_that_depend_on_the_run_are_passed_over(compare, name, one, other, keys):
    found = compare(name, json.dumps(one), json.dumps(other), *keys)
    assert found.differences == []
    assert found.first == found.second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Made 2026-01-02T03:04:05+00:00.", "Made 2027-01-02T03:04:06+00:00."),
        ("run_001_20260101_0101", "run_001_20270101_0101"),
        ("5 models in 5.10 seconds", "5 models in 1,113 seconds"),
        ("<td>1,125 µs</td>", "<td>678 µs</td>"),
        ('<section id="search"><svg x="1"/>a</svg></section>', '<section id="search"><svg x="2"/>b</svg></section>'),
        ("## How fast it answers\n| 1 |\n## Limits\n", "## How fast it answers\n| 2 |\n## Limits\n"),
    ],
)
def test_moments_durations_and_speeds_of_reports_are_passed_over(compare, one, other):
    assert compare("reports/card.md", one, other, "created").differences == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("AUC 0.81", "AUC 0.82"), ("5 models in 5 seconds", "6 models in 5 seconds"), ("<svg>a</svg>", "<svg>b</svg>")],
)
def test_what_else_a_report_says_is_compared(compare, one, other):
    found = compare("reports/card.md", one, other, "created")
    assert len(found.differences) == 1
    assert found.first != found.second


def packed(tree: bytes, name: bytes, moment: bytes) -> bytes:
    """A model as CatBoost writes it, as far as it matters here."""
    length = len(name).to_bytes(4, "little")
    return gzip.compress(tree + length + name + b"\0" * (36 - len(name)) + b"train_finish_time" + moment)


def test_marks_of_packed_models_are_passed_over_and_trees_are_not(compare):
    first = packed(b"tree\0", b"e10da5ae-589afea1-36cd1e4a-5c02877b", b"2026-11-29T11:07:04Z")
    again = packed(b"tree\0", b"8f435fcc-68f1ec-c48359fd-95fdab3c", b"2026-11-29T12:20:35Z")
    other = packed(b"three", b"8f435fcc-68f1ec-c48359fd-95fdab3c", b"2026-11-29T12:20:35Z")
    assert compare("m.cbm.gz", first, again, "model_guid").differences == []
    assert compare("m.cbm.gz", first, other, "model_guid").differences == ["m.cbm.gz: other bytes"]


def test_files_that_one_side_lacks_are_told(compare):
    assert compare("a.txt", "a", None).differences == ["a.txt: not in the rebuilt project"]
    assert compare("b.txt", None, "b").differences == ["b.txt: only in the rebuilt project"]


def test_the_first_line_that_differs_is_shown(compare):
    assert compare("a.txt", "a\nb\n", "a\nc\n").differences == ["a.txt: line 2, 'b' is now 'c'"]
    assert compare("c.bin", b"\0a", b"\0b").differences == ["c.bin: other bytes"]
