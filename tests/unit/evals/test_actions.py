"""What an attempt did, step by step."""

from __future__ import annotations

from tests.unit.evals.shown import attempt, talk

from shipworthy.core.events import Called, PolicyEvent, Returned
from shipworthy.core.records import ToolCall, ToolResult
from shipworthy.evals.actions import actions


def test_an_attempt_that_called_nothing_has_no_steps():
    assert actions(attempt(0)) == []


def test_a_candidates_word_on_an_answer_stands_beside_the_policys_or_by_itself():
    def word(turn, verdict, reason=""):
        return PolicyEvent(turn, "", verdict, "answer", reason, shadow=True, candidate=True)

    events = [
        PolicyEvent(1, "", "deny", "answer", "steered"),
        word(1, "allow"),
        word(2, "deny", "why"),
        word(3, "allow"),
    ]
    steps = actions(attempt(0, events=(*talk("q", "a"), *events)))
    assert [(s["turn"], "policy" in s, s["candidate"]["verdict"]) for s in steps] == [
        (1, True, "allow"), (2, False, "deny"),
    ]  # fmt: skip


def test_a_candidates_word_stands_beside_the_one_that_was_heeded():
    events = []
    for id in ("c1", "c2", "c3"):
        events += [PolicyEvent(1, id, "allow", "search")] if id != "c3" else []
        events += [Called(1, ToolCall(id, "search", {})), Returned(1, ToolResult(id, "search", "found"))]
    events.append(PolicyEvent(1, "", "deny", "answer", "steered"))
    events += [
        PolicyEvent(1, id, "deny", "search.ask", "why", shadow=True, candidate=True) for id in ("c1", "c3", "c9")
    ]
    steps = actions(attempt(0, events=(*talk("q", "a"), *events)))
    told = [
        (step.get("tool"), step.get("policy", {}).get("verdict"), step.get("candidate", {}).get("verdict"))
        for step in steps
    ]
    assert told == [
        ("search", "allow", "deny"), ("search", "allow", None), ("search", None, "deny"), (None, "deny", None),
        (None, None, "deny"),
    ]  # fmt: skip
    assert [step.get("made") for step in steps] == [True, True, True, None, False]
