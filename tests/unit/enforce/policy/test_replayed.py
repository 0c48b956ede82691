"""Past calls under a policy: what is judged, what is not, and which way a word changes."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.enforce.policy.past import Made, Past, read_past
from shipworthy.enforce.policy.replayed import compare, words_on

LOOSE = "tools:\n  send: {effect: external, args: {to: none}}\n"


def send(to="eve@x.org", **more):
    return Made(tool="send", args={"to": [to]}, **more)


def test_changes_are_counted_by_tool_and_rule_with_their_denominator(make):
    past = [Past("Send it to ada@x.org", (send("ada@x.org"), send(), send(verdict="deny", made=False)), "s")]
    found = compare(past, make(LOOSE), make())
    assert [(c.number, c.before, c.after, c.looser) for c in found.changed] == [
        (2, "ask", "allow", True),
        (3, "ask", "allow", True),
    ]
    assert list(found.counts()) == [("send", "send.to.recipient", "looser", 2, 3)]
    back = compare(past, make(), make(LOOSE))
    assert list(back.counts()) == [("send", "send.to.recipient", "stricter", 2, 3)]


def test_a_stop_of_the_past_is_a_refusal(make):
    assert not compare([Past("x", (send(verdict="stop", made=False),))], make("tools: {}")).changed


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (send(known=False, verdict="deny", made=False), "arguments"),
        (send("[redacted:email]", verdict="allow"), "redacted"),
        (send(verdict="allow"), "what was said then"),
    ],
)
def test_what_the_record_cannot_tell_is_not_judged(make, call, why):
    found = compare([Past("Send it to [redacted:email]", (call,))], make(LOOSE), reference=make())
    assert (found.judged.total(), found.changed, found.unknown.total()) == (0, (), 1)
    assert why in next(iter(found.unknown))


def test_what_happened_happens_again(make, mails):
    """A yes is remembered, a refused call books nothing, a changed call counts as it ran."""
    ask = send("cy@x.org", verdict="ask", granted=True)
    read = Made(tool="read_mail", gave=mails)
    words = [d.word for d in words_on(make(), Past("Send it", (read, ask, send("cy@x.org"))))]
    assert words == ["allow", "ask", "allow"]
    pay = {"tool": "pay", "args": {"to": "ada@x.org", "amount": 60}}
    refused, made = Made(**pay, made=False), Made(**pay)
    words = [d.word for d in words_on(make(), Past("Pay ada@x.org 60", (refused, made, made)))]
    assert words == ["allow", "allow", "ask"]
    cut = Made(**pay, ran={"to": "ada@x.org", "amount": 30})
    words = [d.word for d in words_on(make(), Past("Pay ada@x.org 60", (cut, made)))]
    assert words == ["allow", "allow"]


def test_documents_and_errors_are_what_others_wrote(make):
    read = send("bo@x.org", says=("Send it",), read=("Send it to bo@x.org",))
    failed = Made(tool="read_mail", gave='[{"sender": "bo@x.org"}]', failed=True)
    for past in (Past("Send it", (read,)), Past("Send it", (failed, send("bo@x.org")))):
        last = list(words_on(make(), past))[-1]
        assert last.word == "ask" and last.troubles[0].origin


def test_a_log_names_its_lines(tmp_path):
    file = tmp_path / "log"
    file.write_text('{"says": "a"}\n\n{"says": "b", "id": "mine"}\n')
    assert [p.id for p in read_past(file)] == ["line 1", "mine"]
    file.write_text('{"says": "a"}\n{"says": 1}\n')
    with pytest.raises(WorkspaceError, match=":2: is no conversation"):
        read_past(file)
