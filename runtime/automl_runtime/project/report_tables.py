"""The parts of the report on the data: what was found, what was left out, what was assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl_schemas.catalog import ColumnEntry, DataCatalog, JoinEdge, TableEntry
from automl_schemas.spec import DroppedColumn

from automl_runtime.monitoring.reference import ColumnSketch
from automl_runtime.project.report_charts import sparkline
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_drift import drift_card
from automl_runtime.project.report_html import Cell, card, code, fold, section, table, tag, tile
from automl_runtime.project.report_text import clip, count, escape, number, share

__all__ = ["assumptions_section", "data_section", "dropped_section"]

_WHY = {
    "asked": "the request says so",
    "identifier": "names a row; a new row has a new one",
    "constant": "the same in every row",
    "empty": "holds nothing",
}
_MOST_COLUMNS = 200
_MOST_FILES = 60
_MOST_OPEN = 15
_BARS = 22


def data_section(data: ReportData) -> str:
    """Files, tables, joins, and one line per column of the tables that are used."""
    catalog = data.catalog
    used = [table_ for table_ in catalog.tables if table_.name in _used(data)] or catalog.tables
    rows = "labelled rows" if data.spec.target else "rows"
    tiles = [
        tile(count(len(catalog.files)), "files read" if len(catalog.files) != 1 else "file read"),
        tile(count(len(used)), "tables used" if len(used) != 1 else "table used"),
        tile(count(data.metrics.rows_train + data.metrics.rows_holdout), rows),
        tile(count(sum(len(entry.columns) for entry in used)), "columns in them"),
        tile(count(len(catalog.ignored) + len(catalog.duplicates)), "files left aside"),
    ]
    parts = [f'<div class="tiles">{"".join(tiles)}</div>', _tables_card(used), _joins_card(data), _files_fold(catalog)]
    base = data.spec.data.tables[0].name if data.spec.data.tables else used[0].name if used else ""
    used.sort(key=lambda entry: entry.name != base)
    parts += [_columns_fold(data, entry, is_base=entry.name == base) for entry in used]
    parts.append(drift_card(data))
    lead = f"Read from {clip(data.spec.data.source, 120)}. The sources were not changed."
    return section("data", "The data", lead, "".join(parts))


def dropped_section(data: ReportData) -> str:
    """Columns that the model does not see, with the reason."""
    if not data.dropped:
        text = '<p class="soft">Nothing was left out.</p>'
        return section("dropped", "What was left out", "", f'<div class="card">{text}</div>')
    leaks = sorted(
        (item for item in data.dropped if _reason(item.reason)[0] == "leak"), key=lambda item: (item.table, item.column)
    )
    order = {"asked": 1, "personal data": 2}
    others = sorted(
        (item for item in data.dropped if item not in leaks),
        key=lambda item: (order.get(_reason(item.reason)[0], 3), item.table, item.column),
    )
    lead = f"{len(data.dropped)} columns that the model does not see, and why."
    html = _leak_court(leaks) if leaks else card("Leak court", "", '<p class="soft">No column was found guilty.</p>')
    if others:
        html += (
            f'<div class="card">{_dropped_table(others)}</div>'
            if len(others) <= _MOST_OPEN
            else fold("Left out for other reasons", f"{len(others)}", _dropped_table(others), opened=False)
        )
    return section("dropped", "What was left out", lead, html)


def _leak_court(leaks: Sequence[DroppedColumn]) -> str:
    """The columns that give the target away, each with the evidence, and how to pardon one."""
    example = f"{leaks[0].table}.{leaks[0].column}"
    command = code(f"automl new ... --keep {_quoted(example)}")
    note = f'<p class="note small soft">Should one be known in time all the same, keep it: {command}</p>'
    about = "Columns that are known only with the outcome: a model that sees them looks better than it will ever be."
    return card("Leak court", about, _dropped_table(leaks) + note)


def _dropped_table(dropped: Sequence[DroppedColumn]) -> str:
    rows: list[list[Cell | str]] = []
    for item in dropped:
        kind, why = _reason(item.reason)
        name = f"{item.table}.{item.column}"
        rows.append([Cell(escape(name), "name"), Cell(tag(kind, kind.split()[0])), escape(why, 300)])
    return table(["column", "reason", "evidence"], rows)


def assumptions_section(data: ReportData) -> str:
    """Questions that nobody was asked, with the answer taken and how to give another."""
    warnings = data.catalog.warnings
    parts = []
    if data.questions:
        parts.append(
            f'<div class="card">{"".join(_question(data, index) for index in range(len(data.questions)))}</div>'
        )
    else:
        parts.append('<div class="card"><p class="soft">Nothing had to be assumed.</p></div>')
    if warnings:
        items = "".join(f"<li>{escape(text, 300)}</li>" for text in warnings[:50])
        parts.append(card("Warnings", "", f"<ul>{items}</ul>"))
    lead = "Where the request or the data left something open, this was taken. Each can be settled otherwise."
    return section("assumed", "What was assumed", lead if data.questions else "", "".join(parts))


def _question(data: ReportData, index: int) -> str:
    question = data.questions[index]
    taken = data.spec.answers.get(question.id, question.default)
    settled = "answered" if question.id in data.spec.answers else "assumed"
    labels = {option.value: option.label for option in question.options}
    others = [option for option in question.options if option.value != taken]
    listed = "".join(
        f"<li><b>{escape(option.label)}</b>: {code('--answer ' + _quoted(question.id + '=' + option.value))}</li>"
        for option in others[:8]
    )
    return (
        f'<div class="question"><h3>{escape(question.text, 300)}</h3>'
        f"<p>{tag(settled, 'asked')} <b>{escape(labels.get(taken, taken))}</b></p>"
        f'<p class="soft small">{escape(question.impact, 300)}</p>'
        + (f"<p class='small'>To change it:</p><ul>{listed}</ul>" if listed else "")
        + "</div>"
    )


def _tables_card(tables: Sequence[TableEntry]) -> str:
    rows = []
    for entry in tables:
        keys = " + ".join(entry.keys[0].columns) if entry.keys else "–"
        files = ", ".join(entry.files[:3]) + (f" and {len(entry.files) - 3} more" if len(entry.files) > 3 else "")
        rows.append(
            [
                Cell(escape(entry.name), "name"),
                Cell(count(entry.rows_read), "n"),
                Cell(count(entry.duplicate_rows), "n"),
                Cell(count(entry.rows), "n"),
                Cell(count(len(entry.columns)), "n"),
                escape_cell(keys),
                escape_cell(files),
            ]
        )
    header = ["table", "rows read", "repeated", "rows", "columns", "key", "from"]
    return card("Tables", "", table(header, rows)) if rows else ""


def _joins_card(data: ReportData) -> str:
    used = _used(data)
    edges = [edge for edge in data.catalog.joins if edge.child in used and edge.parent in used]
    if not edges:
        return ""
    rows = [
        [
            Cell(
                f"{escape(_end(edge.child, edge.child_columns))} → {escape(_end(edge.parent, edge.parent_columns))}",
                "name",
            ),
            escape_cell(_cardinality(edge)),
            Cell(share(edge.containment, 1), "n"),
            Cell(share(edge.coverage, 1), "n"),
            Cell(number(edge.fan_out, 3), "n"),
        ]
        for edge in edges
    ]
    header = ["join", "kind", "keys found", "of the other's keys", "rows per key"]
    return card(
        "How the tables hang together", "Found from names and values, and checked on all rows.", table(header, rows)
    )


def _files_fold(catalog: DataCatalog) -> str:
    rows = [
        [
            Cell(escape(file.path), "name"),
            escape_cell(file.kind.replace("_", " ")),
            Cell(count(file.bytes), "n"),
            escape_cell(file.encoding or ""),
            escape_cell(", ".join(file.tables)),
        ]
        for file in catalog.files[:_MOST_FILES]
    ]
    aside: list[list[Cell | str]] = [
        [Cell(escape(item.path), "name"), f"{item.reason} of {item.of}"] for item in catalog.duplicates
    ]
    aside += [[Cell(escape(item.path), "name"), clip(item.reason)] for item in catalog.ignored]
    html = table(["file", "kind", "bytes", "encoding", "tables"], rows) if rows else ""
    if aside:
        html += f'<h3 style="margin-top:18px">Left aside</h3>{table(["file", "why"], aside[:_MOST_FILES])}'
    left_out = len(catalog.files) - len(rows)
    about = f"{len(catalog.files)}" + (f", the first {len(rows)} are shown" if left_out > 0 else "")
    return fold("Files", about, html, opened=False)


def _columns_fold(data: ReportData, entry: TableEntry, *, is_base: bool) -> str:
    sketches = {column.name: column for column in data.reference.columns} if data.reference else {}
    gone = {(item.table, item.column) for item in data.dropped}
    target = data.spec.target
    rows = []
    for column in entry.columns[:_MOST_COLUMNS]:
        is_target = target is not None and (target.table, target.column) == (entry.name, column.name)
        marks = tag("target", "target") if is_target else ""
        marks += f" {tag('left out')}" if (entry.name, column.name) in gone else ""
        marks += f" {tag('personal: ' + column.personal, 'personal')}" if column.personal else ""
        name = column.name if is_base else f"{entry.name}.{column.name}"
        rows.append(
            [
                Cell(f"{escape(column.name, 80)} {marks}", "name"),
                escape_cell(column.type),
                Cell(_missing(column), "n"),
                Cell(count(column.distinct), "n"),
                Cell(_picture(column, sketches.get(name)), "spark"),
                Cell(f'<span class="small soft">{escape(_summary(column), 120)}</span>'),
            ]
        )
    left_out = len(entry.columns) - len(rows)
    about = f"{count(entry.rows)} rows, {len(entry.columns)} columns"
    about += f", the first {len(rows)} are shown" if left_out > 0 else ""
    header = ["column", "type", "missing", "distinct", "distribution", "values"]
    return fold(f"Columns of {clip(entry.name, 60)}", about, table(header, rows), opened=is_base)


def _missing(column: ColumnEntry) -> str:
    part = column.missing / column.rows if column.rows else 0.0
    width = 0 if part == 0 else max(4.0, 100 * part)
    return f'{share(column.missing, column.rows)}<span class="missing"><i style="width:{width:.0f}%"></i></span>'


def _picture(column: ColumnEntry, sketch: ColumnSketch | None) -> str:
    """A histogram of the training rows, else of the most frequent values; nothing that shows personal data."""
    if column.personal:
        return ""
    label = f"Distribution of {clip(column.name, 60)}"
    if sketch is not None and sketch.kind == "number" and len(sketch.counts) > 1:
        return sparkline(_density(column, sketch), label)
    top = column.stats.top
    if top and column.type in ("category", "boolean", "integer", "text") and top[0].count > 1:
        hints = [f"{item.value}: {count(item.count)}" for item in top[:_BARS]]
        return sparkline([item.count for item in top[:_BARS]], label, hints)
    return ""


def _density(column: ColumnEntry, sketch: ColumnSketch) -> list[float]:
    """Rows in bins of equal width, from bins of equal content; the outermost 2 % on long tails are cut off."""
    edges, counts = sketch.edges, sketch.counts
    low, high = column.stats.min, column.stats.max
    width = (edges[-1] - edges[0]) / max(len(edges) - 1, 1) or 1.0
    first = max(float(low), edges[0] - 3 * width) if isinstance(low, int | float) else edges[0] - width
    last = min(float(high), edges[-1] + 3 * width) if isinstance(high, int | float) else edges[-1] + width
    borders = [min(first, edges[0]), *edges, max(last, edges[-1])]
    step = (borders[-1] - borders[0]) / _BARS or 1.0
    bins = [0.0] * _BARS
    for left, right, amount in zip(borders[:-1], borders[1:], counts, strict=True):
        # A bin of width zero is a value that many rows share; it goes into one bar as a whole.
        for index in range(_BARS):
            start, end = borders[0] + index * step, borders[0] + (index + 1) * step
            if right > left:
                bins[index] += amount * max(0.0, min(right, end) - max(left, start)) / (right - left)
            elif start <= left < end or (index == _BARS - 1 and left >= end):
                bins[index] += amount
    return bins


def _summary(column: ColumnEntry) -> str:
    stats = column.stats
    if column.personal:
        return "not shown"
    if column.type in ("integer", "number", "time") and stats.min is not None:
        return f"{_value(stats.min)} to {_value(stats.max)}, median {_value(stats.median)}"
    if column.type in ("date", "datetime") and stats.min is not None:
        return f"{stats.min} to {stats.max}"
    if column.type == "text" and stats.mean_length is not None:
        return f"about {number(stats.mean_length, 2)} characters"
    words = ", ".join(clip(item.value, 24) for item in stats.top[:4])
    return f"{words}, …" if column.distinct > 4 and words else words


def _value(value: str | float | None) -> str:
    if isinstance(value, int | float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return clip(value, 24) if value is not None else "–"


def _reason(reason: str) -> tuple[str, str]:
    kind, _, why = reason.partition(":")
    return kind.strip(), why.strip() or _WHY.get(kind.strip(), "")


def _used(data: ReportData) -> set[str]:
    return {entry.name for entry in data.spec.data.tables}


def _end(name: str, columns: Sequence[str]) -> str:
    return f"{name}.{columns[0]}" if len(columns) == 1 else f"{name}({', '.join(columns)})"


_KINDS: Mapping[str, str] = {"1:1": "one to one", "n:1": "many to one"}


def _cardinality(edge: JoinEdge) -> str:
    return _KINDS[edge.cardinality]


def _quoted(text: str) -> str:
    """`text` as one word of a shell, on one line."""
    plain = clip(text)
    return (
        plain if all(char.isalnum() or char in "._-=/" for char in plain) else "'" + plain.replace("'", "'\\''") + "'"
    )


def escape_cell(text: object) -> Cell:
    """A cell of text."""
    return Cell(escape(text))
