"""The picture: well-formed whatever the texts, nothing of theirs alive in it, secrets not in it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.detect.redact import redact_text
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.past import Made, Past
from shipworthy.enforce.policy.picture import draw, page
from shipworthy.enforce.policy.provenance import provenance
from shipworthy.workspace.policies import PolicyFile

HOSTILE = "</text><script>alert(1)</script><image href='https://x.org/a'/>&amp;\"'\x1b[31m\u202e\ud800]]>"
POLICY = Policy(PolicyFile.model_validate({"tools": {"send": {"effect": "external", "args": {"to": "recipient"}}}}))


def picture(policy, *calls, says="Send it", shown=str, title="s"):
    return draw(title, provenance(policy, Past(says, calls, "s")), shown)


def tags(svg):
    return {element.tag.partition("}")[2] for element in ElementTree.fromstring(svg).iter()}


JSON = st.recursive(
    st.text(max_size=40) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
KNOWN = {"svg", "title", "style", "rect", "text", "path", "circle"}


def test_hostile_text_is_text():
    call = Made(tool=HOSTILE, args={HOSTILE: HOSTILE}, gave={HOSTILE[:-4]: HOSTILE[:-4]}, read=(HOSTILE,))
    svg = picture(POLICY, call, Made(tool="send", args={"to": HOSTILE}), says=HOSTILE, title=HOSTILE)
    assert tags(svg) == KNOWN
    assert "<script" not in svg and "<image" not in svg and "\x1b" not in svg and "\u202e" not in svg
    assert not re.search(r"(?:href|src|onload)=", re.sub(r">[^<]*<", "><", svg))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), JSON)
def test_any_texts_make_a_whole_picture(text, gave):
    svg = picture(POLICY, Made(tool=text, args={text: gave}, gave=gave), Made(tool="send", args={"to": text}))
    assert tags(svg) <= KNOWN
    svg.encode()


def test_secrets_of_the_policy_are_never_seen(make, mails):
    said = Made(tool="send", args={"to": ["bo@x.org"], "body": "the code is ZX-99-K"})
    svg = picture(make(), Made(tool="read_mail", gave=mails), said)
    assert "zx-99-k" not in svg.lower() and "[secret]" in svg


def test_what_may_be_seen_is_for_the_caller_to_say():
    call = Made(tool="send", args={"to": "ada.lovelace@gmail.com"}, gave="call +44 20 7946 0958")
    svg = picture(POLICY, call, call, says="Send it to ada.lovelace@gmail.com", shown=redact_text)
    assert "lovelace" not in svg and "[redacted:email]" in svg


def test_edges_badges_and_what_was_not_made():
    svg = picture(POLICY, Made(tool="send", args={"to": "ada"}, made=False, verdict="deny"), says="Send it to ada")
    assert 'class="edge user"' in svg and 'class="badge allow"' in svg
    assert "(was not made)" in svg and "then it was: deny" in svg


def test_a_long_session_is_cut_and_says_so():
    assert "and 50 more calls" in picture(POLICY, *[Made(tool="send", args={})] * 250)


def test_the_page_can_load_nothing():
    assert "default-src 'none'" in page("<svg/>").replace("&#x27;", "'")
