from __future__ import annotations

import asyncio
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import (
    CredentialError,
    LimitReached,
    PolicyRefused,
    TargetError,
    TargetFiltered,
    TargetTimeout,
    UsageError,
)
from shipworthy.core.events import Called, Failed, GuardEvent, Returned
from shipworthy.core.records import (
    Delta,
    Message,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    answer,
    say,
)
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.cache import ReplyCache
from shipworthy.exchange.channel import CONCURRENCY, Channel, Channels
from shipworthy.exchange.desk import Desk, Mediation
from shipworthy.exchange.hidden import Hidden


def request(text: str, seed: int = 0, **fields) -> Request:
    return Request(messages=(say("user", text),), seed=seed, **fields)


# ---- one call for each distinct request ------------------------------------------------------------------------


def test_never_more_calls_at_once_than_there_are_places(scripted):
    target = scripted(pause=0.002)

    async def main():
        channel = Channels().open(target, concurrency=3)
        await asyncio.gather(*(channel.ask(request(f"q{i}")) for i in range(40)))

    asyncio.run(main())
    assert target.most == 3
    assert target.asked.total() == 40


def test_equal_requests_at_one_moment_are_one_call(scripted, tmp_path):
    target = scripted(pause=0.01)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            channel = Channel(target, cache=cache)
            return await asyncio.gather(*(channel.ask(request("same")) for _ in range(20)))

    answers = asyncio.run(main())
    assert target.asked.total() == 1
    assert {a.reply.text for a in answers} == {"yes"}
    assert sum(a.cached for a in answers) == 19
    # A record does not tell whether the cache answered; only the clock does.
    assert len({(a.reply, a.events, a.identity) for a in answers}) == 1
    assert all(a.seconds == 0 for a in answers if a.cached)
    assert all(a.queued > 0 for a in answers if a.cached)


def test_if_the_one_that_asks_fails_the_next_one_asks(scripted, tmp_path):
    outcomes = iter([TargetError("down"), "yes"])

    def reply(_):
        result = next(outcomes)
        if isinstance(result, Exception):
            raise result
        return result

    target = scripted(reply, pause=0.005)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            channel = Channel(target, cache=cache)
            return await asyncio.gather(*(channel.ask(request("q")) for _ in range(3)), return_exceptions=True)

    first, *others = asyncio.run(main())
    assert isinstance(first, TargetError)
    assert [a.reply.text for a in others] == ["yes", "yes"]
    assert target.asked.total() == 2


def test_a_waiter_that_is_cancelled_does_not_take_the_others_along(scripted, tmp_path):
    target = scripted(pause=0.02)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            channel = Channel(target, cache=cache)
            tasks = [asyncio.create_task(channel.ask(request("q"))) for _ in range(3)]
            await asyncio.sleep(0.005)
            tasks[1].cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, third = asyncio.run(main())
    assert isinstance(second, asyncio.CancelledError)
    assert first.reply.text == third.reply.text == "yes"


def test_the_one_that_asks_may_be_cancelled_and_the_next_one_asks(scripted, tmp_path):
    target = scripted(pause=0.02)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            channel = Channel(target, cache=cache)
            tasks = [asyncio.create_task(channel.ask(request("q"))) for _ in range(2)]
            await asyncio.sleep(0.005)
            tasks[0].cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

    first, second = asyncio.run(main())
    assert isinstance(first, asyncio.CancelledError)
    assert second.reply.text == "yes"
    assert target.asked.total() == 2


def test_private_text_is_neither_kept_nor_looked_up_nor_named(scripted, tmp_path):
    target = scripted()

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            channel = Channel(target, cache=cache)
            return [await channel.ask(request("private"), keep=False) for _ in range(2)]

    answers = asyncio.run(main())
    assert target.asked.total() == 2
    assert b"private" not in b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert {a.identity for a in answers} == {b""}  # short text can be guessed from its digest


def test_a_target_that_keeps_sessions_is_never_answered_from_the_cache(scripted, tmp_path):
    target = scripted()
    target.sessions = True

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            for _ in range(2):
                await Channel(target, cache=cache).ask(request("q", session="s"))

    asyncio.run(main())
    assert target.asked.total() == 2


