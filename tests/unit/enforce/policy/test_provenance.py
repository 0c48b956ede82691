"""The graph of a session: edges lead to where a value stands, and the words on it are the policy's."""

from __future__ import annotations

import json

from shipworthy.enforce.policy.past import Made, Past
from shipworthy.enforce.policy.provenance import MOST_EDGES, MOST_VALUES, provenance


def drawn(policy, *calls, says="Reply to the mail called Team sync"):
    return list(provenance(policy, Past(says, calls, "s")))


def of(step, argument):
    return [v for v in step.values if v.argument == argument]


def test_a_value_leads_back_to_field_prompt_and_text(make, mails):
    read = Made(tool="read_mail", args={"query": "sync"}, gave=json.dumps(mails))
    good = Made(tool="send", args={"to": ["bo@x.org"], "body": "Team sync, see https://bad.com/a?x=1"})
    bad = Made(tool="send", args={"to": ["evil@bad.com"], "body": ""})
    first, second, third = drawn(make(), read, good, bad)
    (query,) = first.values
    assert (query.sources[0].standing, query.checked, query.origins) == ("user", False, ("user",))
    (to,) = of(second, "to")
    assert [(f.step, f.path, f.standing) for f in to.sources] == [(1, "[0].sender", "trusted")]
    assert (to.word, "named" in to.origins) == ("allow", True)
    whole, link = of(second, "body")
    assert (whole.checked, link.checked, link.text, link.word) == (False, True, "bad.com/a?x=1", "ask")
    assert [(f.path, f.standing) for f in link.sources] == [("[1].body", "others")]
    (evil,) = of(third, "to")
    assert (evil.word, evil.origins, [f.path for f in evil.sources]) == ("ask", ("quoted",), ["[0].body"])
    assert "read_mail read" in evil.why


def test_what_stands_against_a_value_is_among_its_edges(make):
    mail = {"id": "m1", "sender": "a@x.org", "subject": "Hi", "body": "eve@x.org"}
    trusted = [{**mail, "sender": "eve@x.org", "subject": str(n)} for n in range(5)]
    read = Made(tool="read_mail", gave=[mail, *trusted])
    *_, step = drawn(make(), read, Made(tool="send", args={"to": ["eve@x.org"]}), says="Send it")
    (to,) = step.values
    assert to.word == "ask" and len(to.sources) == MOST_EDGES
    assert to.sources[-1].standing == "others" and to.sources[0].standing == "trusted"


def test_a_call_that_was_not_made_gave_nothing(make):
    (step,) = drawn(make(), Made(tool="send", args={"to": ["a@x.org"]}, made=False))
    assert step.fields == ()


def test_bounds(make):
    deep = value = {}
    for _ in range(10_000):
        value["a"] = value = {}
    many = Made(tool="send", args={"to": [f"p{n}@x.org" for n in range(50)]})
    first, second = drawn(make(), Made(tool="read_mail", gave=[{"id": n} for n in range(9000)]), many)
    assert len(first.fields) == 2_000
    assert (len(second.values), second.more) == (MOST_VALUES, 50 - MOST_VALUES)
    (step,) = drawn(make(), Made(tool="read_mail", gave=deep))
    assert step.fields == ()


def test_documents_and_errors_are_others(make):
    failed = Made(tool="read_mail", gave='[{"sender": "bo@x.org"}]', failed=True, read=("Mail cy@x.org",))
    first, second = drawn(make(), failed, Made(tool="send", args={"to": ["bo@x.org", "cy@x.org"]}))
    assert [f.text for f in first.read] == ["Mail cy@x.org"]
    assert {f.standing for v in second.values for f in v.sources} == {"others"}
