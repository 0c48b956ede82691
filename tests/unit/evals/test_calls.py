from __future__ import annotations

import asyncio

import pytest

from shipworthy.core.errors import CredentialError, LimitReached, TargetError, TargetFiltered, TargetTimeout, UsageError
from shipworthy.core.records import Request, say
from shipworthy.exchange.cache import ReplyCache
from shipworthy.evals.calls import Calls, Tally
from shipworthy.exchange.budget import Budget, Limits


def request(text: str, seed: int = 0) -> Request:
    return Request(messages=(say("user", text),), seed=seed)


def test_never_more_calls_at_once_than_allowed(scripted):
    target = scripted(pause=0.002)
    calls = Calls(target, concurrency=3)

    async def main():
        await asyncio.gather(*(calls.send(request(f"q{i}"), Tally()) for i in range(40)))

    asyncio.run(main())
    assert target.most == 3
    assert target.asked.total() == 40


def test_equal_requests_at_one_moment_are_one_call(scripted, tmp_path):
    target = scripted(pause=0.01)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            calls, tallies = Calls(target, cache=cache), [Tally() for _ in range(20)]
            replies = await asyncio.gather(*(calls.send(request("same"), t) for t in tallies))
            return {r.message.text for r in replies}, sum(t.cached for t in tallies), [t.usage for t in tallies]

    said, cached, usages = asyncio.run(main())
    assert target.asked.total() == 1
    assert (said, cached) == ({"yes"}, 19)
    assert len(set(map(str, usages))) == 1  # a record does not tell whether the cache answered


def test_if_the_one_that_asks_fails_the_next_one_asks(scripted, tmp_path):
    outcomes = iter([TargetError("down"), "yes"])

    def answer(_):
        result = next(outcomes)
        if isinstance(result, Exception):
            raise result
        return result

    target = scripted(answer, pause=0.005)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            calls = Calls(target, cache=cache)
            return await asyncio.gather(*(calls.send(request("q"), Tally()) for _ in range(3)), return_exceptions=True)

    first, *others = asyncio.run(main())
    assert isinstance(first, TargetError)
    assert [r.message.text for r in others] == ["yes", "yes"]
    assert target.asked.total() == 2


def test_a_waiter_that_is_cancelled_does_not_take_the_others_along(scripted, tmp_path):
    target = scripted(pause=0.02)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            calls = Calls(target, cache=cache)
            tasks = [asyncio.create_task(calls.send(request("q"), Tally())) for _ in range(3)]
            await asyncio.sleep(0.005)
            tasks[1].cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, third = asyncio.run(main())
    assert isinstance(second, asyncio.CancelledError)
    assert first.message.text == third.message.text == "yes"


def test_private_text_is_neither_kept_nor_looked_up(scripted, tmp_path):
    target = scripted()

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            calls = Calls(target, cache=cache)
            for _ in range(2):
                await calls.send(request("private"), Tally(), keep=False)

    asyncio.run(main())
    assert target.asked.total() == 2
    assert b"private" not in b"".join(p.read_bytes() for p in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("raised", "expected", "text"),
    [
        (TargetTimeout("slow"), TargetTimeout, "slow"),
        (TargetFiltered("blocked"), TargetFiltered, "blocked"),
        (TimeoutError(), TargetTimeout, "in time"),
        (ZeroDivisionError("oops"), TargetError, "ZeroDivisionError: oops"),
        (CredentialError("no key"), CredentialError, "no key"),
        (ConnectionResetError("gone"), TargetError, "ConnectionResetError: gone"),
    ],
)
def test_what_a_target_raises(scripted, raised, expected, text):
    def fail(_):
        raise raised

    with pytest.raises(expected, match=text) as caught:
        asyncio.run(Calls(scripted(fail)).send(request("q"), Tally()))
    assert type(caught.value) is expected


def test_a_target_that_never_answers_times_out(scripted):
    with pytest.raises(TargetTimeout):
        asyncio.run(Calls(scripted(pause=60), timeout_s=0.02).send(request("q"), Tally()))


def test_a_reply_must_be_one(scripted):
    target = scripted()

    async def send(_):
        return "yes"

    target.send = send
    with pytest.raises(TargetError, match="returned a str"):
        asyncio.run(Calls(target).send(request("q"), Tally()))


def test_the_cache_costs_no_budget(scripted, tmp_path):
    target = scripted()

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            calls, tally = Calls(target, cache=cache, budget=Budget(Limits(requests=1))), Tally()
            for _ in range(5):
                await calls.send(request("same"), tally)
            assert (tally.calls, tally.cached) == (5, 4)
            with pytest.raises(LimitReached):
                await calls.send(request("another"), tally)
            assert tally.limit is not None

    asyncio.run(main())
    assert target.asked.total() == 1


def test_a_request_without_json_form_is_asked_and_not_kept(scripted, tmp_path):
    target = scripted()

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            for _ in range(2):
                await Calls(target, cache=cache).send(request("half a pair \ud800"), Tally())

    asyncio.run(main())
    assert target.asked.total() == 2


def test_no_concurrency_is_refused(scripted):
    with pytest.raises(UsageError, match="1 or more"):
        Calls(scripted(), concurrency=0)


def test_a_credential_that_the_endpoint_repeats_is_kept_nowhere(scripted, tmp_path):
    key = 'sk-"quoted"-é-0123456789'

    def echo(request):
        return f"Your key is {key}, isn't it?"

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            calls = Calls(scripted(echo), cache=cache, secrets=(key, key[:8]))
            return await calls.send(request("who am I?"), Tally())

    assert asyncio.run(main()).message.text == "Your key is [redacted:credential], isn't it?"
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"0123456789" not in kept
