"""A conversation with somebody who has written down what to answer."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from agent.tools.conftest import made, project, workspace  # noqa: F401
from automl_agent.loop.calling import Calls, Limits
from automl_agent.loop.conversation import Conversation
from automl_agent.loop.planning import Focus, Planner


@dataclass
class Scripted:
    """Answers questions in turn, then with their defaults; keeps what it was told."""

    answers: list = field(default_factory=list)
    told: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def say(self, text):
        self.told.append(text)

    def ask(self, question):
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else question.default

    @property
    def heard(self):
        return "\n".join(self.told)


@dataclass
class Talk:
    """A conversation and all that can be looked at."""

    person: Scripted
    calls: Calls
    conversation: Conversation
    log: list

    def hear(self, *sentences):
        for sentence in sentences:
            assert self.conversation.hear(sentence)
        return self.person.heard

    def called(self):
        return [(entry["tool"], entry["outcome"]) for kind, entry in self.log if kind == "call"]


@pytest.fixture
def talk(request):
    """Makes a conversation in a workspace."""

    def make(space, *answers, mind=None, consent=None, limits=None, about=None, allow_all=False):
        log = []
        person = Scripted(list(answers))
        calls = Calls(
            space,
            record=lambda kind, entry: log.append((kind, dict(entry))),
            consent=consent,
            limits=limits or Limits(),
            allow_all=allow_all,
        )
        planner = Planner(space, Focus(about), budget_seconds=1)
        way = None if mind is None else mind(calls)
        conversation = Conversation(calls, planner, person, lambda kind, entry: log.append((kind, entry)), mind=way)
        return Talk(person, calls, conversation, log)

    return make
