from __future__ import annotations

import asyncio

import pytest

from shipworthy.core.digests import digest
from shipworthy.core.errors import LimitReached, PolicyRefused, TargetError
from shipworthy.core.events import Approval, Asked, Called, Failed, GuardEvent, PolicyEvent, Returned, StateChanged
from shipworthy.core.records import Request, ToolCall, ToolResult, ToolSpec, say
from shipworthy.enforce.pipeline import WITHHELD
from shipworthy.exchange.desk import REFUSED, Desk, Mediation, looked

CALL = ToolCall("c1", "lookup", {"key": "abc"})
REQUEST = Request(messages=(say("user", "q"),), turn=3)


class Policy:
    """Says what a test wants; raises it where it is an exception."""

    def __init__(self, verdict):
        self.verdict, self.asked = verdict, []

    def describe(self):
        return {"policy": str(self.verdict)}

    async def decide(self, call, request):
        self.asked.append(call)
        if isinstance(self.verdict, BaseException):
            raise self.verdict
        return PolicyEvent(0, "?", self.verdict, "PL-1") if isinstance(self.verdict, str) else self.verdict


class Person:
    def __init__(self, word):
        self.word, self.asked = word, []

    async def approve(self, call, asked):
        self.asked.append((call, asked.verdict))
        if isinstance(self.word, BaseException):
            raise self.word
        return Approval(0, "?", "ana", self.word) if isinstance(self.word, bool) else self.word


class Safe:
    """A world with one number in it."""

    specs = (ToolSpec("put", "Put a number in."), ToolSpec("look", "Look at it."), ToolSpec("jam", "Break it."))

    def __init__(self):
        self.number, self.jammed, self.ran = 0, False, []

    def digest(self):
        if self.jammed:
            raise OSError("jammed")
        return digest(self.number)

    def facts(self):
        return {"number": self.number}

    async def run(self, call):
        self.ran.append(call.name)
        if call.name == "put":
            self.number = call.arguments["n"]
        self.jammed = call.name == "jam"
        return str(self.number)


ran: list[ToolCall] = []


async def tool(call):
    ran.append(call)
    return f"value of {call.arguments.get('key')}"


@pytest.fixture(autouse=True)
def _nothing_ran():
    ran.clear()


def make(call=CALL, run=tool, *, world=None, **mediation):
    desk = Desk(REQUEST, Mediation(**mediation), world)
    return asyncio.run(desk.call(call, run)), desk


def kinds(desk):
    return [type(event) for event in desk.events]


def test_a_call_is_made_and_recorded_in_its_turn():
    result, desk = make()
    assert result == ToolResult("c1", "lookup", "value of abc")
    assert desk.events == [Called(3, CALL), Returned(3, result)]
    assert desk.seconds.keys() == {1}
    assert (desk.mediated, ran) == (False, [CALL])


@pytest.mark.parametrize(("verdict", "made"), [("allow", True), ("deny", False), ("ask", False), ("stop", False)])
def test_the_policy_decides_before_the_tool_runs(verdict, made):
    policy = Policy(verdict)
    if verdict == "stop":
        with pytest.raises(PolicyRefused, match="PL-1"):
            make(policy=policy)
    else:
        result, desk = make(policy=policy)
        assert result.is_error == (not made)
        assert (result.text == REFUSED) == (not made)
        assert desk.mediated == (not made)
        assert desk.events[0] == PolicyEvent(3, "c1", verdict, "PL-1")  # turn and call are ours to say
        assert isinstance(desk.events[-1], Returned)
    assert bool(ran) == made


def test_why_a_call_was_refused_is_on_the_record_and_not_in_the_answer():
    result, desk = make(policy=Policy(PolicyEvent(0, "", "deny", "PL-secret", "because of the canary")))
    assert "canary" not in result.text + result.name
    assert desk.events[0].reason == "because of the canary"


BROKEN = [
    ValueError("no"),
    SystemExit(3),
    asyncio.CancelledError(),
    None,
    True,
    PolicyEvent(0, "", "Allow"),
    PolicyEvent(0, "", None),
    Approval(0, "", "ana", "yes"),
    Approval(0, "", "ana", 1),
    Approval(0, "", None, True),
]


@pytest.mark.parametrize("word", [word for word in BROKEN if not isinstance(word, Approval)], ids=repr)
def test_a_policy_that_breaks_lets_nothing_pass(word):
    result, desk = make(policy=Policy(word))
    assert (result.is_error, ran) == (True, [])
    assert kinds(desk) == [Failed, Returned]
    assert desk.events[0].role == "policy"


