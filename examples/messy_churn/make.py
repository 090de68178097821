"""Makes `data/`, a folder as people leave it, from the IBM Telco customer churn table.

    python make.py path/to/telco.csv

Half of the customers are taken and spread over seven formats under new names; see `truth.yaml` for what is real and
what is made up. The same table gives the same files, byte for byte, with the same versions of the libraries.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

SEED = 20240101
CUSTOMERS = 3_500
REPEATED_ROWS = 45
TODAY = date(2024, 1, 1)
MARKERS = ("N/A", "-", "?", "null", "")
DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%b %d, %Y")
TERMS = {"Month-to-month": "monthly", "One year": "1 year", "Two year": "2 years"}
PAYMENTS = {
    "Electronic check": "e-check",
    "Mailed check": "check by mail",
    "Bank transfer (automatic)": "bank transfer",
    "Credit card (automatic)": "credit card",
}
TARIFFS = {
    "DSL": ("D16", "Copper 16", "copper", "16"),
    "Fiber optic": ("G250", "Glass 250", "glass", "250"),
    "No": ("V0", "Voice only", "none", "0"),
}
ADDONS = {
    "OnlineSecurity": "virus_shield",
    "OnlineBackup": "cloud_copy",
    "DeviceProtection": "repair_cover",
    "TechSupport": "help_line",
    "StreamingTV": "tv_stream",
    "StreamingMovies": "film_stream",
}

Row = dict[str, str]


def main(telco: Path, out: Path) -> None:
    """Writes all files to `out`, which is emptied first."""
    rng = random.Random(SEED)
    with telco.open(encoding="utf-8", newline="") as stream:
        customers = sorted(csv.DictReader(stream), key=lambda row: row["customerID"])
    customers = rng.sample(customers, CUSTOMERS)
    for customer, number in zip(customers, rng.sample(range(100, 98_000), CUSTOMERS), strict=True):
        customer["number"] = str(number)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    write_subscribers(customers, rng, out / "subscribers.csv")
    shutil.copyfile(out / "subscribers.csv", out / "subscribers - backup.csv")
    write_contracts(customers, rng, out / "contracts_2024.xlsx")
    write_lines(customers, rng, out / "lines.jsonl")
    write_service_desk(customers, rng, out / "service_desk.sqlite")
    write_billing(customers, rng, out / "billing.tsv.gz")
    write_addons(customers, rng, out / "addons.parquet")
    write_tariffs(out / "tariffs.xml")
    write_clutter(out)


def some_missing(value: str, rng: random.Random, share: float) -> str:
    """The value, or one of the marks that people write instead."""
    return rng.choice(MARKERS) if rng.random() < share else value


def sloppy(value: str, rng: random.Random) -> str:
    """The value as different people type it."""
    return rng.choice((value, value, value, value.lower(), value.upper(), f"{value} ", f" {value}"))


def shuffled(customers: list[Row], rng: random.Random) -> list[Row]:
    """The customers in another order."""
    return rng.sample(customers, len(customers))


def joined_on(customer: Row, rng: random.Random) -> date:
    """A day so many months ago as the customer has stayed."""
    months = int(customer["tenure"])
    return TODAY - timedelta(days=round(months * 30.44) + rng.randrange(28))


def write_subscribers(customers: list[Row], rng: random.Random, path: Path) -> None:
    """The base table: semicolons, Windows-1252, decimal comma, mixed dates, repeated rows."""
    header = [
        "Subscriber No",
        "Sex",
        "Senior",
        "Partner?",
        "Kids",
        "Área",
        "Tariff",
        "Joined on",
        "Nearest café (km)",
    ]
    rows = []
    for customer in customers:
        joined = joined_on(customer, rng).strftime(rng.choice(DATE_FORMATS))
        rows.append(
            [
                customer["number"].zfill(6),
                some_missing(customer["gender"][0], rng, 0.015),
                "yes" if customer["SeniorCitizen"] == "1" else "no",
                customer["Partner"],
                customer["Dependents"],
                rng.choice(("Zürich", "Genève", "Málaga")),
                TARIFFS[customer["InternetService"]][0],
                some_missing(joined, rng, 0.03),
                some_missing(f"{rng.uniform(0.2, 40):.1f}".replace(".", ","), rng, 0.04),
                sloppy(customer["Churn"], rng),
            ]
        )
    for row in rng.sample(rows, REPEATED_ROWS):
        rows.insert(rng.randrange(len(rows)), row)
    with path.open("w", encoding="cp1252", newline="") as stream:
        writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
        writer.writerow([*header, "Cancelled"])
        writer.writerows(rows)


def write_contracts(customers: list[Row], rng: random.Random, path: Path) -> None:
    """A workbook with titles above, a total below and a sheet that has nothing to do with it; some have no row."""
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": datetime(2024, 1, 1)})
        sheet = book.add_worksheet("Contracts")
        sheet.merge_range("A1:D1", "Contracts by term, all regions")
        sheet.write("A2", "exported by the finance desk")
        sheet.write_row("A4", ["Subscriber", "Term", "Billed so far", "Fee per month"])
        present = shuffled(customers, rng)[:-90]
        total = 0.0
        for line, customer in enumerate(present, start=4):
            billed = customer["TotalCharges"].strip()
            total += float(billed or 0)
            text = f"${float(billed):,.2f}" if billed else ""
            sheet.write_number(line, 0, int(customer["number"]))
            sheet.write_string(line, 1, sloppy(TERMS[customer["Contract"]], rng))
            sheet.write_string(line, 2, some_missing(text, rng, 0.03))
            sheet.write_number(line, 3, float(customer["MonthlyCharges"]))
        sheet.write_row(4 + len(present), 0, ["Total", None, f"${total:,.2f}"])
        rota = book.add_worksheet("Coffee rota")
        rota.write_row(0, 0, ["Week", "Buys beans", "Cleans"])
        for week in range(1, 21):
            rota.write_row(week, 0, [week, rng.choice(("Mia", "Jon", "Eli")), rng.choice(("Ada", "Kim"))])


def write_lines(customers: list[Row], rng: random.Random, path: Path) -> None:
    """Nested JSON lines."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for customer in shuffled(customers, rng):
            phone = {"active": customer["PhoneService"] == "Yes", "second_line": customer["MultipleLines"] == "Yes"}
            signal = None if rng.random() < 0.05 else round(rng.gauss(-70, 8), 1)
            record = {"sub_id": customer["number"], "phone": phone, "modem": {"signal_db": signal}}
            stream.write(json.dumps(record, separators=(",", ":")) + "\n")


