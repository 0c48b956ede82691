from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shipworthy.core import registry
from shipworthy.core.errors import CredentialError, PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Message, Request, Stage, ToolCall, ToolResult, say
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule


def pipeline(**params: object) -> Pipeline:
    return Pipeline([Rule("GD-1", registry.create("guard", "pii", params))])


def asked(session: str = "s1", user: str = "u1", text: str = "hello") -> GuardContext:
    return GuardContext(Request(messages=(say("user", text),), session=session, user=user))


def through(made: Pipeline, text: str, stage: Stage, ctx: GuardContext | None = None) -> str:
    return asyncio.run(made.apply(stage, text, ctx or asked())).text


@pytest.mark.parametrize("stage", ["input", "retrieved", "output", "tool_call"])
def test_it_redacts_at_every_stage(stage: Stage) -> None:
    assert through(pipeline(), "Mail omar74@mail.example today.", stage) == "Mail [redacted:email] today."


def test_the_askers_own_passes_on_the_way_out_alone() -> None:
    ctx = asked(text="I am omar74@mail.example")
    assert through(pipeline(), "omar74@mail.example", "output", ctx) == "omar74@mail.example"
    assert through(pipeline(), "omar74@mail.example", "input", ctx) == "[redacted:email]"
    assert through(pipeline(), "omar74@mail.example", "retrieved", ctx) == "[redacted:email]"


def test_masks() -> None:
    made = pipeline(how="mask", names=["Ana Bell"])
    said = through(made, "omar74@mail.example, 4242 4242 4242 4242, +44 20 7946 0958, Ana Bell", "input")
    assert said == "[email …@mail.example], [card …4242], [phone …58], [name …]"


def test_hashes_are_keyed_and_the_same_for_the_same_value(monkeypatch) -> None:
    monkeypatch.setenv("PII_KEY", "a long enough key of ours")
    made = pipeline(how="hash", key="env:PII_KEY")
    one, two = through(made, "4242 4242 4242 4242", "input"), through(made, "4242-4242-4242-4242", "output")
    assert one == two
    assert one.startswith("[card:")
    assert "long enough" not in repr(made.describe())
    monkeypatch.setenv("PII_KEY", "another key that is as long")
    assert through(pipeline(how="hash", key="env:PII_KEY"), "4242 4242 4242 4242", "input") != one


def test_tokens_come_back_to_their_asker_alone() -> None:
    made = pipeline(how="tokenise")
    assert through(made, "I am omar74@mail.example, not a@b.example", "input") == "I am <EMAIL_1>, not <EMAIL_2>"
    assert through(made, "Again: OMAR74@mail.example", "input") == "Again: <EMAIL_1>"
    assert through(made, "Hello <EMAIL_1> and <EMAIL_9>", "output") == "Hello omar74@mail.example and <EMAIL_9>"
    for other in (asked("s2"), asked("s1", "u2"), asked(""), GuardContext()):
        assert through(made, "Hello <EMAIL_1>", "output", other) == "Hello <EMAIL_1>"


def test_tokens_of_what_others_wrote_stay_tokens() -> None:
    made = pipeline(how="tokenise")
    assert through(made, "Ida: ida@mail.example", "retrieved") == "Ida: <EMAIL_1>"
    assert through(made, "Ida is <EMAIL_1>", "output") == "Ida is <EMAIL_1>"
    # Found elsewhere by the model, it is somebody else's all the same.
    assert through(made, "Ida is ida@mail.example", "output") == "Ida is [redacted:email]"
    # The asker knew it after all.
    assert through(made, "I know ida@mail.example", "input") == "I know <EMAIL_1>"
    assert through(made, "Ida is <EMAIL_1>", "output") == "Ida is ida@mail.example"


def test_a_whole_turn_with_a_tool_call() -> None:
    made, ctx = pipeline(how="tokenise"), asked(text="Write to <EMAIL_1>")

    async def run() -> None:
        passage = await made.message(say("user", "Write to omar74@mail.example"), ctx)
        assert passage.value.text == "Write to <EMAIL_1>"
        call = ToolCall("c1", "mail", {"to": "<EMAIL_1>"})
        made_call = (await made.call(call, ctx)).value
        assert made_call.arguments == {"to": "omar74@mail.example"}
        result = (await made.result(ToolResult("c1", "mail", "sent to omar74@mail.example"), ctx)).value
        assert result.text == "sent to <EMAIL_1>"
        replies = (say("assistant", "Sent to <EMAIL_1>."), say("assistant", "Is <EMAIL_1> right?"))
        reply = await made.reply(replies, ctx)
        assert [m.text for m in reply.value] == ["Sent to omar74@mail.example.", "Is omar74@mail.example right?"]
        mixed = Message("assistant", (call,))
        assert (await made.reply((mixed,), ctx)).value[0].tool_calls[0].arguments == {"to": "omar74@mail.example"}

    asyncio.run(run())


def test_without_a_session_tokens_are_redactions() -> None:
    assert through(pipeline(how="tokenise"), "omar74@mail.example", "input", asked("")) == "[redacted:email]"
    assert through(pipeline(how="tokenise"), "omar74@mail.example", "input", GuardContext()) == "[redacted:email]"


PIECES = st.sampled_from(
    ["<EMAIL_1>", "<EMAIL_", "1>", "<", "<CARD_1>", "a@b.example", "@", " ", "4242 4242 4242 4242", "word ", "x" * 350]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.lists(st.integers(1, 60), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
@example("<EMAIL_1>" * 60, [4])
def test_tokens_come_back_in_streams_however_they_are_cut(text: str, cuts: list[int]) -> None:
    made, ctx = pipeline(how="tokenise"), asked()

    async def run() -> None:
        await made.apply("input", "omar74@mail.example and 4111 1111 1111 1111", ctx)
        whole = await made.apply("output", text, ctx)
        stream, out, at, turn = made.stream("output", ctx, stride=1), [], 0, 0
        while at < len(text):
            size = cuts[turn % len(cuts)]
            out.append(await stream.feed(text[at : at + size]))
            at, turn = at + size, turn + 1
        out.append(await stream.finish())
        assert "".join(out) == whole.text
        assert "<EMAIL_1>" not in whole.text

    asyncio.run(run())


def test_bad_settings_are_refused(monkeypatch) -> None:
    for params, what in [
        ({"how": "tokenize"}, "did you mean 'tokenise'"),
        ({"kinds": ["emial"]}, "did you mean 'email'"),
        ({"how": "hash"}, "go together"),
        ({"key": "env:PII_KEY"}, "go together"),
        ({"how": "hash", "key": "the key itself, long"}, "a reference"),
    ]:
        with pytest.raises(PluginError, match=what):
            registry.create("guard", "pii", params)
    monkeypatch.setenv("PII_KEY", "short")
    with pytest.raises(PluginError, match="shorter than 16"):
        registry.create("guard", "pii", {"how": "hash", "key": "env:PII_KEY"})
    monkeypatch.delenv("PII_KEY")
    with pytest.raises(CredentialError):
        registry.create("guard", "pii", {"how": "hash", "key": "env:PII_KEY"})