def test_another_session_or_turn_is_the_same_request_and_another_target_is_not(scripted, tmp_path):
    one, other = scripted(), scripted(name="other")

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            for target in (one, other):
                for turn in (1, 2):
                    await Channel(target, cache=cache).ask(request("q", session=f"s{turn}", turn=turn))

    asyncio.run(main())
    assert (one.asked.total(), other.asked.total()) == (1, 1)


def test_a_request_without_json_form_is_asked_and_not_kept(scripted, tmp_path):
    target = scripted()

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            return [await Channel(target, cache=cache).ask(request("half a pair \ud800")) for _ in range(2)]

    assert {a.identity for a in asyncio.run(main())} == {b""}
    assert target.asked.total() == 2


# ---- budget ----------------------------------------------------------------------------------------------------


def test_the_cache_costs_no_budget(scripted, tmp_path):
    target = scripted()
    budget = Budget(Limits(requests=1))

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            channel = Channel(target, cache=cache, budget=budget)
            answers = [await channel.ask(request("same"), "judge") for _ in range(5)]
            with pytest.raises(LimitReached):
                await channel.ask(request("another"))
            return answers

    assert sum(a.cached for a in asyncio.run(main())) == 4
    assert target.asked.total() == 1
    assert {role: use.calls for role, use in budget.roles.items()} == {"judge": 1}
    assert budget.usage == Usage(10, 2, 0.001)


def test_what_waits_for_a_place_is_not_sent_once_the_budget_is_used_up(scripted):
    target = scripted(pause=0.005)

    async def main():
        channel = Channels(budget=Budget(Limits(tokens=12))).open(target, concurrency=1)
        return await asyncio.gather(*(channel.ask(request(f"q{i}")) for i in range(5)), return_exceptions=True)

    _, *others = asyncio.run(main())
    assert all(isinstance(other, LimitReached) for other in others)
    assert target.asked.total() == 1


def test_the_first_request_is_remembered(scripted):
    channel = Channel(scripted())

    async def main():
        for text in ("first", "second"):
            await channel.ask(request(text))

    asyncio.run(main())
    assert channel.first == request("first")


# ---- targets that misbehave ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "expected", "text"),
    [
        (TargetTimeout("slow"), TargetTimeout, "slow"),
        (TargetFiltered("blocked"), TargetFiltered, "blocked"),
        (PolicyRefused("stop"), PolicyRefused, "stop"),
        (TimeoutError(), TargetTimeout, "in time"),
        (ZeroDivisionError("oops"), TargetError, "ZeroDivisionError: oops"),
        (CredentialError("no key"), CredentialError, "no key"),
        (ConnectionResetError("gone"), TargetError, "ConnectionResetError: gone"),
        (SystemExit(3), TargetError, "SystemExit: 3"),
        (asyncio.CancelledError(), TargetError, "cancelled its own work"),
        (LimitReached("spent"), LimitReached, "spent"),
    ],
)
@pytest.mark.parametrize("patience", [1.0, None])
def test_what_a_target_raises(scripted, raised, expected, text, patience):
    def fail(_):
        raise raised

    with pytest.raises(expected, match=text) as caught:
        asyncio.run(Channel(scripted(fail), timeout_s=patience).ask(request("q")))
    assert type(caught.value) is expected


class Unreadable(BaseException):
    """Of no class that anybody catches, and with nothing that could be read."""

    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), GeneratorExit(), SystemExit(0), Unreadable()])
def test_whatever_a_target_raises_is_its_own_failure(scripted, raised):
    def fail(_):
        raise raised

    with pytest.raises(TargetError, match=type(raised).__name__):
        asyncio.run(Channel(scripted(fail)).ask(request("q")))


def test_an_interrupt_is_nobodys_failure_where_python_itself_would_raise_it(scripted):
    def fail(_):
        raise KeyboardInterrupt

    loop = asyncio.new_event_loop()  # whoever runs a loop without a runner has Ctrl-C as Python gives it
    # A process that a shell put in the background ignores it, and so would this test.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(Channel(scripted(fail)).ask(request("q")))
    finally:
        signal.signal(signal.SIGINT, before)
        loop.close()


def test_an_answer_that_fills_the_disk_is_none(scripted):
    with pytest.raises(TargetError, match="more than 16,000,000 characters"):
        asyncio.run(Channel(scripted(lambda _: "x" * 50_000_000)).ask(request("q")))


