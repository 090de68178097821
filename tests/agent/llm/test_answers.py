from __future__ import annotations

import json

import pytest
from automl_agent.llm.answers import read_answer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel


class Point(BaseModel):
    x: int
    name: str = ""


@pytest.mark.parametrize(
    "content",
    [
        '{"x": 3}',
        '  \n{"x": "3"}\n',
        '```json\n{"x": 3}\n```',
        'Sure!\n```\n{"x": 3}\n```\nDone.',
        'The answer is {"x": 3}, I think.',
        '{"name": "answer", "arguments": {"x": 3}}',
        '{"name": "answer", "arguments": "{\\"x\\": 3}"}',
        '```json\n{"function": {"name": "answer", "parameters": {"x": 3}}}\n```',
        '<think>maybe {"x": 9}</think>{"x": 3}',
        '{"x": 3, "name": "cut o',
        '```json\n{"x": 3,',
    ],
)
def test_an_answer_is_found_wherever_it_stands(content):
    assert read_answer(Point, [], content)[0].x == 3


@pytest.mark.parametrize("content", ["", "no", "[1]", '{"y": 3}', '{"x": "three"}', "{{{", '{"x"', "```json\n```"])
def test_what_is_no_answer_is_none_with_the_reason(content):
    found, wrong = read_answer(Point, [], content)
    assert found is None
    assert wrong


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(content):
    found, _ = read_answer(Point, [content], content)
    assert found is None or isinstance(found, Point)


@given(st.integers(), st.text(max_size=50), st.text(max_size=50, alphabet=st.characters(exclude_characters="{}`<")))
def test_json_amid_prose_comes_back_whole(x, name, prose):
    found, _ = read_answer(Point, [], f"{prose}{json.dumps({'x': x, 'name': name})}{prose}")
    assert found == Point(x=x, name=name)
