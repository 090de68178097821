"""Fourteen folders of made-up data; no name in them stands in first-party code (a test says so)."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest
from automl_runtime.data.catalog import discover
from automl_schemas.catalog import DataCatalog

Rows = list[Sequence[object]]


def _write(path: Path, header: Sequence[str] | None, rows: Rows, delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        if header is not None:
            writer.writerow(header)
        writer.writerows(rows)


def _day(number: int) -> str:
    return f"2023-{1 + number // 28 % 12:02d}-{1 + number % 28:02d}"


def _gym(folder: Path) -> None:
    """Whether a member is still there, said the other way round, and a child table of check-ins."""
    random = Random(1)
    rows: Rows = [
        [4000 + i, _day(random.randrange(300)), random.choice(["basic", "plus", "premium"]), random.randint(18, 80),
         round(random.uniform(0, 6), 1), random.choice(["f", "m"]), random.choice(["Y", "Y", "Y", "N"])]
        for i in range(160)
    ]  # fmt: skip
    header = ["Member No", "Joined On", "Tariff", "Age", "Weekly Visits", "Sex", "Still Enrolled?"]
    _write(folder / "fitclub_roster.csv", header, rows)
    visits: Rows = [
        [4000 + random.randrange(160), _day(random.randrange(300)), random.randint(10, 140)] for _ in range(500)
    ]
    _write(folder / "turnstile.csv", ["member_no", "entered", "mins_inside"], visits)


def _parcels(folder: Path) -> None:
    """A delay as a signed number of minutes."""
    random = Random(2)
    rows: Rows = [
        [f"PX{i:05d}", random.choice(["Kassel", "Lyon", "Gent"]), round(random.uniform(0.2, 31), 2),
         random.randint(3, 900), f"{_day(i)} {random.randint(5, 21):02d}:{random.randrange(60):02d}:00",
         random.randint(-40, 180), round(random.uniform(2.5, 19), 2)]
        for i in range(240)
    ]  # fmt: skip
    header = ["consignment_ref", "depot_town", "weight_kg", "road_km", "dispatched_at", "mins_overdue", "postage_eur"]
    _write(folder / "consignments.csv", header, rows)


def _orchard(folder: Path) -> None:
    """Numbers only, the target in the middle."""
    random = Random(3)
    rows: Rows = [
        [f"A{i}", random.choice(["elstar", "gala", "topaz"]), random.randint(200, 700), round(random.uniform(5, 8), 1),
         round(random.uniform(3, 60), 2), random.randint(20, 220), random.choice([0, 1])]
        for i in range(150)
    ]  # fmt: skip
    header = ["plot_code", "cultivar", "irrigation_mm", "soil_ph", "crop_t_per_ha", "stem_count", "hail_net"]
    _write(folder / "orchard_plots.csv", header, rows)


def _loans(folder: Path) -> None:
    """Repaid or not, again the other way round, beside many money columns."""
    random = Random(4)
    rows: Rows = [
        [f"C-{i}", random.randint(1000, 40000), random.randint(14000, 120000), random.choice(["car", "roof", "boat"]),
         random.choice([24, 36, 60]), random.choice(["yes", "yes", "yes", "no"])]
        for i in range(200)
    ]  # fmt: skip
    _write(
        folder / "borrowers.csv",
        ["contract", "sum_lent", "yearly_pay", "lent_for", "instalments", "repaid_fully"],
        rows,
    )


def _helpdesk(folder: Path) -> None:
    """Text and the queue it went to."""
    random = Random(5)
    words = "screen invoice refund router password broken parcel missing slow account login cable".split()
    with (folder / "enquiries.jsonl").open("w", encoding="utf-8") as stream:
        for i in range(150):
            record = {
                "enquiry_no": 7000 + i,
                "opened": _day(i),
                "message_body": " ".join(random.choices(words, k=12)) + f" {i}",
                "desk": random.choice(["billing", "technics", "returns", "other"]),
                "urgency_level": random.randint(1, 4),
            }
            stream.write(json.dumps(record) + "\n")


def _machines(folder: Path) -> None:
    """Sensor readings with a failure flag within a day."""
    random = Random(6)
    rows: Rows = [
        [f"{_day(i // 4)}T{6 * (i % 4):02d}:00:00", f"P{1 + i % 5}", round(random.uniform(0, 9), 3),
         round(random.uniform(40, 95), 1), random.randint(0, 4000), int(random.random() < 0.1)]
        for i in range(300)
    ]  # fmt: skip
    _write(
        folder / "press_shop.csv", ["logged", "press", "vibr_mm_s", "oil_temp_c", "strokes", "stoppage_24h"], rows, ";"
    )


def _pupils(folder: Path) -> None:
    """A mark and a pass flag in one table."""
    random = Random(7)
    rows: Rows = []
    for i in range(180):
        mark = random.randint(12, 100)
        rows.append([i + 1, round(random.uniform(0, 20), 1), random.randint(0, 30), random.choice(["bus", "foot", "bike"]),
                     mark, "pass" if mark >= 45 else "fail"])  # fmt: skip
    _write(folder / "school_year.csv", ["pupil", "homework_h", "days_missed", "commute", "final_mark", "verdict"], rows)


def _bakery(folder: Path) -> None:
    """Daily sales per branch."""
    random = Random(8)
    rows: Rows = []
    for i in range(150):
        rows.extend(
            [_day(i), branch, random.randint(80, 400), round(random.uniform(0, 20), 1), random.choice([0, 1])]
            for branch in ("harbour", "mill")
        )
    _write(folder / "till_summary.csv", ["trading_day", "branch", "rolls_sold", "rain_mm", "promo"], rows)


def _incomes(folder: Path) -> None:
    """No header; the last column says the band."""
    random = Random(9)
    rows: Rows = [
        [random.randint(17, 88), random.choice(["clerk", "cook", "nurse", "driver"]), random.randint(1, 60),
         random.choice(["single", "married"]), random.choice(["<=30K", "<=30K", ">30K"])]
        for _ in range(200)
    ]  # fmt: skip
    _write(folder / "census_extract.data", None, rows)


def _mails(folder: Path) -> None:
    """No header; the first column is the label."""
    random = Random(10)
    words = "meeting prize winner lunch invoice click free report urgent offer agenda holiday".split()
    rows: Rows = [
        [random.choice(["fine", "fine", "fine", "junk"]), " ".join(random.choices(words, k=9)) + f" {i}"]
        for i in range(160)
    ]
    _write(folder / "mailbox_corpus.tsv", None, rows, "\t")


def _hotel(folder: Path) -> None:
    """Did the guest turn up; a price per night; and who paid when."""
    random = Random(11)
    rows: Rows = [
        [f"B{i}", random.randint(0, 200), random.randint(1, 4), random.choice(["single", "double", "suite"]),
         round(random.uniform(55, 260), 2), _day(random.randrange(300)), int(random.random() < 0.85)]
        for i in range(220)
    ]  # fmt: skip
    header = ["booking_ref", "days_ahead", "adults", "room_kind", "nightly_rate", "check_in", "turned_up"]
    _write(folder / "stays.csv", header, rows)


def _ward(folder: Path) -> None:
    """A target that is called nothing but outcome, and a length of stay."""
    random = Random(12)
    rows: Rows = [
        [90000 + i, random.randint(21, 90), round(random.uniform(18, 42), 1), round(random.uniform(4, 11), 1),
         random.randint(0, 12), random.randint(1, 30), random.choice([0, 0, 1])]
        for i in range(200)
    ]  # fmt: skip
    _write(
        folder / "patients_intake.csv", ["hosp_no", "age_y", "bmi", "hba1c", "pills", "nights_in_ward", "outcome"], rows
    )


def _reviews(folder: Path) -> None:
    """Stars from one to five beside a text."""
    random = Random(13)
    words = "tasty cold slow friendly loud crispy bland quick dirty lovely stale fresh".split()
    rows: Rows = [
        [" ".join(random.choices(words, k=10)) + f" {i}", random.randint(1, 5), random.choice(["app", "site"])]
        for i in range(150)
    ]
    _write(folder / "diner_feedback.csv", ["comment_text", "star_score", "channel_used"], rows)


def _broadband(folder: Path) -> None:
    """The label in a file of its own, with three states."""
    random = Random(14)
    accounts: Rows = [
        [f"{i:06d}", random.choice(["fibre", "copper"]), random.randint(1, 90), round(random.uniform(15, 80), 2)]
        for i in range(180)
    ]
    _write(folder / "lines.csv", ["acct", "medium", "months_on_book", "bill_eur"], accounts)
    states: Rows = [[row[0], random.choice(["live", "live", "live", "suspended", "closed"])] for row in accounts]
    _write(folder / "line_state.csv", ["acct", "state_now"], states)
    calls: Rows = [
        [f"{random.randrange(180):06d}", _day(random.randrange(300)), random.randint(1, 50)] for _ in range(400)
    ]
    _write(folder / "hotline.csv", ["acct", "rang_on", "wait_min"], calls)


FOLDERS: dict[str, Callable[[Path], None]] = {
    "gym": _gym,
    "parcels": _parcels,
    "orchard": _orchard,
    "loans": _loans,
    "helpdesk": _helpdesk,
    "machines": _machines,
    "pupils": _pupils,
    "bakery": _bakery,
    "incomes": _incomes,
    "mails": _mails,
    "hotel": _hotel,
    "ward": _ward,
    "reviews": _reviews,
    "broadband": _broadband,
}


@pytest.fixture(scope="session")
def catalog_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], DataCatalog]:
    """Writes a folder and discovers it, once a session."""
    found: dict[str, DataCatalog] = {}

    def discovered(name: str) -> DataCatalog:
        if name not in found:
            folder = tmp_path_factory.mktemp(name)
            FOLDERS[name](folder)
            found[name] = discover(folder).catalog
        return found[name]

    return discovered


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., DataCatalog]:
    """Discovers tables given as `name={column: values}`."""

    def discovered(**tables: dict[str, Sequence[object]]) -> DataCatalog:
        folder = tmp_path_factory.mktemp("made")
        for name, columns in tables.items():
            _write(folder / f"{name}.csv", list(columns), list(zip(*columns.values(), strict=True)))
        return discover(folder).catalog

    return discovered
