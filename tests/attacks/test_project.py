"""One project made of every hostile name at once: what is generated runs, and nothing of the names does."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
import yaml
from attacks.conftest import SECRETS
from attacks.corpus import Place
from attacks.corpus.attack import CELL, HEADER, REQUEST, rows, text_of
from attacks.corpus.formulas import FORMULAS
from attacks.corpus.names import HOSTILE
from attacks.looking import steering
from attacks.surroundings import CANARY, lay_out, snapshot
from automl_agent.steps import run_step
from automl_agent.tools import Workspace, find_tool, long_tools
from markdown_it import MarkdownIt

NAMES = {key: name for key, name in HOSTILE.items() if key != "long"}
_TEXTS = (".py", ".toml", ".yaml", ".yml", ".md", ".cfg", ".txt", ".html", "")
_HARMLESS = re.compile(r"#[\w-]*|data:image/(?:png|svg\+xml)[;,].*|[\w./-]+|https://[\w./-]+", re.DOTALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory, ear):
    """The workspace, the project, and what lay around before."""
    root = tmp_path_factory.mktemp("combined")
    space = Workspace.open(root / "space", readable=[])
    place = Place(space.root / "data", lay_out(root), ear[0])
    place.data.mkdir()
    header = [*HEADER[:3], *NAMES.values(), "depot", "late"]
    lines = [_line(row, number) for number, row in enumerate(rows(240))]
    place.write("parcels.csv", text_of(header, lines))
    place.write("README.md", CELL)
    before, heard = snapshot(root, without=space.root), len(ear[1])
    tool = find_tool("create_project")
    request = tool.parse(
        {
            "request": f"{REQUEST} {{{{ 7 * 7 }}}} $(touch owned)",
            "path": "data",
            "trials": 1,
            "name": "{{ 7 * 7 }} $(x)",
        }
    )
    done = long_tools.work_of("create_project")(space, request, lambda event: None)
    return space, space.root / done.project, before, ear[1][heard:]


def _line(row, number):
    """A parcel with a cell for each hostile name: numbers and categories in turn, formulas among them."""
    cells = [FORMULAS[number % len(FORMULAS)] if at % 4 == 0 else f"{number % (at + 2)}" for at in range(len(NAMES))]
    return [*row[:3], *cells, f"{{{{ 7 * 7 }}}}<script>alert('zqx')</script>{row[3]}", row[4]]


def written(project):
    """The files of the project that people, shells and tools read."""
    for path in sorted(project.rglob("*")):
        inside = path.relative_to(project)
        if (
            path.is_file()
            and inside.parts[0] not in (".git", "data", "experiments", "models")
            and path.suffix in _TEXTS
        ):
            yield inside, path.read_text(encoding="utf-8", errors="replace")


def test_nothing_outside_is_changed_or_called(made):
    space, _, before, heard = made
    assert snapshot(space.root.parent, without=space.root) == before
    assert heard == []
    assert not (space.root / "owned").exists()


def test_its_own_tests_and_checks_pass(made):
    _, project, *_ = made
    for command in (["ruff", "check", "-n", "."], ["ruff", "format", "-n", "--check", "."]):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    status = subprocess.run(["git", "status", "--short"], cwd=project, capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_no_template_is_left_and_none_was_run(made):
    _, project, *_ = made
    assert "49" not in project.name.replace("7-7", "")
    spec = yaml.safe_load((project / "project.yaml").read_text(encoding="utf-8"))
    assert spec["request"].endswith("{{ 7 * 7 }} $(touch owned)")
    names = json.dumps([*NAMES.values(), spec["request"]])
    for path, text in written(project):
        left = [found for found in re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text) if path.suffix not in (".md", ".html")]
        allowed = [found for found in left if found.replace('\\"', '"') in names or "secrets." in found]
        assert left == allowed, path


def test_what_steers_a_terminal_or_hides_stands_in_no_text(made):
    """But U+200D, which joins the parts of an emoji, in reports."""
    _, project, *_ = made
    found = {str(path): {*steering(text)} for path, text in written(project)}
    joined = {path for path, signs in found.items() if signs == {"U+200D"}}
    assert {path: signs for path, signs in found.items() if signs and path not in joined} == {}
    assert joined <= {"reports/report.html", "reports/model_card.md"}


def test_no_secret_and_nothing_outside_is_in_it(made):
    space, *_ = made
    for path in space.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not [name for name, value in SECRETS.items() if value.encode() in content], path
            assert CANARY.encode() not in content, path


class _Page(HTMLParser):
    """Keeps what could act in a page: elements, handlers, addresses, scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.acting, self.scripts, self._inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._inside = tag == "script"
        self.scripts += [""] if self._inside else []
        if tag in ("iframe", "object", "embed", "base", "form", "link", "meta-refresh", "applet"):
            self.acting.append(tag)
        for name, value in attributes:
            if name.startswith("on") or (
                name in ("href", "src", "action", "srcdoc", "xlink:href") and not _harmless(value)
            ):
                self.acting.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "script"

    def handle_data(self, data):
        if self._inside:
            self.scripts[-1] += data


def _harmless(address):
    return _HARMLESS.fullmatch(address or "") is not None


def test_nothing_of_the_names_acts_in_the_report(made):
    _, project, *_ = made
    page = _Page((project / "reports" / "report.html").read_text(encoding="utf-8"))
    assert page.acting == []
    assert not [script for script in page.scripts if "zqx" in script]


@pytest.mark.parametrize("name", ["README.md", "AGENTS.md", "reports/model_card.md"])
def test_nothing_of_the_names_acts_in_a_rendered_page(made, name):
    _, project, *_ = made
    text = (project / name).read_text(encoding="utf-8")
    page = _Page(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    assert page.acting == []
    assert page.scripts == []


def test_commands_of_the_readme_run_nothing_of_the_names(made, tmp_path):
    """The blocks of the README, with the programs that they name replaced by ones that only listen."""
    _, project, *_ = made
    blocks = re.findall(
        r"```(?:sh|bash|console|shell)\n(.*?)```", (project / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert blocks
    listen = "".join(
        f"{name}() {{ cat > /dev/null; }}\n" for name in ("curl", "make", "cd", "automl", "docker", "git", "kubectl")
    )
    for block in blocks:
        subprocess.run(
            ["bash", "-c", listen + block], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    assert list(tmp_path.iterdir()) == []


def test_make_shows_its_targets_and_runs_nothing(made, tmp_path):
    _, project, *_ = made
    copy = shutil.copytree(project, tmp_path / "copy", ignore=shutil.ignore_patterns(".git", "models"))
    before = snapshot(copy)
    subprocess.run(["make", "-n", "data", "train", "evaluate", "serve"], cwd=copy, capture_output=True, check=False)
    assert snapshot(copy) == before


def test_tables_for_people_hold_no_formula(made, tmp_path):
    space, project, *_ = made
    run_step(
        project, "predict", [str(space.root / "data" / "parcels.csv"), "--output", str(tmp_path / "p.csv"), "--explain"]
    )
    paths = [tmp_path / "p.csv", *(path for path in project.rglob("*.csv") if ".git" not in path.parts)]
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell and not _is_number(cell)] == [], path
    assert len(paths) > 1


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_what_a_model_is_told_of_the_project_is_plain(made):
    space, project, *_ = made
    name = space.name_of(project)
    for tool, arguments in (("get_report", {"project": name}), ("list_projects", {}), ("list_runs", {})):
        answer = find_tool(tool).call(space, arguments)
        assert steering(answer.model_dump_json(indent=1).replace("\\u202e", "\u202e")) == []
    assert os.path.lexists(project)
