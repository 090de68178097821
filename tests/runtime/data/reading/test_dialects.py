from __future__ import annotations

import pytest
from automl_runtime.data.reading.dialects import detect_dialect

CASES: dict[str, tuple[str, tuple[str, str, str]]] = {
    "commas": ("a,b,c\n1,2,3\n4,5,6\n", (",", "", "")),
    "decimal commas": ("id;price\n1;2,5\n4;6,2\n5;7,1\n", (";", "", "")),
    "text with commas after tabs": ("id\ttext\n1\tHello, you, there\n2\tYes; no\n3\tA, b, c\n", ("\t", "", "")),
    "one column of words": ("name\nAlice\nBob\nCarl\n", ("", "", "")),
    "one column of names": ("name\nAnna Smith\nBob Jones\nCarl Young\n", ("", "", "")),
    "one column of sentences": ("comment\nThis is good, really.\nNot so good\nfine: ok\n" * 5, ("", "", "")),
    "one column of addresses": ("url\nhttp://a.com/x/y\nhttp://b.com/z/w\nhttp://c.com/q/r\n", ("", "", "")),
    "one column of mail": ("email\nfoo@bar.com\nbaz@qux.org\nme@here.net\n", ("", "", "")),
    "one column of dates": ("date\n1/2/2020\n1/3/2020\n3/4/2020\n", ("", "", "")),
    "one column of times": ("10:15\n10:16\n11:00\n", ("", "", "")),
    "one column with decimal commas": ("price\n1,5\n2,5\n3,75\n", ("", "", "")),
    "one column of numbers with blanks": ("n\n1 200\n2 300\n3 400\n", ("", "", "")),
    "a header only": ("a,b,c\n", (",", "", "")),
    "colons": ("user:x:1000:1000:/home/user\nfoo:x:1001:1001:/home/foo\n", (":", "", "")),
    "two colons": ("1::1193::5::978300760\n1::661::3::978302109\n" * 3, ("::", "", "")),
    "three signs": ("a~|~b~|~c\n1~|~2~|~3\n" * 4, ("~|~", "", "")),
    "a bar between blanks": ("a | b | c\n1 | 2 | 3\n" * 3, (" | ", "", "")),
    "a written tab": ("a\\tb\\tc\n1\\t2\\t3\n", ("\\t", "", "")),
    "a comma and a blank": ('a, b, c\n1, "x, y", 3\n4, "z", 6\n' * 5, (", ", '"', "")),
    "blanks": ("5.1 3.5 1.4 0.2 1\n4.9 3.0 1.4 0.2 1\n", (" ", "", "")),
    "negative numbers": ("a;b;c\n1;-5;-3\n2;-6;-1\n", (";", "", "")),
    "single quotes": ("'a','b, x','c'\n'1','2','it''s'\n" * 5, (",", "'", "")),
    "apostrophes": ("id,text\n1,don't do it\n2,'tis the season\n3,rock 'n' roll\n", (",", "", "")),
    "escaped quotes": ('a,b\n1,"he said \\"hi, you\\" ok"\n2,"x \\"y\\" z, w"\n', (",", '"', "\\")),
    "escaped delimiters": ("a,b\n1,hello\\, world\n2,x\n", (",", "", "\\")),
    "paths that end in a backslash": ('a,b\n1,"C:\\dir\\"\n2,"D:\\x\\"\n', (",", '"', "")),
    "database nulls": ('a,b\n\\N,"x"\n2,\\N\n', (",", '"', "")),
    "JSON in cells": ('id\tload\n1\t{"a": 1, "b": 2}\n2\t{"a": 3, "b": 4}\n', ("\t", '"', "")),
    "lines above and below": ("Report\nmade, by me\n\nid;n;x\n1;a;2,5\n2;b;3,5\n3;c;1,5\n\nNotes\n", (";", "", "")),
    "a delimiter after every cell": ("a,b,c,\n1,2,3,\n4,5,6,\n", (",", "", "")),
    "rows of any length": ("a,b,c\n1,2\n1,2,3,4\n1,2,3\n5,6\n7,8,9\n", (",", "", "")),
    "a title above numbers": ("Report of 2023\nx1,x2,x3\n8,0.2,0\n2,0.3,1\n2,0.5,1\n", (",", "", "")),
    "a title above moments": ("Log\nt,a,b\n2023-03-01 10:00:00,22.7,OK\n2023-03-01 11:00:00,18.7,OK\n", (",", "", "")),
    "amounts with commas between other signs": (
        "no~who~sum\nA1~Ann~3,422.51\nA2~Bo~1,784.18\nA3~Al~4,330.70\n" * 3,
        ("~", "", ""),
    ),
    "nothing": ("\n\n", ("", "", "")),
}


@pytest.mark.parametrize("case", CASES)
def test_dialects_are_told(case: str) -> None:
    text, expected = CASES[case]
    dialect = detect_dialect(text).dialect
    assert (dialect.delimiter, dialect.quotechar, dialect.escapechar) == expected


def test_quotes_far_down_are_seen() -> None:
    text = "id,word\n" + "".join(f"{index},plain\n" for index in range(5000)) + '5000,"a, b"\n'
    assert detect_dialect(text).dialect.quotechar == '"'
