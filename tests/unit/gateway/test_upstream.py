"""Pieces that arrive together are one piece, and an error behind them does not swallow them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.records import Delta
from shipworthy.dialects.openai_stream import Completion
from shipworthy.dialects.served import Asking
from shipworthy.gateway.candidates import Candidates
from shipworthy.gateway.config import UpstreamSpec
from shipworthy.gateway.upstream import GatewayUpstream, UpstreamCall, _together
from shipworthy.net.events import ServerEvent

PIECES = st.builds(
    Delta,
    text=st.text(max_size=3),
    channel=st.sampled_from(["text", "reasoning", "refusal"]),
    index=st.integers(0, 2),
)
CALLS = st.builds(
    Delta,
    text=st.text(max_size=3),
    channel=st.just("tool_call"),
    index=st.integers(0, 1),
    id=st.sampled_from(["", "c1"]),
    name=st.sampled_from(["", "send"]),
    choice=st.integers(0, 1),
)


def call(choices: int = 1) -> UpstreamCall:
    upstream = GatewayUpstream("main", UpstreamSpec(url="http://127.0.0.1:9/v1"))
    return UpstreamCall(Candidates([upstream]), "/chat/completions", Asking(model="m", messages=(), choices=choices))


def event(*choices: object, **more: object) -> ServerEvent:
    return ServerEvent(json.dumps({"choices": choices, **more}))


def words(text: str, index: int = 0) -> dict[str, object]:
    return {"index": index, "delta": {"content": text}}


def test_neighbours_of_one_channel_are_joined() -> None:
    pieces = [Delta("a"), Delta("b"), Delta("c", "reasoning"), Delta("d"), Delta("e", index=1), Delta("f", index=1)]
    assert _together(pieces) == [Delta("ab"), Delta("c", "reasoning"), Delta("d"), Delta("ef", index=1)]


def test_a_call_begins_with_its_id_and_name() -> None:
    pieces = [
        Delta("{", "tool_call", 0, "c0", "send"),
        Delta("}", "tool_call", 0),
        Delta("{}", "tool_call", 1, "c1", "send"),
    ]
    assert _together(pieces) == [Delta("{}", "tool_call", 0, "c0", "send"), pieces[2]]


@given(st.lists(PIECES | CALLS, max_size=12))
def test_nothing_is_lost_and_nothing_changes_its_place(pieces: list[Delta]) -> None:
    found = _together(pieces)

    def told(of: list[Delta]) -> list[tuple[object, ...]]:
        return [(p.channel, p.index, p.choice, c) for p in of for c in p.text]

    assert told(found) == told(pieces)
    assert [(p.id, p.name) for p in found if p.id or p.name] == [(p.id, p.name) for p in pieces if p.id or p.name]
    assert _together(found) == found


def test_what_came_before_an_error_still_leaves() -> None:
    found, error = call()._taken(Completion(), [event(words("a")), event(words("b")), event(error={"code": 500})])
    assert found == [Delta("ab")]
    assert "broke off" in str(error)


def test_a_choice_that_was_not_asked_for_is_an_error_behind_the_others() -> None:
    found, error = call()._taken(Completion(), [event(words("a")), event(words("b", 1)), event(words("c"))])
    assert found == [Delta("a")]
    assert "not asked for" in str(error)
