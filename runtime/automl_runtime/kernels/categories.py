"""Cells that CatBoost's trees look at where they ask about categories.

A code is told by the hash of its spelling, a combination of categories (and of whether numbers are above a border) by
a hash of hashes, which is looked up in a table of the combinations that were seen in training. The keys of a table are
ascending, and as they are hashes, their uppermost bits say about where: `starts` holds the first key of each bucket.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from automl_runtime.kernels.arrays import Floats, Ints, Records
from automl_runtime.kernels.compiling import compiled

__all__ = [
    *("ABOVE", "ELEMENT", "EQUAL", "MIXER", "TABLE", "VALUE"),
    *("fill_equals", "fill_statistics", "fill_statistics_numpy", "hash_codes", "hash_codes_python"),
]

VALUE, ABOVE, EQUAL = range(3)
"""What an element of a combination says: the hash of a code, whether a number is above a border, whether a hash is."""

ELEMENT = np.dtype(
    [("kind", np.int32), ("column", np.int32), ("hash", np.int64), ("border", np.float64), ("missing", np.int64)],
)
"""`column` is one of the numbers, or of the codes; `missing` is what a missing number says."""

TABLE = np.dtype(
    [
        *(("first", np.int32), ("last", np.int32)),
        *(("start", np.int64), ("shift", np.uint64), ("key", np.int64), ("keys", np.int64)),
        *(("value", np.int64), ("width", np.int32), ("column", np.int32)),
    ],
)
"""A table: its elements are those from `first` to before `last`; its buckets begin at `start`, and a key shifted by
`shift` is its bucket's number; its `keys` keys begin at `key`; from `value` on there are `width` values for each of
them, and for combinations that it lacks; they go to the cells from `column` on."""

MIXER: Final = 0x4906BA494954CB65
"""Twice a factor for each element of a combination (CatBoost's `CalcHash`)."""
_K2, _K3, _MUL = 0x9AE16A3B2F90404F, 0xC949D7C7509E6557, 0x9DDFEA08EB382D69
_MASK: Final = 2**64 - 1


@compiled
def fill_equals(hashed: Ints, columns: Ints, hashes: Ints, start: int, cells: Floats) -> None:
    """Writes to `cells` from column `start` on whether the code in each of `columns` has that of `hashes` (int64)."""
    for row in range(hashed.shape[0]):
        for place in range(columns.shape[0]):
            cells[row, start + place] = 1.0 if hashed[row, columns[place]] == hashes[place] else 0.0


@compiled
def fill_statistics(
    hashed: Ints, elements: Records, tables: Records, starts: Ints, keys: Ints, values: Floats, cells: Floats
) -> None:
    """Writes to `cells` (float64, rows x columns, Fortran order), whose first columns are numbers, what `tables` say.

    `hashed`: see `hash_codes`; `elements`, `tables`: see `ELEMENT`, `TABLE`; `starts`: int32, where the keys of each
    bucket of a table begin, and their end; `keys`: uint64, ascending in a table; `values`: float32.
    """
    rows, mixer = hashed.shape[0], np.uint64(MIXER)
    combined = np.empty(rows, np.uint64)
    for place in range(tables.shape[0]):
        table = tables[place]
        combined[:] = np.uint64(0)
        for part in range(table.first, table.last):
            kind, column, asked = elements[part].kind, elements[part].column, elements[part].hash
            border, missing = elements[part].border, elements[part].missing
            for row in range(rows):
                if kind == ABOVE:
                    cell = cells[row, column]
                    found = missing if np.isnan(cell) else np.int64(cell > border)
                else:
                    found = hashed[row, column]
                    if kind == EQUAL:
                        found = np.int64(found == asked)
                combined[row] = (combined[row] + np.uint64(found) * mixer) * mixer
        first, shift, begin, count = table.start, table.shift, table.key, table.keys
        value, width, column = table.value, np.int64(table.width), np.int64(table.column)
        for row in range(rows):
            key, entry = combined[row], count
            bucket = first + np.int64(key >> shift)
            for candidate in range(starts[bucket], starts[bucket + 1]):
                if keys[begin + candidate] == key:
                    entry = candidate
                    break
            for more in range(width):
                cells[row, column + more] = values[value + entry * width + more]


def fill_statistics_numpy(
    hashed: Ints, elements: Records, tables: Records, starts: Ints, keys: Ints, values: Floats, cells: Floats
) -> None:
    """The twin of `fill_statistics`: a table at a time; it halves instead of reading bucket by bucket."""
    for table in tables:
        combined = np.zeros(len(hashed), dtype=np.uint64)
        for element in elements[table["first"] : table["last"]]:
            found = hashed[:, element["column"]] if element["kind"] != ABOVE else cells[:, element["column"]]
            if element["kind"] == ABOVE:
                found = np.where(np.isnan(found), element["missing"], found > element["border"])
            elif element["kind"] == EQUAL:
                found = found == element["hash"]
            mixed = found.astype(np.int64).view(np.uint64) * np.uint64(MIXER)
            combined = (combined + mixed) * np.uint64(MIXER)
        count, width, begin = int(table["keys"]), int(table["width"]), int(table["value"])
        known = keys[table["key"] : table["key"] + count]
        entry = np.searchsorted(known, combined)
        bucket = table["start"] + (combined >> table["shift"]).astype(np.int64)
        there = entry < starts[bucket + 1]
        there[there] = known[entry[there]] == combined[there]
        entry[~there] = count
        of = values[begin : begin + (count + 1) * width].reshape(-1, width)
        cells[:, table["column"] : table["column"] + width] = of[entry]


@compiled
def hash_codes(rows: Floats, first: int, hashed: Ints) -> None:
    """CatBoost's hashes of the codes in `rows` (float64, C order) from column `first` on, as texts of up to 8 bytes.

    `hashed`: int64, rows x codes: the lower half of CityHash64 of version 1.0, signed (Pike and Alakuijala, 2011;
    `HashLen0to16`).
    """
    text = np.empty(20, np.uint64)
    for row in range(hashed.shape[0]):
        for place in range(hashed.shape[1]):
            code = np.int64(rows[row, first + place])
            left, begin = np.uint64(abs(code)), 20
            while left > 0 or begin == 20:
                begin -= 1
                text[begin] = np.uint64(48) + left % np.uint64(10)
                left //= np.uint64(10)
            if code < 0 and begin > 0:
                begin -= 1
                text[begin] = 45
            length = np.uint64(20 - begin)
            if length < 4:
                low = text[begin] + (text[begin + (20 - begin) // 2] << np.uint64(8))
                value = low * np.uint64(_K2) ^ (length + (text[19] << np.uint64(2))) * np.uint64(_K3)
                value = (value ^ value >> np.uint64(47)) * np.uint64(_K2)
            else:
                head, tail = np.uint64(0), np.uint64(0)
                for byte in range(4):
                    head |= text[begin + byte] << np.uint64(8 * byte)
                    tail |= text[16 + byte] << np.uint64(8 * byte)
                once = (length + (head << np.uint64(3)) ^ tail) * np.uint64(_MUL)
                value = (tail ^ once ^ once >> np.uint64(47)) * np.uint64(_MUL)
                value = (value ^ value >> np.uint64(47)) * np.uint64(_MUL)
            lower = np.int64(value & np.uint64(0xFFFFFFFF))
            hashed[row, place] = lower - (np.int64(1) << np.int64(32)) if lower >> np.int64(31) else lower


def hash_codes_python(code: int) -> int:
    """The twin of `hash_codes` for one code."""
    text = str(code).encode()
    length = len(text)
    if length >= 4:
        head, tail = (int.from_bytes(part, "little") for part in (text[:4], text[-4:]))
        once = _folded((length + (head << 3) ^ tail) * _MUL & _MASK)
        value = _folded((tail ^ once) * _MUL & _MASK) * _MUL & _MASK
    else:
        low = text[0] + (text[length >> 1] << 8)
        value = _folded((low * _K2 ^ (length + (text[-1] << 2)) * _K3) & _MASK) * _K2 & _MASK
    lower = value & 0xFFFFFFFF
    return lower - (1 << 32) if lower >> 31 else lower


def _folded(value: int) -> int:
    return value ^ value >> 47
