"""XML and HTML files as tables."""

from __future__ import annotations

from automl_runtime.data.reading.html_tables import read_html
from automl_runtime.data.reading.xml_tables import read_xml

__all__ = ["read_html", "read_xml"]
