from __future__ import annotations

import asyncio
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import AttackError, LimitReached, ScorerError, TargetError, TargetTimeout, UsageError
from shipworthy.core.events import Asked, Called, Chosen, Failed, GuardEvent, Retrieved, Returned, Rewound, Said
from shipworthy.core.records import (
    Attempt,
    Document,
    Image,
    Message,
    Reply,
    Text,
    ToolCall,
    ToolResult,
    answer,
    conversation,
    say,
)
from shipworthy.enforce.pipeline import WITHHELD
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.cache import ReplyCache
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation

BLOCK = "I can't help with that."


def run(*turns):
    """Run asks one after the other."""

    async def main():
        return [await turn for turn in turns]

    return asyncio.run(main())


def texts(exchange):
    return [said.message.text for said in conversation(exchange.events)]


def attempt(exchange):
    return Attempt(
        id="AT-0", suite="s", sample="S", attack="none", number=1, cluster="S", seed=1, content_hash="",
        outcome="scored", events=tuple(exchange.events),
    )  # fmt: skip


def sampling(request):
    """An answer that depends on the seed, as a sampling model's does."""
    said = "|".join(message.text for message in request.messages)
    return sha256(f"{request.seed}:{said}".encode("utf-8", "replace")).hexdigest()[:12]


def events_of(exchange, kind):
    return [event for event in exchange.events if isinstance(event, kind)]


# ---- what an asker passes, and what the exchange fills in ------------------------------------------------------


def test_an_asker_passes_messages_and_the_exchange_fills_in_the_rest(scripted, opened):
    target = scripted()
    exchange = opened(target, seed=7, user="ana", documents=(Document("d", "text"),), session="AT-1")
    run(exchange.ask("hello"))
    (sent,) = target.requests
    assert (sent.seed, sent.user, sent.session, sent.turn) == (7, "ana", "AT-1", 1)
    assert (sent.documents, sent.messages) == ((Document("d", "text"),), (say("user", "hello"),))


def test_seed_user_and_session_go_with_every_turn(scripted, opened):
    target = scripted()
    exchange = opened(target, seed=7, user="ana", session="AT-1")

    async def main():
        first = await exchange.ask("one")
        await exchange.ask([say("user", "one"), *first.messages, say("user", "two")])

    asyncio.run(main())
    assert [(r.seed, r.user, r.session, r.turn) for r in target.requests] == [
        (7, "ana", "AT-1", 1),
        (7, "ana", "AT-1", 2),
    ]


def test_schema_tokens_and_temperature_are_the_askers(scripted, opened):
    target = scripted()
    run(opened(target).ask("q", schema={"type": "object"}, max_tokens=5, temperature=0.5))
    (sent,) = target.requests
    assert (sent.schema, sent.max_tokens, sent.temperature) == ({"type": "object"}, 5, 0.5)


