"""A small project in which one ratio says nearly everything, trained once."""

from __future__ import annotations

import csv
import random
import shutil
from pathlib import Path

import pytest
from sharing import made_once

from tests.generators.conftest import plan_of, train_project


def write_raw(folder: Path) -> None:
    """Members of a gym: who pays about one for each trip leaves."""
    chance = random.Random(3)
    folder.mkdir()
    with (folder / "members.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Member No", "Plan", "Fee", "Trips", "Joined", "Last seen", "VIP", "E-Mail", "Left?"])
        for number in range(700):
            fee, trips = 10 ** chance.uniform(1, 3), 10 ** chance.uniform(1, 3)
            left = chance.random() < (0.93 if 0.4 < fee / trips < 2.5 else 0.07)
            dates = [f"{chance.randint(1, 28):02d}.{chance.randint(1, 12):02d}.{year}" for year in (2019, 2022)]
            vip = "yes" if chance.random() < 0.3 else "no"
            mail = f"member{number}@mail.example.com" if chance.random() < 0.9 else ""
            paid = f"{fee:.2f}" if chance.random() < 0.95 else ""
            plan = chance.choice(["basic", "plus", "pro"])
            rows.writerow([1000 + number, plan, paid, round(trips), *dates, vip, mail, "Yes" if left else "No"])
    with (folder / "visits.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["member", "minutes"])
        rows.writerows([1000 + chance.randrange(700), chance.randint(5, 180)] for _ in range(1500))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed project beside its raw files; tests leave it as it is."""

    def make(place: Path) -> None:
        write_raw(place / "raw")
        train_project(place / "project", plan_of(place / "raw"), vendor=False)

    return made_once(tmp_path_factory, "trips", make) / "project"


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of the project, free to be changed."""
    shutil.copytree(made.parent, tmp_path / "place")
    return tmp_path / "place" / "project"
