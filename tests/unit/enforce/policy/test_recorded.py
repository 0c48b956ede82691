"""Calls read back from an attempt's events."""

from __future__ import annotations

from shipworthy.core.events import Approval, Asked, Called, PolicyEvent, Retrieved, Returned, Said
from shipworthy.core.messages import Document, Message, ToolCall, ToolResult, say
from shipworthy.core.records import Attempt
from shipworthy.enforce.policy.recorded import past_of


def attempt(*events):
    names = dict.fromkeys(("suite", "sample", "attack", "cluster", "content_hash"), "x")
    return Attempt(id="AT-1", number=1, seed=1, outcome="scored", events=tuple(events), **names)


def refused(id):
    return Returned(1, ToolResult(id, "send", "The call was refused.", is_error=True))


CALL = ToolCall("c1", "send", {"to": "a"})


def test_a_call_that_ran_and_one_that_was_refused():
    made = attempt(
        Said(1, say("user", "Go")),
        PolicyEvent(1, "c0", "allow", "read"),
        Called(1, ToolCall("c0", "read", {})),
        Returned(1, ToolResult("c0", "read", "[]")),
        PolicyEvent(1, "c1", "ask", "send.to"),
        Approval(1, "c1", "nobody", granted=False),
        refused("c1"),
        Said(1, Message("assistant", (CALL,)), "target"),
        PolicyEvent(1, "c0", "deny", "", shadow=True, candidate=True),
    )
    first, second = past_of(made).calls
    assert (first.tool, first.verdict, first.rule, first.gave, first.made) == ("read", "allow", "read", "[]", True)
    assert (second.tool, second.args, second.verdict, second.made) == ("send", {"to": "a"}, "ask", False)
    assert first.says == second.says == ("Go",)


def test_arguments_that_are_not_on_record_are_not_guessed():
    silent = attempt(PolicyEvent(1, "c1", "deny", ""), refused("c1"))
    other = Message("assistant", (CALL, ToolCall("c1", "send", {"to": "b"})))
    twice = attempt(PolicyEvent(1, "c1", "deny", ""), refused("c1"), Said(1, other, "target"))
    assert [past_of(a).calls[0].known for a in (silent, twice)] == [False, False]


def test_a_call_that_a_guard_kept_back_never_came_to_the_policy():
    assert past_of(attempt(refused("c1"))).calls == ()


def test_what_a_person_changed_is_what_ran():
    made = attempt(
        PolicyEvent(1, "c1", "ask", ""),
        Approval(1, "c1", "ana", granted=True, arguments={"to": "b"}),
        Called(1, ToolCall("c1", "send", {"to": "b"})),
        Returned(1, ToolResult("c1", "send", "sent")),
        Said(1, Message("assistant", (CALL,)), "target"),
    )
    (call,) = past_of(made).calls
    assert (call.args, call.ran, call.granted, call.known) == ({"to": "a"}, {"to": "b"}, True, True)


def test_what_was_read_stands_before_the_next_call():
    made = attempt(
        Said(1, say("user", "Go")),
        Retrieved(1, Document("d", "text", "title")),
        Said(1, say("assistant", "Yes"), "target"),
        Said(2, say("user", "On")),
        Called(2, CALL),
        Returned(2, ToolResult("c1", "send", "broke", is_error=True)),
    )
    (call,) = past_of(made).calls
    assert (call.says, call.read, call.failed, call.gave) == (("Go", "On"), ("title\ntext",), True, "broke")


def test_an_answer_is_taken_as_the_target_gave_it():
    made = attempt(
        Said(1, say("user", "Go")),
        Asked(1, "target"),
        Said(1, say("assistant", "Nothing was read."), "target"),
        Said(2, say("user", "On")),
        Called(2, ToolCall("c0", "read", {})),
        Returned(2, ToolResult("c0", "read", "[]")),
        Asked(2, "target"),
        Retrieved(2, Document("d", "More", title="T")),
        PolicyEvent(2, "", "deny", "answer", "a sentence was left out"),
        PolicyEvent(2, "", "allow", "answer", shadow=True, candidate=True),
        Said(2, say("assistant", "All of it."), "target", withheld=True),
        Said(2, say("assistant", "Some of it."), "target"),
    )
    (one,) = past_of(made).answers
    assert (one.text, one.after, one.verdict, one.turn) == ("All of it.", 1, "deny", 2)
    assert (one.says, one.read) == (("Go", "On"), ("T\nMore",))


def test_a_block_message_is_no_answer_of_the_target():
    made = attempt(
        Called(1, CALL), Returned(1, ToolResult("c1", "send", "sent")), Said(1, say("assistant", "Blocked."), "target")
    )
    assert past_of(made).answers == ()