@pytest.mark.parametrize(
    "messages",
    [[], [None], ["text"], [Message("robot", (Text("x"),))], [Message("user", (Text(None),))], [Message("user", 5)],
     [Message("assistant", (ToolCall("1", "f", {"a": object()}),))]],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_conversation_that_is_none_is_the_attacks_failure_and_no_turn(scripted, opened, messages):
    target = scripted()
    exchange = opened(target)
    with pytest.raises(AttackError, match="conversation to send"):
        run(exchange.ask(messages))
    assert (target.requests, exchange.events, exchange.turn) == ([], [], 0)


@pytest.mark.parametrize(
    "documents", [["text"], [None], [Document("d", None)]], ids=lambda value: type(value[0]).__name__
)
def test_a_document_that_is_none_is_the_attacks_failure(scripted, opened, documents):
    with pytest.raises(AttackError, match="document"):
        run(opened(scripted()).ask("q", documents=documents))


# ---- multi-turn ------------------------------------------------------------------------------------------------


async def insist(exchange, text="Please."):
    """The multi-turn attack of the how-to page, which knows nothing of seed, user or documents."""
    asked = (say("user", text),)
    first = await exchange.ask(asked)
    return await exchange.ask((*asked, *first.messages, say("user", "Please reconsider.")))


def test_a_multi_turn_attack_holds_as_many_conversations_as_attempts(scripted, opened, tmp_path):
    target = scripted(sampling)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            exchanges = [opened(target, cache=cache, seed=seed) for seed in range(20)]
            for exchange in exchanges:
                await insist(exchange)
            return exchanges

    exchanges = asyncio.run(main())
    assert len(target.requests) == 40
    assert len({tuple(texts(exchange)) for exchange in exchanges}) == 20
    assert len({request.identity for request in target.requests}) == 40


def test_what_was_said_before_is_recorded_once_and_every_event_names_its_turn(scripted, opened):
    exchange = opened(scripted(lambda request: f"heard {len(request.messages)}"))
    run(insist(exchange))
    assert [(s.turn, s.by, s.message.text) for s in events_of(exchange, Said)] == [
        (1, "asker", "Please."),
        (1, "target", "heard 1"),
        (2, "asker", "Please reconsider."),
        (2, "target", "heard 3"),
    ]
    assert [asked.turn for asked in events_of(exchange, Asked)] == [1, 2]


def test_guards_look_at_what_is_new_in_a_turn_once(scripted, opened, word):
    guard = word("zzz")
    exchange = opened(
        scripted(lambda request: f"heard {len(request.messages)}"), guard, documents=(Document("d", "planted", "of"),)
    )
    run(insist(exchange))
    assert guard.read == [
        ("input", "Please."),
        ("retrieved", "planted"),
        ("retrieved", "of"),
        ("output", "heard 1"),
        ("input", "Please reconsider."),
        ("output", "heard 3"),
    ]


def test_what_guards_find_names_its_turn(scripted, opened, word):
    exchange = opened(scripted(), word("reconsider", "allow"), word("yes", "allow"))
    run(insist(exchange))
    assert [(e.turn, e.stage) for e in events_of(exchange, GuardEvent)] == [(1, "output"), (2, "input"), (2, "output")]


def test_what_was_blocked_in_one_turn_reaches_the_target_in_none(scripted, opened, word):
    target = scripted()
    exchange = opened(target, word("evil", "block", ("input",)))

    async def main():
        asked = (say("system", "Be kind."), say("user", "evil plan"))
        first = await exchange.ask(asked)
        second = await exchange.ask((*asked, *first.messages, say("user", "and now?")))
        return first, second

    first, second = asyncio.run(main())
    assert (first.text, second.text) == (BLOCK, "yes")
    (sent,) = target.requests
    assert [m.text for m in sent.messages] == ["Be kind.", WITHHELD, BLOCK, "and now?"]
    # The record holds what the asker said.
    assert texts(exchange) == ["Be kind.", "evil plan", BLOCK, "and now?", "yes"]


def test_what_was_edited_reaches_the_target_edited_in_every_turn(scripted, opened, word):
    target = scripted()
    run(insist(opened(target, word("Please", "replace", ("input",)))))
    assert [m.text for m in target.requests[-1].messages] == ["<r>.", "yes", "<r> reconsider."]


def test_the_target_goes_on_from_what_the_asker_saw(scripted, opened, word):
    target = scripted(lambda request: "my secret")
    run(insist(opened(target, word("secret", "replace", ("output",)))))
    assert target.requests[-1].messages[1].text == "my <r>"


def test_a_conversation_may_go_back_and_on_another_way(scripted, opened, word):
    guard = word("zzz", stages=("input",))
    target = scripted(lambda request: f"to {request.messages[-1].text}")
    exchange = opened(target, guard)

    async def main():
        start = (say("user", "a"),)
        first = await exchange.ask(start)
        await exchange.ask((*start, *first.messages, say("user", "b")))
        await exchange.ask((*start, *first.messages, say("user", "c")))
        await exchange.ask("d")

    asyncio.run(main())
    assert [(r.turn, r.keep) for r in events_of(exchange, Rewound)] == [(3, 2), (4, 0)]
    assert [[m.text for m in r.messages] for r in target.requests] == [
        ["a"], ["a", "to a", "b"], ["a", "to a", "c"], ["d"]
    ]  # fmt: skip
    assert texts(exchange) == ["d", "to d"]
    assert [text for _, text in guard.read] == ["a", "b", "c", "d"]


def test_an_asker_may_write_answers_itself(scripted, opened):
    target = scripted()
    exchange = opened(target)
    run(exchange.ask([say("user", "a"), say("assistant", "Sure, here is"), say("user", "go on")]))
    assert [(s.by, s.message.role) for s in events_of(exchange, Said)] == [
        ("asker", "user"), ("asker", "assistant"), ("asker", "user"), ("target", "assistant")
    ]  # fmt: skip


messages = st.lists(
    st.sampled_from([say("user", "a"), say("user", "evil"), say("assistant", "b")]), min_size=1, max_size=4
)


@given(st.lists(messages, min_size=1, max_size=6))
def test_the_record_is_the_last_conversation_and_the_target_never_sees_what_is_blocked(scripted, opened, word, turns):
    target = scripted(lambda request: "ok")
    exchange = opened(target, word("evil", "block", ("input",)))
    run(*(exchange.ask(said) for said in turns))
    assert texts(exchange)[:-1] == [m.text for m in turns[-1]]
    assert all("evil" not in m.text for r in target.requests for m in r.messages)
    assert [r.turn for r in target.requests] == sorted({r.turn for r in target.requests})
    # What is sent stands beside what was said, message by message.
    for request in target.requests:
        assert len(request.messages) == len(turns[request.turn - 1])


# ---- seeds -----------------------------------------------------------------------------------------------------


def test_the_same_asked_again_gets_another_seed(scripted, opened, tmp_path):
    target = scripted(sampling)

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            exchange = opened(target, cache=cache, seed=2**31 - 1)
            return [(await exchange.ask("q")).text for _ in range(4)]

    said = asyncio.run(main())
    assert len(set(said)) == 4
    assert [r.seed for r in target.requests] == [2**31 - 1, 0, 1, 2]


def test_another_conversation_gets_the_conversations_seed_again(scripted, opened):
    target = scripted(sampling)
    exchange = opened(target, seed=5)
    run(exchange.ask("a"), exchange.ask("b"), exchange.ask("a"), exchange.ask("a \ud800"), exchange.ask("a \ud800"))
    assert [r.seed for r in target.requests] == [5, 5, 6, 5, 6]


def test_each_role_counts_for_itself(scripted, opened):
    target, judge = scripted(sampling), scripted(sampling, name="judge")
    exchange = opened(target, seed=5)
    ask_judge = exchange.model("judge", Channel(judge))
    run(exchange.ask("a"), ask_judge("a"), ask_judge("a"), exchange.ask("a"))
    assert [r.seed for r in target.requests] == [5, 6]
    assert [r.seed for r in judge.requests] == [5, 6]


# ---- documents -------------------------------------------------------------------------------------------------


def test_documents_are_the_samples_unless_an_attack_plants_its_own(scripted, opened):
    target = scripted()
    exchange = opened(target, documents=(Document("s", "sample's"),))
    run(exchange.ask("a"), exchange.ask("b", documents=[Document("p", "planted")]), exchange.ask("c", documents=()))
    assert [[d.id for d in r.documents] for r in target.requests] == [["s"], ["p"], []]


def test_a_document_is_guarded_once_and_withheld_in_every_turn(scripted, opened, word):
    guard, target = word("evil", "block", ("retrieved",)), scripted()
    exchange = opened(target, guard, documents=(Document("bad", "evil"), Document("good", "fine")))
    run(insist(exchange))
    assert [[d.text for d in r.documents] for r in target.requests] == [[WITHHELD, "fine"]] * 2
    assert [text for _, text in guard.read] == ["evil", "fine"]
    assert [e.turn for e in events_of(exchange, GuardEvent)] == [1]


def test_what_was_retrieved_is_on_the_record(scripted, opened):
    found = Document("d", "text", "title")
    exchange = opened(scripted(lambda _: answer("a", retrieved=(found,))))
    run(exchange.ask("q"))
    assert events_of(exchange, Retrieved) == [Retrieved(1, found)]
    assert attempt(exchange).documents == (found,)


# ---- guards ----------------------------------------------------------------------------------------------------


def test_a_request_no_guard_touches_is_the_bare_one_and_needs_no_second_call(scripted, opened, word, tmp_path):
    target = scripted()
    shadow = Mediation()

    async def main():
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            bare, guarded = opened(target, cache=cache), opened(target, word("zzz", "block"), cache=cache)
            for exchange in (bare, guarded, opened(target, cache=cache, mediation=shadow)):
                await insist(exchange)
            return bare, guarded

    bare, guarded = asyncio.run(main())
    assert len(target.requests) == 2
    assert bare.events == guarded.events
    assert all(span.cached for span in guarded.spans)


def test_a_picture_passes_the_guards_unread(scripted, opened, word):
    target, picture = scripted(), Image("image/png", "aGVsbG8=")
    run(opened(target, word("aGVsbG8=", "block")).ask([Message("user", (picture, Text("look")))]))
    assert target.requests[0].messages[0].parts[0] == picture


def test_a_blocked_answer_is_withheld_from_the_conversation_and_on_the_record(scripted, opened, word):
    exchange = opened(scripted(lambda _: "the secret"), word("secret", "block", ("output",)))
    (reply,) = run(exchange.ask("q"))
    assert (reply.text, reply.usage.input_tokens) == (BLOCK, 10)
    assert [(s.message.text, s.withheld) for s in events_of(exchange, Said)] == [
        ("q", False), ("the secret", True), (BLOCK, False)
    ]  # fmt: skip
    made = attempt(exchange)
    assert [m.text for m in made.messages] == ["q", BLOCK]
    assert made.answer == BLOCK


def test_an_edited_answer_keeps_its_original_on_the_record_only(scripted, opened, word):
    exchange = opened(scripted(lambda _: "the secret"), word("secret", "replace", ("output",)))
    (reply,) = run(exchange.ask("q"))
    assert reply.text == attempt(exchange).answer == "the <r>"
    assert [s.message.text for s in events_of(exchange, Said) if s.withheld] == ["the secret"]


def test_an_untouched_answer_is_recorded_once(scripted, opened, word):
    exchange = opened(scripted(), word("zzz"))
    run(exchange.ask("q"))
    assert len(events_of(exchange, Said)) == 2


@pytest.mark.parametrize("action", ["block", "redact", "replace"])
def test_shadow_guards_change_no_byte_of_request_answer_or_conversation(scripted, opened, word, piped, action):
    target, planted = scripted(lambda _: "abc"), (Document("d", "abc"),)
    bare = opened(target, documents=planted)
    shadowed = opened(target, mediation=Mediation(piped(word("abc", action), shadow=True)), documents=planted)
    first, second = run(bare.ask("abc"), shadowed.ask("abc"))
    assert first == second
    assert target.requests[0] == target.requests[1]
    assert texts(bare) == texts(shadowed)
    assert [e.shadow for e in events_of(shadowed, GuardEvent)] == [True] * 3


@pytest.mark.parametrize(("on_error", "said"), [("block", BLOCK), ("allow", "yes")])
def test_a_guard_that_fails_does_what_its_rule_says(scripted, opened, word, piped, on_error, said):
    class Broken(word):
        async def check(self, part, ctx):
            raise RuntimeError("cannot read this")

    target = scripted()
    exchange = opened(target, mediation=Mediation(piped(Broken("x", stages=("input",)), on_error=on_error)))
    (reply,) = run(exchange.ask("q"))
    assert reply.text == said
    assert len(target.requests) == (said == "yes")
    assert [e.action for e in events_of(exchange, GuardEvent)] == [on_error]


def test_a_limit_reached_in_a_guard_ends_the_conversation(scripted, opened, word):
    class Spent(word):
        async def check(self, part, ctx):
            raise LimitReached("spent")

    for stage in ("input", "retrieved", "output"):
        exchange = opened(scripted(), Spent("x", stages=(stage,)), documents=(Document("d", "text"),))
        with pytest.raises(LimitReached):
            run(exchange.ask("q"))
        assert exchange.limit is not None


def test_a_call_in_an_answer_that_a_guard_blocks_is_not_seen(scripted, opened, word):
    call = Message("assistant", (Text("ok"), ToolCall("1", "mail", {"to": "evil"})))
    exchange = opened(
        scripted(lambda _: Reply(messages=(call,), finish="tool_calls")), word("evil", "block", ("tool_call",))
    )
    (reply,) = run(exchange.ask("q"))
    assert (reply.text, reply.tool_calls) == (BLOCK, ())


def test_results_of_an_askers_own_tools_are_guarded_as_retrieved(scripted, opened, word):
    target = scripted()
    exchange = opened(target, word("evil", "block", ("retrieved",)))
    call = ToolCall("1", "f", {})
    result = Message("tool", (ToolResult("1", "f", "evil"),))
    run(exchange.ask([say("user", "q"), Message("assistant", (call,)), result]))
    assert target.requests[0].messages[-1].text == WITHHELD


# ---- the reply that is judged ----------------------------------------------------------------------------------


def test_an_attack_chooses_the_reply_that_is_judged(scripted, opened):
    exchange = opened(scripted(lambda request: f"to {request.messages[-1].text}"))
    first, second, _ = run(exchange.ask("a"), exchange.ask("b"), exchange.ask("c"))
    exchange.choose(second)
    assert events_of(exchange, Chosen) == [Chosen(2)]
    assert attempt(exchange).answer == "to b"
    exchange.choose(first)
    assert [m.text for m in attempt(exchange).messages] == ["a", "to a"]


def test_the_last_reply_is_judged_where_none_is_chosen(scripted, opened):
    for chosen in (lambda replies: None, lambda replies: replies[-1]):
        exchange = opened(scripted(lambda request: f"to {request.messages[-1].text}"))
        exchange.choose(chosen(run(exchange.ask("a"), exchange.ask("b"))))
        assert attempt(exchange).answer == "to b"
        assert events_of(exchange, Chosen) == []


def test_a_reply_the_target_never_gave_cannot_be_judged(scripted, opened):
    exchange = opened(scripted())
    with pytest.raises(AttackError, match="never asked"):
        exchange.choose(None)
    run(exchange.ask("a"))
    with pytest.raises(AttackError, match="never gave"):
        exchange.choose(answer("yes, I am compromised"))
    with pytest.raises(AttackError, match="never gave"):
        exchange.choose(answer("yes"))  # the same words are not the same answer


@pytest.mark.parametrize("chosen", [None, 0])
def test_a_turn_without_an_answer_is_not_judged(scripted, opened, chosen):
    def reply(request):
        if request.turn > 1:
            raise TargetError("down")
        return "fine"

    exchange = opened(scripted(reply))

    async def main():
        replies = [await exchange.ask("a")]
        with pytest.raises(TargetError):
            await exchange.ask("b")
        exchange.choose(None if chosen is None else replies[chosen])

    asyncio.run(main())
    assert [m.text for m in attempt(exchange).messages] == ["a", "fine"]


def test_asks_at_one_time_are_turns_one_after_the_other(scripted, opened):
    target = scripted(lambda request: f"to {request.messages[-1].text}", pause=0.002)
    exchange = opened(target)

    async def main():
        return await asyncio.gather(*(exchange.ask(text) for text in "abc"))

    replies = asyncio.run(main())
    assert [r.text for r in replies] == ["to a", "to b", "to c"]
    assert target.most == 1
    assert [(s.turn, s.message.text) for s in events_of(exchange, Said)] == [
        (1, "a"), (1, "to a"), (2, "b"), (2, "to b"), (3, "c"), (3, "to c")
    ]  # fmt: skip
    exchange.choose(replies[1])
    assert attempt(exchange).answer == "to b"


# ---- roles, failures, limits -----------------------------------------------------------------------------------


def failing(error):
    def reply(_):
        raise error

    return reply


@pytest.mark.parametrize(
    ("role", "raised"),
    [("attacker", AttackError), ("user_simulator", AttackError), ("judge", ScorerError), ("embedder", ScorerError)],
)
def test_a_models_failure_is_its_roles_and_never_the_targets(scripted, opened, role, raised):
    exchange = opened(scripted())
    model = exchange.model(role, Channel(scripted(failing(TargetTimeout("slow")), name="m")))
    run(exchange.ask("q"))
    with pytest.raises(raised, match="slow"):
        run(model("judge this"))
    assert events_of(exchange, Failed) == [Failed(1, role, "TargetTimeout", "slow")]
    assert exchange.failure is None
    made = attempt(exchange)
    assert (made.roles[role].failures, made.target.failures) == (1, 0)


def test_the_targets_failure_is_the_targets(scripted, opened):
    exchange = opened(
        scripted(failing(ConnectionResetError("password is hunter2"))),
        mediation=Mediation(scrub=lambda text: text.replace("hunter2", "[redacted]")),
    )
    with pytest.raises(TargetError) as caught:
        run(exchange.ask("q"))
    assert exchange.failure is caught.value
    (failed,) = events_of(exchange, Failed)
    assert failed.role == "target"
    assert "hunter2" not in failed.message


def test_what_each_role_took_is_counted_apart(scripted, opened):
    exchange = opened(scripted())
    judge = exchange.model("judge", Channel(scripted(lambda _: "safe", name="judge")))
    run(exchange.ask("q"), judge("is it?"), judge("really?"))
    use = attempt(exchange).roles
    assert {role: (u.calls, u.usage.input_tokens) for role, u in use.items()} == {"target": (1, 10), "judge": (2, 20)}
    assert [a.answer for a in events_of(exchange, Asked)] == ["", "safe", "safe"]
    assert texts(exchange) == ["q", "yes"]  # what a judge said is no part of the conversation


def test_a_model_in_another_role_gets_neither_user_nor_documents_nor_guards(scripted, opened, word):
    judge = scripted(name="judge")
    exchange = opened(scripted(), word("evil", "block"), user="ana", documents=(Document("d", "text"),))
    run(exchange.model("judge", Channel(judge))("evil words"))
    assert (judge.requests[0].documents, judge.requests[0].user) == ((), "")
    assert judge.requests[0].messages == (say("user", "evil words"),)


def test_a_model_that_calls_tools_can_only_be_the_system_under_test(scripted, agent, opened):
    with pytest.raises(UsageError, match="judge"):
        opened(scripted()).model("judge", Channel(agent()))


def test_a_limit_passes_every_catch(scripted, opened):
    budget = Budget(Limits(requests=1))
    target, judge = scripted(), scripted(name="judge")
    exchange = opened(Channel(target, budget=budget))
    ask_judge = exchange.model("judge", Channel(judge, budget=budget))

    async def main():
        await exchange.ask("a")
        for ask in (exchange.ask, ask_judge, exchange.ask):
            try:
                await ask("b")
            except Exception as error:
                assert isinstance(error, LimitReached)
        assert exchange.limit is not None

    asyncio.run(main())
    assert (len(target.requests), len(judge.requests)) == (1, 0)
    assert events_of(exchange, Failed) == []  # a limit is nobody's failure


# ---- the record ------------------------------------------------------------------------------------------------


def encoded(exchange):
    return msgspec.json.encode(exchange.events)


async def converse(exchange, judge):
    await insist(exchange)
    await exchange.ask("something else")
    await exchange.model("judge", judge)("well?")


def test_a_record_is_the_same_to_the_byte_with_a_cold_and_a_warm_cache_and_with_none(scripted, opened, word, tmp_path):
    target, judge = scripted(sampling), scripted(name="judge")

    async def main():
        exchanges = []
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            for kept in (cache, cache, None):
                exchange = opened(target, word("a", "replace"), cache=kept, seed=3, documents=(Document("d", "abc"),))
                await converse(exchange, Channel(judge, cache=kept))
                exchanges.append(exchange)
        return exchanges

    cold, warm, bare = asyncio.run(main())
    assert encoded(cold) == encoded(warm) == encoded(bare)
    # Only the clock tells them apart, and it stands elsewhere.
    assert [span.cached for span in cold.spans] == [False] * 4
    assert [(span.event, span.cached, span.seconds) for span in warm.spans] == [
        (index, True, 0.0) for index, event in enumerate(warm.events) if isinstance(event, Asked)
    ]


@pytest.mark.parametrize("action", [None, "allow", "replace", "block"])
@pytest.mark.parametrize("found", ["abc", "value", "look it"])
def test_a_record_with_tools_is_the_same_with_a_cold_and_a_warm_cache(agent, opened, word, tmp_path, action, found):
    def guards():
        return () if action is None else (word(found, action),)

    async def main(cached):
        exchanges = []
        with ReplyCache(tmp_path / "c.sqlite") as cache:
            for _ in range(2):
                exchange = opened(agent(), *guards(), cache=cache if cached else None)
                await exchange.ask("q")
                await exchange.ask("q")
                exchanges.append(exchange)
        return exchanges

    cold, warm = asyncio.run(main(True))
    bare, _ = asyncio.run(main(False))
    assert encoded(cold) == encoded(warm) == encoded(bare)
    assert all(span.cached for span in warm.spans)
    assert events_of(cold, Returned)
    assert bool(events_of(cold, Called)) == ((action, found) != ("block", "abc"))


@pytest.mark.parametrize("action", ["redact", "replace", "block"])
def test_guards_look_at_a_tool_call_once_and_the_asker_sees_it_as_it_was_made(agent, opened, word, action):
    guard = word("abc", action, stages=("tool_call",))
    exchange = opened(target := agent(), guard)
    (reply,) = run(exchange.ask("q"))
    (event,) = events_of(exchange, GuardEvent)
    assert (event.stage, event.action) == ("tool_call", action)
    if action == "block":
        assert (target.ran, events_of(exchange, Called), reply.text) == ([], [], BLOCK)
        return
    assert [call for message in reply.messages for call in message.tool_calls] == target.ran != [target.call]
    withheld = [said.message for said in events_of(exchange, Said) if said.withheld]
    assert [call for message in withheld for call in message.tool_calls] == [target.call]


def test_a_trajectory_is_in_the_order_in_which_it_happened(agent, opened):
    exchange = opened(agent())
    run(exchange.ask("q"))
    assert [type(event) for event in exchange.events] == [Said, Called, Returned, Asked, Said, Said, Said]
    assert [m.role for m in attempt(exchange).messages] == ["user", "assistant", "tool", "assistant"]


def test_private_conversations_leave_no_fingerprint(scripted, opened):
    exchange = opened(scripted(), keep=False)
    run(exchange.ask("q"))
    assert events_of(exchange, Asked)[0].request == ""


def test_time_stands_apart_from_what_happened(scripted, opened, word):
    exchange = opened(scripted(pause=0.01), word("zzz"))
    run(exchange.ask("q"))
    (span,) = exchange.spans
    assert isinstance(exchange.events[span.event], Asked)
    assert span.seconds >= 0.009
    assert 0 < exchange.guard_seconds < span.seconds


def test_the_time_a_tool_took_is_its_results(agent, opened):
    async def slow(call):
        await asyncio.sleep(0.01)
        return "done"

    exchange = opened(agent(run=slow))
    run(exchange.ask("q"))
    returned = [span for span in exchange.spans if isinstance(exchange.events[span.event], Returned)]
    assert [span.seconds >= 0.009 for span in returned] == [True]