def test_a_policy_that_is_no_coroutine_lets_nothing_pass():
    class Plain(Policy):
        def decide(self, call, request):
            raise ZeroDivisionError

    result, desk = make(policy=Plain("allow"))
    assert (result.is_error, ran, desk.events[0].kind) == (True, [], "ZeroDivisionError")


@pytest.mark.parametrize(
    "word", [word for word in BROKEN if not isinstance(word, PolicyEvent) and word is not True], ids=repr
)
def test_an_approver_that_breaks_has_said_no(word):
    result, desk = make(policy=Policy("ask"), approver=Person(word))
    assert (result.is_error, ran) == (True, [])
    assert kinds(desk) == [PolicyEvent, Failed, Approval, Returned]
    assert desk.events[2] == Approval(3, "c1", "nobody", granted=False, reason="there was no answer")


def test_an_approver_who_never_answers_has_said_no():
    class Asleep(Person):
        async def approve(self, call, asked):
            await asyncio.Event().wait()

    result, desk = make(policy=Policy("ask"), approver=Asleep(True), patience_s=0.01)
    assert (result.is_error, ran) == (True, [])
    assert [type(event) for event in desk.events] == [PolicyEvent, Failed, Approval, Returned]
    assert (desk.events[1].role, desk.events[1].kind) == ("policy", "TimeoutError")
    assert not desk.events[2].granted


def test_an_approver_who_answers_twice_has_said_nothing():
    both = (Approval(0, "c1", "ana", True), Approval(0, "c1", "ana", False))
    result, desk = make(policy=Policy("ask"), approver=Person(both))
    assert (result.is_error, ran) == (True, [])
    assert [event.granted for event in desk.events if isinstance(event, Approval)] == [False]


@pytest.mark.parametrize("granted", [True, False])
def test_a_person_decides_where_the_policy_asks(granted):
    person = Person(granted)
    result, desk = make(policy=Policy("ask"), approver=person)
    assert person.asked == [(CALL, "ask")]
    assert bool(ran) == granted
    assert result.is_error == (not granted)
    assert desk.events[1] == Approval(3, "c1", "ana", granted)


class Knows(Policy):
    """Asks about every call but those whose arguments it has a word for."""

    def __init__(self, words):
        super().__init__("ask")
        self.words = words

    async def decide(self, call, request):
        self.asked.append(call)
        return PolicyEvent(0, "?", self.words.get(call.arguments.get("q"), "ask"), "PL-1")


def changed_by_a_person(word):
    person = Person(Approval(0, "?", "ana", True, arguments={"q": "theirs"}))
    return Knows({"theirs": word}), person


@pytest.mark.parametrize(("word", "runs"), [("allow", True), ("ask", True), ("deny", False)])
def test_the_arguments_of_a_person_are_decided_over_like_any(word, runs):
    policy, person = changed_by_a_person(word)
    result, desk = make(policy=policy, approver=person)
    assert [call.arguments.get("q") for call in policy.asked][1:] == ["theirs"]
    assert bool(ran) == runs and result.is_error == (not runs)
    assert [event.verdict for event in desk.events if isinstance(event, PolicyEvent)] == ["ask", word]
    assert len(person.asked) == 1, "nobody is asked twice"


def test_the_arguments_of_a_person_may_stop_the_attempt():
    policy, person = changed_by_a_person("stop")
    with pytest.raises(PolicyRefused, match="PL-1"):
        make(policy=policy, approver=person)
    assert ran == []


class BreaksLater(Policy):
    async def decide(self, call, request):
        if self.asked:
            raise ValueError("a rule of the second call")
        return await super().decide(call, request)


def test_a_policy_that_breaks_on_the_arguments_of_a_person_refuses_them():
    person = Person(Approval(0, "?", "ana", True, arguments={"q": "theirs"}))
    result, desk = make(policy=BreaksLater("ask"), approver=person)
    assert (result.is_error, ran) == (True, [])
    assert [type(event) for event in desk.events] == [PolicyEvent, Approval, Failed, Returned]


def test_nobody_is_asked_where_the_policy_does_not_ask():
    person = Person(True)
    for verdict in ("allow", "deny"):
        make(policy=Policy(verdict), approver=person)
    assert person.asked == []


def test_with_nobody_there_the_answer_is_no():
    result, desk = make(policy=Policy("ask"))
    assert (result.is_error, ran) == (True, [])
    assert (desk.events[1].by, desk.events[1].granted) == ("nobody", False)