def write_service_desk(customers: list[Row], rng: random.Random, path: Path) -> None:
    """Two tables: surveys, with a column that is only filled after the fact, and up to three invoices each."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE surveys(sub_no INTEGER, rating, goodbye_letter TEXT)")
        connection.execute(
            "CREATE TABLE invoices(invoice INTEGER PRIMARY KEY, sub_no INTEGER, month TEXT, amount REAL)"
        )
        for customer in shuffled(customers, rng):
            number = int(customer["number"])
            letter = (TODAY + timedelta(days=rng.randrange(1, 60))).isoformat()
            rating = "N/A" if rng.random() < 0.02 else rng.randint(1, 5)
            connection.execute(
                "INSERT INTO surveys VALUES (?, ?, ?)", (number, rating, letter if customer["Churn"] == "Yes" else None)
            )
            for month in ("2023-10", "2023-11", "2023-12")[max(0, 3 - int(customer["tenure"])) :]:
                amount = round(float(customer["MonthlyCharges"]) * rng.uniform(0.98, 1.02), 2)
                connection.execute(
                    "INSERT INTO invoices(sub_no, month, amount) VALUES (?, ?, ?)", (number, month, amount)
                )
        connection.commit()
        connection.execute("VACUUM")


def write_billing(customers: list[Row], rng: random.Random, path: Path) -> None:
    """Tab-separated and compressed."""
    lines = ["client no\tpays by\tpaper bill"]
    for customer in shuffled(customers, rng):
        payment = some_missing(sloppy(PAYMENTS[customer["PaymentMethod"]], rng), rng, 0.02)
        paper = {"Yes": "no", "No": "yes"}[customer["PaperlessBilling"]]
        lines.append(f"{customer['number'].zfill(8)}\t{payment}\t{paper}")
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
        stream.write(("\n".join(lines) + "\n").encode())


def write_addons(customers: list[Row], rng: random.Random, path: Path) -> None:
    """Typed columns; null where there is no internet to add to."""
    rows = shuffled(customers, rng)
    columns: dict[str, pa.Array] = {"account": pa.array([int(row["number"]) for row in rows])}
    for source, name in ADDONS.items():
        columns[name] = pa.array([{"Yes": True, "No": False}.get(row[source]) for row in rows])
    pq.write_table(pa.table(columns), path)


def write_tariffs(path: Path) -> None:
    """A small table that others look up."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<tariffs>"]
    for code, title, cable, speed in TARIFFS.values():
        lines.append(
            f'  <tariff code="{code}"><title>{title}</title><cable>{cable}</cable><mbit>{speed}</mbit></tariff>'
        )
    path.write_text("\n".join([*lines, "</tariffs>", ""]), encoding="utf-8", newline="\n")


def write_clutter(out: Path) -> None:
    """What is in every folder."""
    (out / "notes.txt").write_text(
        "to do\n- ask finance why some contracts are missing\n- the backup is just my copy\n- cake on Friday\n",
        encoding="utf-8",
        newline="\n",
    )
    log = "".join(f"2024-01-02 03:{minute:02d}:07 INFO nightly export step {minute} finished\n" for minute in range(40))
    (out / "export.log").write_text(log, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent / "data")