def test_a_target_that_never_answers_times_out(scripted):
    with pytest.raises(TargetTimeout, match=r"0\.02 s"):
        asyncio.run(Channel(scripted(pause=60), timeout_s=0.02).ask(request("q")))


def test_cancelling_the_run_is_not_a_failure_of_the_target(scripted):
    async def main():
        task = asyncio.create_task(Channel(scripted(pause=60)).ask(request("q")))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


HOSTILE = {
    "a text": ("yes", "returned a str"),
    "nothing": (None, "returned a NoneType"),
    "no messages": (Reply(messages=()), "no message of the assistant"),
    "only a tool": (Reply(messages=(Message("tool", ()),)), "no message of the assistant"),
    "a user": (Reply(messages=(say("assistant", "a"), say("user", "and now?"))), "message of the user"),
    "a system": (Reply(messages=(say("system", "a"), say("assistant", "b"))), "message of the system"),
    "a tool first": (Reply(messages=(Message("tool", ()), say("assistant", "a"))), "before it called one"),
    "an unknown role": (Reply(messages=(Message("robot", ()),)), "not one"),
    "no text": (Reply(messages=(Message("assistant", (Text(None),)),)), "not one"),
    "a list of texts": (Reply(messages=["yes"]), "not one"),
    "an unknown ending": (answer("a", finish="tired"), "not one"),
    "arguments no JSON has": (
        Reply(messages=(Message("assistant", (ToolCall("1", "f", {"a": object()}),)),)),
        "not one",
    ),
    "tokens below nothing": (answer("a", usage=Usage(-1, 0)), "less than nothing"),
    "money below nothing": (answer("a", usage=Usage(cost_usd=-0.1)), "less than nothing"),
    "endless money": (answer("a", usage=Usage(cost_usd=float("inf"))), "no finite amount"),
    "money that is no number": (answer("a", usage=Usage(cost_usd=float("nan"))), "no finite amount"),
    "tokens in words": (answer("a", usage=Usage("many")), "not one"),
}


