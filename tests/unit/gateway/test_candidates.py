"""Upstreams of one request: who is asked, and what their breakers hear of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from shipworthy.core.errors import TargetError, TargetFiltered, TargetTimeout, UsageError
from shipworthy.exchange.channel import Places
from shipworthy.gateway.breaker import Breaker, UpstreamOpen
from shipworthy.gateway.candidates import Candidates


def upstreams(*names, failures=1):
    return [SimpleNamespace(name=n, breaker=Breaker(failures, 3600.0), places=Places(1)) for n in names]


def call(status=0):
    return SimpleNamespace(status=status)


async def streamed(candidates, pieces, stop=None):
    """Return what came; `pieces` says of an upstream what it yields, or raises."""

    async def attempt(upstream):
        for piece in pieces[upstream.name]:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    found = []
    stream = candidates.stream(call(), attempt)
    async for piece in stream:
        found.append(piece)
        if len(found) == stop:
            break
    await stream.aclose()
    return found


def test_the_next_one_is_asked_after_a_failure_and_the_last_ones_failure_is_raised() -> None:
    both = upstreams("a", "b")

    async def attempt(upstream):
        raise TargetTimeout(upstream.name)

    async def main():
        candidates = Candidates(both)
        assert (candidates.name, candidates.stepped_in) == ("", False)
        with pytest.raises(TargetTimeout, match="b"):
            await candidates.ask(call(), attempt)
        assert (candidates.name, candidates.stepped_in) == ("b", True)
        with pytest.raises(UpstreamOpen) as caught:
            await Candidates(both).ask(call(), attempt)
        assert 3500 < caught.value.retry_s <= 3600

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "status", "state"),
    [
        (TargetError("x"), 0, "open"),
        (TargetError("x"), 500, "open"),
        (TargetError("x"), 499, "closed"),
        (TargetError("x"), 200, "closed"),
        (TargetFiltered("x"), 0, "closed"),
        (UsageError("x"), 0, "closed"),
        (asyncio.CancelledError(), 0, "closed"),
    ],
)
def test_what_is_the_upstreams_fault_and_what_is_not(error, status, state) -> None:
    [one] = upstreams("a")

    async def attempt(upstream):
        asked.status = status
        raise error

    asked = call()
    with pytest.raises(type(error)):
        asyncio.run(Candidates([one]).ask(asked, attempt))
    assert one.breaker.state == state
    assert one.places.free.inside == 0


def test_a_stream_is_taken_over_before_its_first_piece_and_never_after() -> None:
    both = upstreams("a", "b")
    found = asyncio.run(streamed(Candidates(both), {"a": [TargetError("x")], "b": [1, 2]}))
    assert found == [1, 2]
    again = upstreams("a", "b")
    with pytest.raises(TargetError):
        asyncio.run(streamed(Candidates(again), {"a": [1, TargetError("x")], "b": [2]}))
    assert [one.breaker.state for one in again] == ["open", "closed"]


def test_who_stops_listening_says_nothing_against_it() -> None:
    [one] = upstreams("a", failures=2)
    one.breaker.begin().end(False)
    assert asyncio.run(streamed(Candidates([one]), {"a": [1, 2, 3]}, stop=1)) == [1]
    assert (one.breaker.failed, one.places.free.inside) == (0, 0)  # it answered


def test_only_waiting_for_the_upstream_counts(monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr("shipworthy.gateway.candidates.perf_counter", lambda: now)

    async def attempt(upstream):
        nonlocal now
        for piece in (1, 2):
            now += 1.0
            yield piece
        now += 1.0

    async def main():
        nonlocal now
        candidates = Candidates(upstreams("a"))
        async for _ in candidates.stream(call(), attempt):
            now += 100.0  # a slow client
        return candidates.seconds

    assert asyncio.run(main()) == 3.0
