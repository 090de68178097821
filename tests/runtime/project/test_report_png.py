"""Plots as PNG: drawn from the same SVG, or left out with one message."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from automl_runtime.errors import DataError, MissingExtraError
from automl_runtime.events import Event, Warned
from automl_runtime.project import report_png
from automl_runtime.project.report import ReportData, write_plots
from automl_runtime.project.report_png import light_style, to_png
from automl_runtime.project.report_svg import Svg

MakeReport = Callable[..., ReportData]


def picture() -> str:
    svg = Svg(40, 30, "a picture")
    svg.rect(0, 0, 40, 30, "fill0")
    return svg.render()


@pytest.fixture
def fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there were fonts, wherever the tests run."""
    monkeypatch.setattr(report_png, "_has_font", lambda resvg: True)


@pytest.mark.usefixtures("fonts")
@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_each_plot_is_there_as_svg_and_as_png(make_report: MakeReport, tmp_path: Path, task: str) -> None:
    paths = write_plots(tmp_path, make_report(task))
    names = {suffix: {path.stem for path in paths if path.suffix == suffix} for suffix in (".svg", ".png")}
    assert names[".svg"] == names[".png"]
    assert "contributions" in names[".png"]
    for path in tmp_path.glob("*.png"):
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
        assert min(width, height) > 100
        assert len(content) > 2_000


@pytest.mark.usefixtures("fonts")
def test_the_same_picture_gives_the_same_bytes() -> None:
    assert to_png(picture()) == to_png(picture())


@pytest.mark.usefixtures("fonts")
def test_colours_of_the_light_theme_reach_the_picture() -> None:
    style, ground = light_style()
    assert ground == "#ffffff"
    assert "svg .fill0 { fill: #3457d5; }" in style
    assert "var(" not in style
    assert "@media" not in style
    assert to_png(picture()) != to_png(picture().replace("fill0", "fill1"))


def test_without_the_extra_plots_are_svg_only_and_that_is_said_once(
    make_report: MakeReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    heard: list[Event] = []
    paths = write_plots(tmp_path, make_report(), on_event=heard.append)
    assert {path.suffix for path in paths} == {path.suffix for path in tmp_path.iterdir()} == {".svg"}
    [warning] = heard
    assert isinstance(warning, Warned)
    assert 'pip install "automl-runtime[plots]"' in warning.text
    with pytest.raises(MissingExtraError, match="resvg-py"):
        to_png(picture())


def test_without_a_font_no_picture_without_words_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_png, "_has_font", lambda resvg: False)
    with pytest.raises(DataError, match="no font"):
        to_png(picture())


def test_a_machine_without_fonts_is_noticed() -> None:
    import resvg_py

    class Bare:
        @staticmethod
        def svg_to_bytes(**options: object) -> bytes:
            return resvg_py.svg_to_bytes(skip_system_fonts=True, **options)

    assert not report_png._has_font(Bare)
