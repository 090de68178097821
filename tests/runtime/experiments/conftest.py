"""A table of made-up customers, as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROWS = 300


@pytest.fixture(scope="session")
def customers() -> pd.DataFrame:
    random = np.random.default_rng(5)
    visits, colour = random.normal(size=ROWS), random.choice(["red", "green", "blue"], ROWS)
    wish = visits + 1.5 * (colour == "red") + random.normal(size=ROWS) * 0.5
    distance = np.where(random.random(ROWS) < 0.1, np.nan, (wish * 10 + random.normal(size=ROWS)).round(2))
    return pd.DataFrame(
        {
            "customer_id": np.arange(1000, 1000 + ROWS),
            "visits": visits.round(3),
            "colour": colour,
            "distance": distance,
            "bought": np.where(wish + random.normal(size=ROWS) > 0.5, "yes", "no"),
        }
    )


@pytest.fixture
def table(customers: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    customers.to_csv(path, index=False)
    return path
