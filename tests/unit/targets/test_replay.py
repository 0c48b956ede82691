from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.records import Message, Reply, Request, Text, ToolCall, ToolResult, Usage, answer, say
from shipworthy.core.registry import create
from shipworthy.targets.replay import key, line, replay

texts = st.text(st.characters(exclude_categories=("Cs",)))
requests = st.builds(
    lambda said, seed, user: Request(messages=tuple(say("user", t) for t in said), seed=seed, user=user),
    st.lists(texts, min_size=1, max_size=3),
    st.integers(0, 2**48),
    texts,
)
replies = st.builds(
    lambda text, name: Reply(
        messages=(
            Message("assistant", (Text(text), ToolCall("c", name, {"a": [1, None]}))),
            Message("tool", (ToolResult("c", name, text),)),
        ),
        usage=Usage(1, 2, 0.5),
    ),
    texts,
    texts,
)


@given(recorded=st.lists(st.tuples(requests, replies), max_size=5))
def test_what_was_recorded_is_answered(tmp_path_factory, recorded):
    file = tmp_path_factory.mktemp("replay") / "replies.jsonl"
    file.write_bytes(b"\n".join(line(*pair) for pair in recorded) + b"\n\n")
    target = create("target", "replay", {"file": str(file)})
    last = {key(request): reply for request, reply in recorded}
    for request, _ in recorded:
        assert asyncio.run(target.send(request)) == last[key(request)]


def test_what_was_not_is_an_error(tmp_path):
    request = Request(messages=(say("user", "a"),))
    (tmp_path / "r.jsonl").write_bytes(line(request, answer("b")))
    target = create("target", "replay", {"file": "r.jsonl", "root": tmp_path})
    assert asyncio.run(target.send(request)).text == "b"
    with pytest.raises(TargetError, match=r"r\.jsonl holds no reply"):
        asyncio.run(target.send(Request(messages=(say("user", "a"),), seed=1)))


def test_a_changed_recording_is_another_subject(tmp_path):
    file = tmp_path / "r.jsonl"
    file.write_bytes(b"")
    one = create("target", "replay", {"file": str(file)}).describe()
    file.write_bytes(line(Request(messages=()), answer("b")))
    assert create("target", "replay", {"file": str(file)}).describe() != one


@pytest.mark.parametrize(
    "bad", [b"{", b"[]", b'{"request": "x"}', b'{"request": "x", "reply": {}, "more": 1}', b"\xff"]
)
def test_a_bad_line_is_named(tmp_path, bad):
    good = line(Request(messages=()), answer("b"))
    (tmp_path / "r.jsonl").write_bytes(good + b"\n" + bad + b"\n")
    with pytest.raises(UsageError, match=r"r.jsonl:2: "):
        create("target", "replay", {"file": str(tmp_path / "r.jsonl")})


def test_a_missing_file_is_a_users_mistake(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        create("target", "replay", {"file": str(tmp_path / "none.jsonl")})


def test_a_reply_of_an_older_version_is_refused_and_not_misread(tmp_path):
    (tmp_path / "r.jsonl").write_bytes(
        b'{"request": "sha256:0", "reply": {"message": {"role": "assistant", "parts": []}}}'
    )
    with pytest.raises(UsageError, match="`messages`"):
        create("target", "replay", {"file": "r.jsonl", "root": tmp_path})


def test_session_and_turn_are_no_part_of_what_a_reply_is_recorded_under():
    request = Request(messages=(say("user", "a"),), seed=1)
    assert key(replace(request, session="s", turn=3)) == key(request)
    assert key(replace(request, seed=2)) != key(request)


def test_half_a_surrogate_pair_is_the_requests_error(tmp_path):
    (tmp_path / "r.jsonl").write_bytes(line(Request(messages=()), answer("b")))
    target = create("target", "replay", {"file": "r.jsonl", "root": tmp_path})
    with pytest.raises(TargetError, match="surrogate"):
        asyncio.run(target.send(Request(messages=(say("user", "\ud800"),))))


def test_what_is_no_plain_file_or_has_no_end_is_refused(tmp_path):
    with pytest.raises(UsageError, match="it is no plain file"):
        replay(file="/dev/zero")
    with pytest.raises(UsageError, match="cannot read the recording"):
        replay(file="a\0b")
    path = tmp_path / "holes.jsonl"
    path.write_bytes(b"")
    os.truncate(path, 50 << 30)
    with pytest.raises(UsageError, match=r"holes\.jsonl:1: not a recorded reply: a line of more than 64 MB"):
        replay(file=str(path))
