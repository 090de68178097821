from __future__ import annotations

import ast
import tomllib

import pytest
import yaml
from automl_generators.filters import Literals, comment, mdcode, mdtext, pyrepr, tomlstr, yamlkey
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

NASTY = st.text(st.characters(exclude_categories=("Cs",)), max_size=60) | st.sampled_from(
    ['"""', "'''", "\\", 'a"', "\\'", "a\nb", "\x00", "{{ x }}", "# x", "\u2028", "\x7f", "\U000e0001"]
)


@given(NASTY | st.text() | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_python_literal_reads_back_and_is_one_printable_line(value):
    text = pyrepr(value)
    assert ast.literal_eval(text) == value
    assert text.isprintable()


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", '"a"'), ("it's", '"it\'s"'), ('"', "'\"'"), ("\"'", '"\\"\'"'), (["a", 1], '["a", 1]'), (True, "True")],
)
def test_python_literal_looks_as_ruff_writes_it(value, text):
    assert pyrepr(value) == text


@given(st.text())
def test_comment_stays_in_its_docstring(value):
    text = comment(value)
    assert text.isprintable()
    assert len(text) <= 320
    module = ast.parse(f'"""About {text}."""\n"""{text}"""\n')
    assert len(module.body) == 2


@given(NASTY)
def test_toml_string_reads_back_as_one_line(value):
    read = tomllib.loads(f"x = {tomlstr(value)}")["x"]
    assert "\n" not in read
    if value.isprintable():
        assert read == " ".join(value.split())


@given(NASTY)
def test_yaml_reads_back_exactly(value):
    record = {"key": {"name": value, "list": [value, 1.5, None, True], "small": 1e-7}}
    assert yaml.safe_load(yamlkey(record, "key")) == record


@pytest.mark.parametrize(
    ("value", "text"), [("a|b", "`a\\|b`"), ("`", "`` ` ``"), ("a``b", "```a``b```"), ("", "` `"), ("a\nb", "`a b`")]
)
def test_markdown_code_span_holds_the_text(value, text):
    assert mdcode(value) == text


def test_markdown_text_means_nothing():
    assert mdtext("*a* [b](c) <d> `e` | f\n# g") == "\\*a\\* \\[b\\](c) \\<d\\> \\`e\\` \\| f \\# g"


def test_extension_adds_the_filters():
    environment = Environment(extensions=[Literals])
    assert environment.from_string("{{ name | pyrepr }}").render(name="{{ a }}") == '"{{ a }}"'
