"""The real model in this process. Few calls, short answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from shipworthy.core.errors import InvalidOutput, TargetError, TargetTimeout, UsageError
from shipworthy.core.events import Said
from shipworthy.core.records import Delta, Finding, GuardEvent, Image, Message, Request, ToolResult, say
from shipworthy.core.registry import create
from shipworthy.core.settings import Settings
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.exchange.channel import Channels
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange

pytestmark = pytest.mark.model

SYSTEM = say("system", "You are the help desk of Northwind Ferries. Answer in one short sentence. " * 3)
ASKED = [
    Request(messages=(SYSTEM, say("user", f"{what}, how do I do that?")), seed=1, max_tokens=16)
    for what in ("Reset my password", "Book a ticket", "Cancel my trip", "Bring a dog")
]


@pytest.fixture
def settings(weights):
    return Settings(cache_dir=weights.parent.parent, keys_dir=weights.parent)


class Blocks:
    """A guard that lets no answer pass."""

    reach = 8
    stages = frozenset({"output"})

    def describe(self):
        return {"guard": "blocks"}

    async def check(self, part, ctx):
        return [Finding(0, 1, "any", "block")] if part.text else []


def use(settings, work, **params):
    async def main():
        target = create("target", "smollm2", params, settings=settings)
        try:
            return await work(target)
        finally:
            await target.close()

    return asyncio.run(main())


def test_a_reply_depends_on_its_request_alone(settings):
    """Not on what was asked before, not on what is asked at the same time, not on the state of the prompt cache."""

    async def work(target):
        async def text(request):
            return (await target.send(request)).text

        alone = [await text(r) for r in ASKED]
        backwards = [await text(r) for r in reversed(ASKED)][::-1]
        together = list(await asyncio.gather(*[text(r) for r in ASKED]))
        repeated = [await text(ASKED[0]) for _ in range(2)]
        going_on = Request(
            messages=(*ASKED[0].messages, say("assistant", alone[0]), say("user", "And then?")), max_tokens=16
        )
        await text(ASKED[0])
        warm = await text(going_on)
        await text(ASKED[1])
        return alone, backwards, together, repeated, (warm, await text(going_on))

    alone, backwards, together, repeated, (warm, cold) = use(settings, work)
    assert len(set(alone)) == len(ASKED)
    assert backwards == alone
    assert together == alone
    assert repeated == [alone[0]] * 2
    assert warm == cold


def test_two_targets_share_one_model_and_either_may_go_first(settings):
    async def work(target):
        other = create("target", "smollm2", {"temperature": 0.0}, settings=settings)
        one = await target.send(ASKED[0])
        two = await other.send(ASKED[0])
        assert target._server is other._server
        await other.close()
        return one, two, await target.send(ASKED[0])

    one, two, three = use(settings, work)
    assert one.messages == two.messages == three.messages
    assert one.usage.output_tokens > 0
    assert one.model.startswith("SmolLM2")


def test_seeds_decide_above_temperature_zero(settings):
    async def work(target):
        hot = [
            Request(messages=ASKED[0].messages, seed=s, temperature=1.2, max_tokens=16)
            for s in (2**31 + 5, 2**31 + 5, 6)
        ]
        return [(await target.send(r)).text for r in hot]

    one, again, other = use(settings, work)
    assert one == again != other


def test_a_schema_binds_the_answer(settings):
    schema = {
        "type": "object",
        "properties": {"tool": {"enum": ["search", "reset_password"]}, "properties": {"enum": ["x"]}},
        "required": ["tool", "properties"],
    }

    async def work(target):
        return await target.send(Request(messages=(say("user", "I forgot my password."),), schema=schema))

    text = use(settings, work).text
    answer = json.loads(text)
    assert answer.keys() == {"tool", "properties"}
    assert " " not in text


def test_what_it_cannot_read_is_an_error(settings):
    async def work(target):
        with pytest.raises(TargetError, match="reads text only"):
            await target.send(Request(messages=(Message("user", (Image("image/png", data="aGk="),)),)))
        with pytest.raises(TargetError, match=r"tokens, the local model's context 256"):
            await target.send(Request(messages=(say("user", "word " * 400),)))
        tool = Message("tool", (ToolResult("1", "search", "the desk opens at nine"),))
        return await target.send(Request(messages=(say("user", "When?"), tool), max_tokens=4))

    assert use(settings, work, context=256).text


def test_weights_that_are_not_there_name_the_command(tmp_path):
    target = create("target", "smollm2", settings=Settings(cache_dir=tmp_path, keys_dir=tmp_path))
    assert target.describe()["weights"].startswith("sha256:")
    with pytest.raises(UsageError, match="shipworthy model pull smollm2"):
        asyncio.run(target.send(ASKED[0]))


@pytest.mark.parametrize(
    "params", [{"system": ""}, {"context": 10}, {"context": 100_000}, {"documents_template": "{{"}]
)
def test_wrong_parameters_are_said_at_once(params):
    with pytest.raises(UsageError):
        create("target", "smollm2", params)


def test_the_server_listens_on_this_machine_alone_and_wants_a_key(settings):
    import aiohttp

    async def work(target):
        await target.send(ASKED[0])
        address = target._server._server.listening_address
        async with (
            aiohttp.ClientSession() as stranger,
            stranger.post(f"{address}/v1/chat/completions", json={"messages": []}) as asked,
        ):
            return address, asked.status

    address, status = use(settings, work)
    assert address.startswith("http://127.0.0.1:")
    assert status == 401


def test_a_streamed_answer_is_the_one_that_comes_in_one_piece(settings):
    async def work(target):
        whole = await target.send(ASKED[0])
        pieces = [piece async for piece in target.stream(ASKED[0])]
        return whole, pieces, await target.send(ASKED[0])

    whole, (*deltas, last), again = use(settings, work)
    assert len(deltas) > 3
    assert "".join(delta.text for delta in deltas) == whole.text
    assert last == whole == again


def test_whoever_closes_a_stream_stops_the_model_and_the_next_answer_is_its_own(settings):
    long = Request(messages=(SYSTEM, say("user", "Tell me all about ferries.")), max_tokens=2_000)

    async def work(target):
        before = await target.send(ASKED[1])
        pieces = target.stream(long)
        first = [await anext(pieces) for _ in range(2)]
        await pieces.aclose()
        return before, first, await asyncio.wait_for(target.send(ASKED[1]), 30)

    before, first, after = use(settings, work)
    assert all(isinstance(piece, Delta) for piece in first)
    assert after == before


def test_a_stream_is_guarded_and_recorded_through_the_exchange(settings):
    pipeline = Pipeline([Rule("GD-any", Blocks())], "Not that.")

    async def work(target):
        exchange = Exchange(Channels().open(target), Mediation(pipeline))
        text = "".join([piece.text async for piece in exchange.stream(ASKED[0].messages)])
        return text, exchange.events

    text, events = use(settings, work)
    assert text == "Not that."
    assert [e.action for e in events if isinstance(e, GuardEvent)] == ["block"]
    assert [e.message.text for e in events if isinstance(e, Said) and not e.withheld][-1] == "Not that."


def test_what_cannot_be_streamed_says_so(settings):
    async def pieces(target, *asked, **more):
        return [piece async for piece in target.stream(Request(messages=tuple(asked), **more))]

    async def too_long(target):
        with pytest.raises(TargetError, match=r"the prompt has [0-9]+ tokens, the local model's context 256"):
            await pieces(target, say("user", "ferry " * 400))
        return await pieces(target, say("user", "Hi."), max_tokens=4)

    assert use(settings, too_long, context=256)

    async def too_slow(target):
        with pytest.raises(TargetTimeout, match=r"the local model did not answer within 0\.2 s"):
            await pieces(target, SYSTEM, say("user", "Tell me all about ferries."), max_tokens=2_000)

    use(settings, too_slow, timeout=0.2)


def test_a_schema_of_the_targets_own_binds_and_a_cut_answer_is_an_error(settings):
    schema = {"type": "object", "properties": {"done": {"enum": ["yes", "no"]}}, "required": ["done"]}
    asked = Request(messages=(say("user", "Did you reset my password?"),))

    async def work(target):
        return await target.send(asked)

    assert json.loads(use(settings, work, schema=schema).text) in ({"done": "yes"}, {"done": "no"})
    with pytest.raises(InvalidOutput, match="cut at its longest length"):
        use(settings, work, schema=schema, max_tokens=2)


def test_a_grammar_binds_the_answer(settings):
    async def work(target):
        return await target.send(Request(messages=(say("user", "Did you reset my password?"),)))

    assert use(settings, work, grammar='root ::= "yes" | "no"').text in ("yes", "no")