def test_a_guard_edits_a_call_before_the_tool_and_the_policy_see_it(word, piped):
    policy = Policy("allow")
    result, desk = make(pipeline=piped(word("abc", "replace", ("tool_call",))), policy=policy)
    assert ran[0].arguments == policy.asked[0].arguments == {"key": "<r>"}
    assert result.text == "value of <r>"
    assert kinds(desk) == [GuardEvent, PolicyEvent, Called, Returned]
    assert {event.turn for event in desk.events} == {3}
    assert desk.mediated
    assert desk.guard_seconds > 0


def test_a_call_that_a_guard_blocks_never_runs(word, piped):
    policy = Policy("allow")
    result, desk = make(pipeline=piped(word("abc", "block", ("tool_call",))), policy=policy)
    assert (result.text, result.is_error, ran, policy.asked) == (REFUSED, True, [], [])
    assert kinds(desk) == [GuardEvent, Returned]


def test_a_result_that_a_guard_blocks_is_withheld(word, piped):
    result, desk = make(pipeline=piped(word("value", "block", ("retrieved",))))
    assert (result.text, len(ran)) == (WITHHELD, 1)
    assert "value" not in repr(desk.events[-1])
    assert desk.mediated


def test_a_tool_that_raises_is_a_result_that_does_not_say_why():
    for error in (ValueError("my password is hunter2"), SystemExit(1), asyncio.CancelledError("inside")):

        async def fail(_, error=error):
            raise error

        result, desk = make(run=fail, scrub=lambda text: text.replace("hunter2", "[redacted]"))
        assert (result.is_error, result.id) == (True, "c1")
        assert "password" not in result.text
        assert kinds(desk) == [Called, Failed, Returned]
        assert (desk.events[1].role, desk.events[1].kind) == ("tool", type(error).__name__)
        assert "hunter2" not in repr(desk.events)


def test_cancelling_the_run_is_not_a_failure_of_the_tool():
    async def slow(_):
        await asyncio.sleep(60)

    async def main():
        desk = Desk(REQUEST, Mediation())
        task = asyncio.create_task(desk.call(CALL, slow))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return desk

    assert kinds(asyncio.run(main())) == [Called]


def test_a_limit_reached_in_a_tool_a_policy_or_an_approver_passes():
    async def spend(_):
        raise LimitReached("spent")

    for fields in (
        {"run": spend},
        {"policy": Policy(LimitReached("spent"))},
        {"policy": Policy("ask"), "approver": Person(LimitReached("spent"))},
    ):
        with pytest.raises(LimitReached):
            make(**fields)


@pytest.mark.parametrize("given", [ToolResult("other", "name", "text", True), ToolResult(None, None, 5), 5, None])
def test_what_a_tool_gives_becomes_the_answer_to_this_call(given):
    async def odd(_):
        return given

    result, _ = make(run=odd)
    assert (result.id, result.name) == ("c1", "lookup")
    assert isinstance(result.text, str)
    assert result.is_error == (getattr(given, "is_error", False) is True)


def test_an_unknown_tool_is_said_and_nothing_runs():
    safe = Safe()
    result, desk = make(run=None, world=safe)
    assert (result.is_error, safe.ran) == (True, [])
    assert "put, look" in result.text
    assert kinds(desk) == [Called, Returned]
    assert "none" in make(run=None)[0].text


@pytest.mark.parametrize(
    "call",
    ["lookup", None, ToolCall("1", "f", {"a": object()}), ToolCall("1", "f", {1: 2}), ToolCall(1, "f"),
     ToolCall("1", "f", ["a"])],
)  # fmt: skip
def test_a_call_that_no_record_can_hold_is_the_targets_failure(call):
    with pytest.raises(TargetError):
        make(call)
    assert ran == []


def test_the_record_says_how_the_world_changed_and_only_if_it_did():
    safe = Safe()
    _, put = make(ToolCall("1", "put", {"n": 7}), None, world=safe)
    _, look = make(ToolCall("2", "look", {}), None, world=safe)
    assert kinds(put) == [Called, StateChanged, Returned]
    assert put.events[1] == StateChanged(3, digest(0), digest(7), {"number": 7})
    assert kinds(look) == [Called, Returned]
    assert look.events[1].result.text == "7"


def test_a_tool_of_the_targets_own_is_not_the_worlds():
    safe = Safe()
    result, _ = make(ToolCall("1", "put", {"n": 7}), tool, world=safe)
    assert (safe.ran, result.text) == ([], "value of None")


