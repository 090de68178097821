"""Forty labelled files: tables, series, pictures and texts are told apart by what they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_runtime.data.data_types import detect_data_type
from automl_runtime.errors import DataError
from PIL import Image

DRAW = np.random.default_rng(0)
WORDS = "the parcel came late again and nobody told me why so I called support but they could not help either".split()
SENTENCES = [" ".join(DRAW.choice(WORDS, DRAW.integers(6, 16))) for _ in range(120)]
COUNT = 120


def numbers(*names: str) -> dict[str, np.ndarray]:
    return {name: np.round(DRAW.normal(size=COUNT), 3) for name in names}


def moments(frequency: str, start: str = "2021-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=COUNT, freq=frequency)


def shops(frequency: str) -> pd.DataFrame:
    days = pd.date_range("2022-03-01", periods=COUNT // 3, freq=frequency)
    return pd.DataFrame({"day": np.tile(days, 3), "shop": np.repeat(["Bergen", "Oslo", "Voss"], COUNT // 3)}).assign(
        **numbers("sold")
    )


def visits() -> pd.DataFrame:
    when = pd.Timestamp("2021-01-01") + pd.to_timedelta(DRAW.integers(0, 900_000, COUNT), unit="min")
    return pd.DataFrame({"when": when, "reason": DRAW.choice(["cold", "check", "other"], COUNT), **numbers("cost")})


def people() -> pd.DataFrame:
    born = pd.Timestamp("1950-01-01") + pd.to_timedelta(DRAW.integers(0, 18_000, COUNT), unit="D")
    return pd.DataFrame({"born": born, "city": DRAW.choice(["Rome", "Lima"], COUNT), **numbers("income", "debt")})


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "tabular numbers": lambda: pd.DataFrame(numbers("a", "b", "c")),
    "tabular words": lambda: pd.DataFrame({f"w{i}": DRAW.choice(["red", "green", "dark blue"], COUNT) for i in range(4)}),
    "tabular mixed": lambda: pd.DataFrame({"id": range(COUNT), "kind": DRAW.choice(["x", "y"], COUNT), **numbers("a")}),
    "tabular visits": visits,
    "tabular visits in order": lambda: visits().sort_values("when"),
    "tabular people": people,
    "tabular with a comment": lambda: people().assign(note=SENTENCES, **numbers("c", "d", "e")),
    "tabular houses by year": lambda: pd.DataFrame({"built": DRAW.integers(1900, 2020, COUNT), **numbers("area", "price")}),
    "tabular long words": lambda: pd.DataFrame(
        {"plan": DRAW.choice(["Month to month", "One year", "Two year"], COUNT), "left": DRAW.choice(["Yes", "No"], COUNT)}
    ),
    "tabular dates alone": lambda: pd.DataFrame({"day": moments("D"), "holiday": DRAW.choice(["yes", "no"], COUNT)}),
    "timeseries hourly": lambda: pd.DataFrame({"at": moments("h"), **numbers("load")}),
    "timeseries daily": lambda: pd.DataFrame({"date": moments("D"), **numbers("open", "close")}),
    "timeseries working days": lambda: pd.DataFrame({"date": moments("B"), **numbers("price")}),
    "timeseries monthly": lambda: pd.DataFrame({"month": moments("MS", "1950-01-01"), **numbers("passengers")}),
    "timeseries newest first": lambda: pd.DataFrame({"date": moments("D"), **numbers("a")}).iloc[::-1],
    "timeseries yearly": lambda: pd.DataFrame({"year": range(1700, 1700 + COUNT), **numbers("spots")}),
    "timeseries of shops": lambda: shops("D"),
    "timeseries of shops by week": lambda: shops("W"),
    "timeseries with gaps": lambda: pd.DataFrame({"at": moments("15min"), **numbers("a")}).drop(index=[5, 6, 40]),
    "text labelled": lambda: pd.DataFrame({"label": DRAW.choice(["spam", "ham"], COUNT), "message": SENTENCES}),
    "text alone": lambda: pd.DataFrame({"review": SENTENCES}),
    "text with a date": lambda: pd.DataFrame({"day": visits()["when"].dt.date, "stars": DRAW.integers(1, 6, COUNT), "text": SENTENCES}),
}  # fmt: skip


def put_csv(table: pd.DataFrame, place: Path) -> Path:
    table.to_csv(place / "data.csv", index=False)
    return place / "data.csv"


def put_parquet(table: pd.DataFrame, place: Path) -> Path:
    table.to_parquet(place / "data.parquet", index=False)
    return place / "data.parquet"


def put_json(table: pd.DataFrame, place: Path) -> Path:
    table.to_json(place / "data.json", orient="records", date_format="iso")
    return place / "data.json"


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(DRAW.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(path)


def classes(place: Path, suffix: str) -> Path:
    for number in range(6):
        picture(place / ("cat" if number % 2 else "dog") / f"{number}.{suffix}")
    return place


def flat(place: Path) -> Path:
    for number in range(4):
        picture(place / f"{number}.jpg")
    (place / "labels.csv").write_text("file,label\n" + "".join(f"{n}.jpg,{n % 2}\n" for n in range(4)))
    return place


def one_picture(place: Path) -> Path:
    picture(place / "a.png")
    return place / "a.png"


def document(place: Path) -> Path:
    (place / "letter.txt").write_text(". ".join(text.capitalize() for text in SENTENCES[:9]) + ".\n")
    return place / "letter.txt"


def documents(place: Path) -> Path:
    for number in range(5):
        (place / f"{number}.txt").write_text(". ".join(t.capitalize() for t in SENTENCES[number : number + 5]) + ".\n")
    return place


def json_lines(place: Path) -> Path:
    lines = [json.dumps({"id": number, "body": text}) for number, text in enumerate(SENTENCES)]
    (place / "posts.jsonl").write_text("\n".join(lines) + "\n")
    return place / "posts.jsonl"


OTHERS: list[tuple[str, Callable[[Path], Path]]] = [
    ("image", lambda place: classes(place, "png")),
    ("image", lambda place: classes(place, "jpg")),
    ("image", flat),
    ("image", one_picture),
    ("text", document),
    ("text", documents),
    ("text", json_lines),
]

FILES: list[tuple[str, Callable[[Path], Path]]] = [
    *((name.split()[0], lambda place, make=make: put_csv(make(), place)) for name, make in TABLES.items()),
    *((name.split()[0], lambda place, make=make, put=put: put(make(), place))
      for (name, make), put in zip(list(TABLES.items())[::2], [put_parquet, put_json] * 6, strict=False)),
    *OTHERS,
]  # fmt: skip


def test_of_forty_files_nearly_all_are_told_rightly(tmp_path: Path) -> None:
    assert len(FILES) == 40
    wrong = []
    for number, (kind, put) in enumerate(FILES):
        place = tmp_path / str(number)
        place.mkdir()
        if (found := detect_data_type(put(place))) != kind:
            wrong.append((number, kind, found))
    assert len(wrong) <= 2, wrong


def test_columns_of_words_are_no_texts(tmp_path: Path) -> None:
    for name in ("tabular words", "tabular long words"):
        assert detect_data_type(put_csv(TABLES[name](), tmp_path)) == "tabular"


@pytest.mark.parametrize("content", [None, b"", b"\x00\x01\x02\x03" * 50])
def test_what_is_none_of_them_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.bin").write_bytes(content)
    with pytest.raises(DataError):
        detect_data_type(tmp_path / "x.bin")
