"""A messy folder of our own, and the command line as a child process."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warm import automl

__all__ = ["REQUEST", "ROWS", "Made", "automl", "write_gym"]

REQUEST = "predict which members will quit the gym, AUC above 0.6"
ROWS = 700


@dataclass(frozen=True)
class Made:
    """What `automl new --json` left and said."""

    project: Path
    source: Path
    answer: dict[str, Any]
    stderr: str


def write_gym(folder: Path, *, seed: int = 1, rows: int = ROWS, labelled: bool = True) -> None:
    """A small gym: members (semicolons, decimal comma, mixed dates), a nested file, a database, a copy and notes."""
    random.seed(seed)
    folder.mkdir(parents=True)
    members, phones, stays = [], [], []
    for number in range(rows):
        key = 40_000 + 7 * number
        visits, price = random.randint(0, 30), round(random.uniform(15, 80), 2)
        joined = f"{random.randint(1, 28):02d}.{random.randint(1, 12):02d}.{random.choice([2019, 2020])}"
        if number % 3 == 0:
            joined = "-".join(reversed(joined.split(".")))
        rating = random.randint(1, 5)
        quit_ = random.random() < 1 / (1 + 2.718 ** (0.35 * visits - 3 + 0.6 * (rating - 3)))
        cells = [
            key,
            random.choice(["Nord", "Süd", " nord", "Ost"]),
            random.choice(["", "n/a"]) if number % 29 == 0 else visits,
            f"{price:.2f}".replace(".", ","),
            joined,
        ]
        if labelled:
            cells.append(random.choice(["Yes", "yes ", "YES"]) if quit_ else random.choice(["No", "no"]))
        members.append(";".join(map(str, cells)))
        phones.append(
            {"MemberNo": str(key), "app": {"opens": random.randint(0, 90), "os": random.choice(["ios", "android"])}}
        )
        stays.append((f"{key:08d}", rating, "2021-02-03" if quit_ else None))
    header = "member_id;Branch;Visits;Monthly fee;Joined on" + (";Quit?" if labelled else "")
    text = "\n".join([header, *members, *(members[5:12] if labelled else [])]) + "\n"
    (folder / "members.csv").write_bytes(text.encode("cp1252"))
    with gzip.open(folder / "app_opens.jsonl.gz", "wt") as stream:
        random.shuffle(phones)
        stream.writelines(json.dumps(phone) + "\n" for phone in phones)
    with sqlite3.connect(folder / "survey.db") as database:
        database.execute("create table answers (membernr text, rating integer, key_returned text)")
        database.executemany("insert into answers values (?, ?, ?)", stays)
    database.close()
    if labelled:
        shutil.copy(folder / "members.csv", folder / "members (copy).csv")
        (folder / "notes.txt").write_text("Ask Tom about the new mirrors.\nThe copy is only my backup.\n")