def test_a_world_that_cannot_be_looked_at_is_not_acted_on():
    safe = Safe()
    _, jam = make(ToolCall("1", "jam", {}), None, world=safe)
    assert kinds(jam) == [Called, Failed, Returned]
    result, put = make(ToolCall("1", "put", {"n": 7}), None, world=safe)
    assert (safe.number, result.is_error) == (0, True)
    assert put.events[1].role == "tool"


def test_calls_at_one_time_are_all_on_the_record():
    async def slow(call):
        await asyncio.sleep(0.01 if call.id == "0" else 0)
        return call.id

    async def main():
        desk = Desk(REQUEST, Mediation())
        return await asyncio.gather(*(desk.call(ToolCall(str(i), "f"), slow) for i in range(3))), desk

    results, desk = asyncio.run(main())
    assert [r.text for r in results] == ["0", "1", "2"]
    assert [e.call.id for e in desk.events if isinstance(e, Called)] == ["0", "1", "2"]
    assert [e.result.id for e in desk.events if isinstance(e, Returned)] == ["1", "2", "0"]
    assert all(isinstance(desk.events[place], Returned) for place in desk.seconds)


# ---- in an exchange --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("swallow", [False, True])
def test_a_stop_ends_the_attempt_even_if_the_target_swallows_it(agent, opened, swallow):
    exchange = opened(agent(swallow=swallow), mediation=Mediation(policy=Policy("stop")))

    async def main():
        with pytest.raises(PolicyRefused) as caught:
            await exchange.ask("q")
        assert caught.value is exchange.stopped
        with pytest.raises(PolicyRefused):  # and nothing comes after it
            await exchange.ask("another")

    asyncio.run(main())
    failures = [event for event in exchange.events if isinstance(event, Failed)]
    assert [(f.role, f.kind) for f in failures] == [("policy", "PolicyRefused")]
    assert exchange.failure is None  # no failure of the system under test
    assert not any(isinstance(event, Asked | Called) for event in exchange.events)


@pytest.mark.parametrize("swallow", [False, True])
def test_a_limit_at_the_desk_ends_the_attempt_even_if_the_target_swallows_it(agent, opened, swallow):
    exchange = opened(agent(swallow=swallow), mediation=Mediation(policy=Policy(LimitReached("spent"))))
    with pytest.raises(LimitReached):
        asyncio.run(exchange.ask("q"))
    assert exchange.limit is not None


def test_a_tool_is_not_called_after_the_answer(agent, opened):
    class Late(agent):
        async def send(self, request, tools):
            self.tools = tools
            return await super().send(request, tools)

    target = Late()

    async def main():
        await opened(target).ask("q")
        with pytest.raises(TargetError, match="after the answer"):
            await target.tools.call(CALL, target.look_up)

    asyncio.run(main())
    assert len(target.ran) == 1


def test_a_worlds_tools_are_offered_and_its_answers_never_kept(agent, opened, tmp_path):
    from shipworthy.exchange.cache import ReplyCache

    class Puts(agent):
        async def send(self, request, tools):
            self.offered = [spec.name for spec in request.tools], [spec.name for spec in tools.specs]
            self.run = None
            await tools.call(ToolCall("1", "put", {"n": 7}))
            return await super().send(request, tools)

    target, worlds = Puts(ToolCall("2", "look", {})), [Safe(), Safe()]
    target.look_up = None

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            for world in worlds:
                await opened(target, cache=cache, world=world).ask("q")

    asyncio.run(main())
    assert target.offered == (["put", "look", "jam"],) * 2
    assert [world.number for world in worlds] == [7, 7]  # a kept answer would have changed only the first


def test_only_a_call_that_can_be_told_from_all_others_counts_as_looked_at() -> None:
    def refused(id: str) -> Returned:
        return Returned(1, ToolResult(id, "f", REFUSED, is_error=True))

    guard = GuardEvent("GD-1", "tool_call", "word", "block")
    one, two, bare = (Called(1, ToolCall(id, "f", {})) for id in ("1", "2", ""))
    assert looked([one, Returned(1, ToolResult("1", "f", "x"))]) == {"1": one.call}
    assert looked([guard, refused("3")]) == {"3": None}
    # The policy refused it: what guards would make of it is not recorded.
    assert looked([PolicyEvent(1, "3", "deny"), refused("3")]) == {}
    assert looked([one, two, two, bare]) == {"1": one.call}
    assert looked([guard, refused("1"), one]) == {}