@pytest.mark.parametrize(("returned", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_reply_must_be_one(scripted, returned, said, tmp_path):
    target, budget = scripted(), Budget()

    async def send(_):
        return returned

    target.send = send

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            await Channel(target, cache=cache, budget=budget).ask(request("q"))

    with pytest.raises(TargetError, match=said):
        asyncio.run(main())
    assert budget.usage == Usage()


def test_a_reply_that_holds_itself_is_none(scripted):
    loop: dict = {}
    loop["again"] = loop
    reply = Reply(messages=(Message("assistant", (ToolCall("1", "f", loop),)),))
    with pytest.raises(TargetError, match="not one"):
        asyncio.run(Channel(scripted(lambda _: reply)).ask(request("q")))


# ---- credentials -----------------------------------------------------------------------------------------------


def test_a_credential_that_the_endpoint_repeats_is_kept_nowhere(scripted, tmp_path):
    key = 'sk-"quoted"-é-0123456789'
    target = scripted(lambda _: f"Your key is {key}, isn't it?")

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            return await Channel(target, cache=cache, secrets=(key, key[:8])).ask(request("who am I?"))

    assert asyncio.run(main()).reply.text == "Your key is [redacted:credential], isn't it?"
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"0123456789" not in kept


def test_a_credential_is_taken_out_of_what_is_recorded_of_tools(agent, tmp_path):
    key = "sk-0123456789"
    target = agent(ToolCall("c", "lookup", {"key": key}))

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            desk = Desk(request("q"), Mediation())
            return await Channel(target, cache=cache, secrets=(key,)).ask(request("q"), tools=desk), desk.events

    answered, events = asyncio.run(main())
    assert target.ran[0].arguments == {"key": key}  # the tool gets what it was called with
    assert key not in repr((answered, events))
    assert key.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_reply_that_cannot_be_searched_for_credentials_does_not_pass(scripted):
    target = scripted(lambda _: "key \ud800")
    assert asyncio.run(Channel(target).ask(request("q"))).reply.text == "key \ud800"
    with pytest.raises(TargetError, match="surrogate"):
        asyncio.run(Channel(target, secrets=("sk-123",)).ask(request("q")))


SECRETS = ("abc", "abcabd", "bcd", 'd"')


@given(st.text('abcd"x', max_size=30), st.lists(st.integers(1, 5), min_size=1, max_size=6), st.sampled_from((0, 2)))
def test_no_secret_leaves_a_stream_however_it_is_cut(text, cuts, index):
    async def main(secrets):
        hidden, out, at, turn = Hidden(secrets), [], 0, 0
        while at < len(text):
            size = cuts[turn % len(cuts)]
            out += hidden.feed(Delta(text[at : at + size], "text", index))
            at, turn = at + size, turn + 1
        return "".join(d.text for d in [*out, *hidden.rest()])

    left = asyncio.run(main(SECRETS))
    assert not any(secret in left for secret in SECRETS)
    # What is no secret leaves whole: only marks stand in for something.
    assert set(left.replace("[redacted:credential]", "")) <= set(text)
    if not any(secret in text for secret in SECRETS):
        assert left == text
    assert asyncio.run(main(())) == text


# ---- channels --------------------------------------------------------------------------------------------------


def test_a_model_is_one_channel_for_its_description(scripted):
    channels = Channels()
    one = channels.open(scripted())
    assert channels.open(scripted()) is one
    assert channels.open(scripted(name="other")) is not one


def test_models_on_one_endpoint_share_its_places_and_the_smallest_number(scripted):
    one, other, elsewhere = scripted(pause=0.002), scripted(pause=0.002, name="other"), scripted(name="elsewhere")
    one.endpoint = other.endpoint = "http://example.org"
    one.concurrency, other.concurrency = 8, 2

    async def main():
        channels = Channels()
        first, second = channels.open(one), channels.open(other)
        assert first.places is second.places
        assert channels.open(elsewhere).places is not first.places
        await asyncio.gather(*(c.ask(request(f"q{i}")) for i in range(20) for c in (first, second)))
        return first.places.concurrency

    assert asyncio.run(main()) == 2
    assert one.most <= 2
    assert other.most <= 2


@pytest.mark.parametrize(("wished", "expected"), [(None, CONCURRENCY), (5, 5), (0, CONCURRENCY), ("many", CONCURRENCY)])
def test_a_target_says_how_many_calls_it_takes(scripted, wished, expected):
    target = scripted()
    if wished is not None:
        target.concurrency = wished
    assert Channels().open(target).places.concurrency == expected
    assert Channels().open(target, concurrency=3).places.concurrency == 3


@pytest.mark.parametrize("concurrency", [0, -1])
def test_no_concurrency_is_refused(scripted, concurrency):
    with pytest.raises(UsageError, match="1 or more"):
        Channels().open(scripted(), concurrency=concurrency)


def test_whoever_opens_a_channel_again_adds_its_secrets(scripted):
    channels, target = Channels(), scripted(lambda _: "one-key two-key")
    channels.open(target, secrets=("one-key",))
    channel = channels.open(target, secrets=("two-key",))
    said = asyncio.run(channel.ask(request("q"))).reply.text
    assert said == "[redacted:credential] [redacted:credential]"


# ---- targets that call tools -----------------------------------------------------------------------------------


class Conversations:
    """Ask one agent again and again through one cache, each time behind other guards."""

    def __init__(self, path, target):
        self.path, self.target = path, target

    def ask(self, pipeline=None, **fields):
        async def main():
            with ReplyCache(self.path / "c.sqlite") as cache:
                mediation, asked = Mediation(pipeline), request("q", **fields)
                desk = Desk(asked, mediation)
                answered = await Channel(self.target, cache=cache).ask(
                    asked,
                    tools=desk,
                    mediators=mediation.digest,
                    accept=desk.comes_out_the_same if mediation.digest else None,
                )
                return answered, desk

        return asyncio.run(main())


@pytest.fixture
def conversations(tmp_path):
    return lambda target: Conversations(tmp_path, target)


def kinds(events):
    return [type(event) for event in events]


def test_a_kept_trajectory_comes_with_its_calls_and_runs_no_tool_again(agent, conversations):
    target = agent()
    asking = conversations(target)
    cold, _ = asking.ask()
    warm, _ = asking.ask()
    assert (cold.cached, warm.cached) == (False, True)
    assert cold.events == warm.events
    assert kinds(warm.events) == [Called, Returned]
    assert (cold.reply, cold.identity) == (warm.reply, warm.identity)
    assert (target.asked, len(target.ran)) == (1, 1)


def test_a_bare_trajectory_holds_behind_guards_that_find_nothing_in_it(agent, conversations, word, piped):
    target = agent()
    asking = conversations(target)
    asking.ask()
    warm, desk = asking.ask(piped(word("zzz", "block")))
    assert warm.cached
    assert kinds(desk.events) == [Called, Returned]
    assert target.asked == 1


@pytest.mark.parametrize("found", ["abc", "value of"])
def test_where_guards_would_interfere_the_target_is_asked_again_and_kept_apart(
    agent, conversations, word, piped, found
):
    target = agent()
    asking = conversations(target)
    bare, _ = asking.ask()
    blocking = piped(word(found, "block"))
    cold, _ = asking.ask(blocking)
    assert not cold.cached
    assert cold.reply != bare.reply
    warm, _ = asking.ask(blocking)
    assert warm.cached
    assert (warm.reply, warm.events) == (cold.reply, cold.events)
    # Other guards are other mediators: what was kept apart is not theirs.
    other, _ = asking.ask(piped(word("zzz", "block"), word(found, "replace")))
    assert not other.cached
    # And nobody's guards change what the bare target said.
    again, _ = asking.ask()
    assert (again.cached, again.reply, again.events) == (True, bare.reply, bare.events)
    assert target.asked == 3


def test_what_guards_of_another_run_noted_is_no_part_of_a_kept_trajectory(agent, conversations, word, piped):
    target = agent()
    asking = conversations(target)
    watching = piped(word("abc", "block"), shadow=True)
    _, first = asking.ask(watching)
    warm, second = asking.ask(watching)
    assert kinds(first.events) == [GuardEvent, Called, GuardEvent, Returned]
    assert second.events == first.events
    assert warm.cached
    bare, _ = asking.ask()
    assert (bare.cached, kinds(bare.events)) == (True, [Called, Returned])
    assert target.asked == 1


def test_a_tool_that_failed_is_part_of_a_kept_trajectory(agent, conversations):
    async def fail(_):
        raise ValueError("no")

    asking = conversations(agent(run=fail))
    cold, _ = asking.ask()
    warm, _ = asking.ask()
    assert warm.cached
    assert kinds(warm.events) == kinds(cold.events) == [Called, Failed, Returned]


def test_a_kept_trajectory_belongs_to_the_turn_it_is_replayed_in(agent, conversations, word, piped):
    asking = conversations(agent())
    quiet = piped(word("zzz"))
    asking.ask(quiet, turn=1)
    _, desk = asking.ask(quiet, turn=4)
    assert {event.turn for event in desk.events} == {4}


def test_a_sampling_agent_that_was_asked_again_stays_as_it_answered_then(agent, conversations, word, piped):
    # The first answer calls with a word that guards stop; asked again, it calls with another one.
    target = agent(ToolCall("c", "lookup", {"key": "bad"}))
    asking = conversations(target)
    asking.ask()
    target.call = ToolCall("c", "lookup", {"key": "good"})
    guards = piped(word("bad", "block"))
    cold, _ = asking.ask(guards)
    warm, _ = asking.ask(guards)
    assert (cold.cached, warm.cached, warm.reply) == (False, True, cold.reply)
    assert target.asked == 2


def test_a_bare_result_without_calls_is_any_guards_too(scripted, tmp_path):
    target = scripted()

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            for mediators in (b"", b"one", b"two"):
                await Channel(target, cache=cache).ask(request("q"), mediators=mediators)

    asyncio.run(main())
    assert target.asked.total() == 1


def test_tool_results_of_a_reply_survive_the_cache(scripted, tmp_path):
    trajectory = Reply(
        messages=(
            Message("assistant", (ToolCall("1", "f", {"a": [1.5, None]}),)),
            Message("tool", (ToolResult("1", "f", "x", is_error=True),)),
            say("assistant", "done"),
        ),
        finish="tool_calls",
    )
    target = scripted(lambda _: trajectory)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            return [(await Channel(target, cache=cache).ask(request("q"))).reply for _ in range(2)]

    assert asyncio.run(main()) == [trajectory, trajectory]
