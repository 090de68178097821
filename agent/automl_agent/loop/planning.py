"""Decides without a language model: a state machine of rules over the same tools.

Its state is what the person speaks of, a project and a run; each kind of sentence is a flow of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from automl_agent.loop.sentences import EXAMPLES, Intent, Kind, read_sentence
from automl_agent.loop.steps import Ask, Call, Flow, Say
from automl_agent.loop.telling import tell, told_result
from automl_agent.tools.contract import ToolError
from automl_agent.tools.workspace import Workspace

__all__ = ["Focus", "Planner"]

_ENDED: Final = ("completed", "failed", "cancelled", "interrupted")


@dataclass(slots=True)
class Focus:
    """What "it" is."""

    project: str | None = None
    run_id: str | None = None


class Planner:
    """Turns sentences into steps by rules."""

    def __init__(self, workspace: Workspace, focus: Focus, *, budget_seconds: float | None = None) -> None:
        """Speaks of the projects of `workspace`; `budget_seconds` is for each search, where the words give none."""
        self._workspace = workspace
        self._focus = focus
        self._budget = {} if budget_seconds is None else {"budget_seconds": budget_seconds}
        self._flows: Mapping[Kind, Callable[[Intent], Flow]] = {
            "help": self._help,
            "look": self._look,
            "make": self._make,
            "report": self._report,
            "retrain": self._retrain,
            "feature": self._feature,
            "predict_rows": self._predict_rows,
            "predict_file": self._predict_file,
            "promote": self._promote,
            "rollback": self._rollback,
            "drift": self._drift,
            "compare": self._compare,
            "projects": self._projects,
            "runs": self._runs,
            "status": self._status,
            "cancel": self._cancel,
            "update": self._update,
            "unknown": self._ask_what,
        }

    def read(self, text: str) -> Intent:
        """What `text` asks for."""
        names = [self._workspace.name_of(place) for place in self._workspace.projects()]
        return read_sentence(text, self._place, names)

    def plan(self, intent: Intent) -> Flow:
        """The steps that do what `intent` says."""
        if intent.project is not None:
            self._focus.project = intent.project
        yield from self._flows[intent.kind](intent)

    def _place(self, word: str) -> Path | None:
        try:
            return self._workspace.source(word)
        except (ToolError, OSError, ValueError, RuntimeError):
            return None

    def _help(self, _: Intent) -> Flow:
        width = max(len(sentence) for sentence, _ in EXAMPLES)
        yield Say("\n".join(f"{sentence:<{width}}  {does}".rstrip() for sentence, does in EXAMPLES))

    def _ask_what(self, intent: Intent) -> Flow:
        if intent.path is None:
            raise ToolError(
                "fix", "That is not understood without a language model.", hint='"help" lists what is.', exit_code=2
            )
        choices = (("look", "look at it"), ("make", "make a project from it"), ("no", "neither"))
        wanted = yield Ask(f"What is to be done with {intent.path}?", choices, default="look")
        if wanted != "no":
            yield from self._flows["make" if wanted == "make" else "look"](intent)

    def _look(self, intent: Intent) -> Flow:
        if intent.path is None and intent.project is not None:
            yield from self._report(intent)
            return
        path = intent.path or (yield Ask("Which file or folder?"))
        if path:
            yield from self._told(Call("discover_data", {"path": path}, "asked what is there"))

    def _make(self, intent: Intent) -> Flow:
        path = intent.path or (yield Ask("Where are the data? Name a file or folder."))
        if not path:
            yield Say("Name the data: predict ... from ./data")
            return
        yield from self._told(Call("discover_data", {"path": path}, "see what the data hold"))
        wanted: dict[str, Any] = {"request": intent.text, "path": path}
        drafted = yield Call("draft_spec", wanted, "understand the request against the data")
        answers = []
        for asked in drafted.questions:
            choices = tuple((choice.value, choice.label) for choice in asked.choices)
            value = yield Ask(f"{asked.text}\n  {asked.impact}", choices, default=asked.taken)
            answers += [{"id": asked.id, "value": value}] if value != asked.taken else []
        if answers:
            wanted["answers"] = answers
            drafted = yield Call("draft_spec", wanted, "take the answers into account")
        yield Say("\n".join(tell(drafted)))
        yield from self._follow(Call("create_project", {**wanted, **self._budget}, "asked for a project"))

    def _report(self, _: Intent) -> Flow:
        project = yield from self._which()
        if project:
            yield from self._told(Call("get_report", {"project": project}, "asked how good it is"))

    def _retrain(self, intent: Intent) -> Flow:
        project = yield from self._which()
        if project:
            data = {} if intent.path is None else {"path": intent.path}
            yield from self._follow(Call("start_run", {"project": project, **data, **self._budget}, "asked to retrain"))

    def _feature(self, intent: Intent) -> Flow:
        project = yield from self._which()
        if not project:
            return
        words = intent.names[0] if intent.names else ""
        if not words:
            yield from self._follow(Call("propose_features", {"project": project}, "asked for features"))
        else:
            yield from self._follow(Call("add_feature", {"project": project, "feature": words}, "asked for a feature"))

    def _predict_rows(self, intent: Intent) -> Flow:
        project = yield from self._which()
        if project:
            rows = {"columns": list(intent.cells), "rows": [list(intent.cells.values())]}
            yield from self._told(Call("predict", {"project": project, **rows}, "asked to predict a row"))

    def _predict_file(self, intent: Intent) -> Flow:
        project = yield from self._which()
        if not project or intent.path is None:
            return
        output = f"{Path(intent.path).stem}-predicted.csv"
        call = Call(
            "predict_file", {"project": project, "path": intent.path, "output": output}, "asked to predict a file"
        )
        yield from self._follow(call)

    def _promote(self, intent: Intent) -> Flow:
        project = yield from self._which()
        version = intent.names[0] if intent.names else (yield Ask("Which version? As v002."))
        if project and version:
            yield from self._told(Call("promote", {"project": project, "version": version}, "asked to promote"))

    def _rollback(self, intent: Intent) -> Flow:
        project = yield from self._which()
        if not project:
            return
        if intent.names:  # "go back to v001" names the version: that is a promotion
            version = intent.names[0]
            yield from self._told(Call("promote", {"project": project, "version": version}, "asked to go back to it"))
        else:
            yield from self._told(Call("rollback", {"project": project}, "asked to roll back"))

    def _drift(self, intent: Intent) -> Flow:
        project = yield from self._which()
        path = intent.path or (yield Ask("Which new rows? Name a file or folder."))
        if project and path:
            yield from self._told(Call("check_drift", {"project": project, "path": path}, "asked about drift"))

    def _compare(self, intent: Intent) -> Flow:
        project = yield from self._which()
        if not project:
            return
        names = list(intent.names)
        if len(names) < 2:
            listed = yield Call("list_runs", {"project": project}, "the latest two trainings are compared")
            names = [each.run for each in listed.trainings if each.status == "completed"][-2:]
        if len(names) < 2:
            yield Say(f"{project} has fewer than two trainings.")
            return
        pair = {"project": project, "before": names[0], "after": names[1]}
        yield from self._told(Call("compare_runs", pair, "asked which is better"))

    def _projects(self, _: Intent) -> Flow:
        yield from self._told(Call("list_projects", {}, "asked for the projects"))

    def _runs(self, intent: Intent) -> Flow:
        named = {} if intent.project is None else {"project": intent.project}
        yield from self._told(Call("list_runs", named, "asked for the runs"))

    def _status(self, intent: Intent) -> Flow:
        run_id = intent.names[0] if intent.names else self._focus.run_id
        if run_id is None:
            yield from self._runs(intent)
            return
        state = yield from self._told(Call("get_run", {"run_id": run_id}, "asked how it goes"))
        if state.status == "running":
            again = yield Ask("Wait for it?", (("yes", "yes"), ("no", "no")), default="no")
            if again == "yes":
                yield from self._wait(state)

    def _cancel(self, intent: Intent) -> Flow:
        run_id = intent.names[0] if intent.names else self._focus.run_id
        if run_id is None:
            yield Say("No run was started here; name one: cancel run-...")
            return
        yield from self._told(Call("cancel_run", {"run_id": run_id}, "asked to cancel"))

    def _update(self, intent: Intent) -> Flow:
        project = yield from self._which()
        if project:
            data = {} if intent.path is None else {"path": intent.path}
            yield from self._follow(Call("update_project", {"project": project, **data}, "asked to update"))

    def _which(self) -> Flow:
        """The project that is spoken of; asked for where several could be meant."""
        if self._focus.project is not None:
            return self._focus.project
        names = [self._workspace.name_of(place) for place in self._workspace.projects()]
        if not names:
            yield Say("There is no project yet. Make one: predict ... from ./data")
            return None
        if len(names) > 1:
            chosen = yield Ask("Which project?", tuple((name, name) for name in names))
            if chosen is None:
                yield Say(f"Name the project: {', '.join(names)}.")
            names = [chosen]
        self._focus.project = names[0]
        return names[0]

    def _told(self, call: Call) -> Flow:
        answer = yield call
        yield Say("\n".join(tell(answer)))
        return answer

    def _follow(self, call: Call) -> Flow:
        """Starts a run and stays with it to its end."""
        state = yield replace(call, arguments={**call.arguments, "wait_seconds": 1})
        self._focus.run_id = getattr(state, "run_id", None)
        if self._focus.run_id is None:
            yield Say("\n".join(tell(state)))
            return
        if state.status == "running":
            yield Say(f"{state.run_id} has started; Ctrl-C leaves it alone, it goes on.")
        yield from self._wait(state)

    def _wait(self, state: Any) -> Flow:
        while True:
            if state.news:
                yield Say("\n".join(("warning: " if each.kind == "warning" else "") + each.text for each in state.news))
            if state.status in _ENDED:
                break
            look = {"run_id": state.run_id, "since": state.cursor, "wait_seconds": 20}
            state = yield Call("get_run", look, "it has not ended")
        if state.failure is not None:
            failed = state.failure
            raise ToolError(failed.error, failed.message, hint=failed.hint, exit_code=failed.exit_code)
        if state.result is None:
            yield Say("\n".join(tell(state)))
            return
        yield Say("\n".join(told_result(state.result)))
        self._focus.project = getattr(state.result, "project", self._focus.project)
