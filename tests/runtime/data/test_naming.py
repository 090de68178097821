"""What names say: words, cores, likeness."""

from __future__ import annotations

import pytest
from automl_runtime.data.naming import column_score, core, legal_name, looks_like_id, singular, token_score, tokens


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CustomerID", ("customer", "id")),
        ("memb id", ("memb", "id")),
        ("XMLHttpRequest2", ("xml", "http", "request", "2")),
        ("Größe (cm)", ("große", "cm")),
        ("%", ()),
    ],
)
def test_words_of_a_name(name: str, expected: tuple[str, ...]) -> None:
    assert tokens(name) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [("MemberID", "member_no"), ("memberid", "Member Number"), ("members", "member"), ("member key", "memberCode")],
)
def test_the_core_ignores_words_for_number(first: str, second: str) -> None:
    assert core(first) == core(second) == ("member",)


@pytest.mark.parametrize(
    ("child", "child_table", "parent", "parent_table", "low", "high"),
    [
        ("member_id", "visits", "MemberNo", "members", 1.0, 1.0),
        ("memb_id", "visits", "member_id", "members", 0.86, 0.99),
        ("acct", "visits", "account_id", "accounts", 0.8, 0.99),
        ("user_id", "visits", "id", "users", 1.0, 1.0),
        ("user", "visits", "code", "users", 1.0, 1.0),
        ("station", "trips", "abbr", "stations", 0.8, 0.9),
        ("home_team_id", "games", "team_id", "teams", 0.79, 0.81),
        ("team_id", "games", "team_member_id", "members", 0.3, 0.6),
        ("id", "visits", "id", "users", 0.0, 0.0),
        ("amount", "visits", "user_id", "users", 0.0, 0.0),
    ],
)
def test_how_well_a_column_points_at_another(
    child: str, child_table: str, parent: str, parent_table: str, low: float, high: float
) -> None:
    assert low <= column_score(child, child_table, parent, parent_table) <= high


def test_typing_errors_are_forgiven_in_long_words_only() -> None:
    assert token_score("warehouse", "wharehouse") > 0.85
    assert token_score("hat", "cat") == 0.0
    assert token_score("day", "days") == 0.9
    assert token_score("7", "77") == 0.0


@pytest.mark.parametrize(("word", "expected"), [("gas", "gas"), ("cars", "car"), ("class", "class"), ("buses", "buse")])
def test_plurals(word: str, expected: str) -> None:
    assert singular(word) == expected


def test_ids_are_recognised_by_name() -> None:
    assert [looks_like_id(name) for name in ("phone number", "orderid", "uuid", "height", "no", "number")] == [
        True,
        True,
        True,
        False,
        True,
        False,
    ]


def test_table_names_are_legal() -> None:
    assert legal_name("a b/c.é") == "a_b_c"
    assert legal_name("") == "table"
