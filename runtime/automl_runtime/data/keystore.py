"""Distinct key values of clean tables, as text, computed in DuckDB when first asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.catalog import ColumnEntry, TableEntry
from automl_schemas.vocabulary import KeySpelling

from automl_runtime.data.keys import Codes
from automl_runtime.data.keytext import KEY_MACROS, key_expression, quote

__all__ = ["KeyStore"]

_PROBE = 256


class KeyStore:
    """Answers questions about the key values of tables; not thread-safe."""

    def __init__(self, tables: Mapping[str, pa.Table], entries: Mapping[str, TableEntry]) -> None:
        self.entries = entries
        self._columns = {name: {column.name: column for column in entry.columns} for name, entry in entries.items()}
        self._con = duckdb.connect(":memory:", config={"threads": 2, "enable_external_access": "false"})
        for macro in KEY_MACROS.values():
            self._con.execute(macro)
        for name, data in tables.items():
            self._con.register(name, data)
        self._codes = {name: Codes(data) for name, data in tables.items()}
        self._values: dict[tuple[str, tuple[str, ...], bool, KeySpelling], pa.Array] = {}

    def close(self) -> None:
        """Frees the memory of the values."""
        self._values.clear()
        self._con.close()

    def column(self, table: str, name: str) -> ColumnEntry:
        """The entry of a column."""
        return self._columns[table][name]

    def codes(self, table: str) -> Codes:
        """Integer codes of the columns of `table`."""
        return self._codes[table]

    def values(
        self, table: str, columns: Sequence[str], by_day: bool = False, spelling: KeySpelling = "text"
    ) -> pa.Array:
        """Distinct keys without nulls, sorted; those of several columns are joined by a control character.

        Times are cut to days when `by_day`.
        """
        wanted = (table, tuple(columns), by_day, spelling)
        if wanted not in self._values:
            parts = [self._expression(table, name, by_day, spelling) for name in columns]
            filled = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns)
            rows = self._con.sql(
                f"SELECT DISTINCT {' || chr(31) || '.join(parts)} AS value FROM {quote(table)} "
                f"WHERE {filled} ORDER BY 1"
            ).to_arrow_table()
            self._values[wanted] = rows.column(0).combine_chunks()
        return self._values[wanted]

    def _expression(self, table: str, name: str, by_day: bool, spelling: KeySpelling) -> str:
        type_ = self.column(table, name).type
        if by_day and type_ in ("date", "datetime"):
            return f"CAST(CAST({quote(name)} AS DATE) AS VARCHAR)"
        return key_expression(quote(name), type_, spelling)

    def shapes(self, table: str, column: str) -> int:
        """How many different texts are left of the keys of a column when their digits are taken out."""
        text = f"regexp_replace(trim(CAST({quote(column)} AS VARCHAR)), '[0-9]+', '', 'g')"
        rows = self._con.sql(f"SELECT count(DISTINCT {text}) FROM {quote(table)}").to_arrow_table()
        return int(rows.column(0)[0].as_py())

    def filled_rows(self, table: str, columns: Sequence[str]) -> int:
        """Rows in which all of `columns` hold something."""
        filled = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns)
        rows = self._con.sql(f"SELECT count(*) FROM {quote(table)} WHERE {filled}").to_arrow_table()
        return int(rows.column(0)[0].as_py())

    @staticmethod
    def containment(child: pa.Array, parent: pa.Array, at_least: float = 0.0) -> float:
        """Share of `child` found in `parent`, exact; 0 when a sample shows that it is far below `at_least`."""
        if len(child) == 0 or len(parent) == 0:
            return 0.0
        if len(child) > 4 * _PROBE and at_least:
            step = len(child) // _PROBE
            probe = child.take(pa.array(range(0, len(child), step)))
            if pc.sum(pc.is_in(probe, parent)).as_py() < (at_least - 0.2) * len(probe):
                return 0.0
        return float(pc.sum(pc.is_in(child, parent)).as_py()) / len(child)
