from __future__ import annotations

import asyncio
import json

import pytest
from tests.unit.adapters.guarding import CELLS, MARK, Breaks, Wrong, broken, pipeline

pytest.importorskip("llama_index.core", reason="llama-index-core is not here: python bench/adapters.py --tests has it")

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    DocumentBlock,
    ImageBlock,
    LLMMetadata,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.schema import NodeWithScore, TextNode

from shipworthy.adapters.around import Around
from shipworthy.adapters.llama_index_guards import GuardedLLM, GuardedNodes
from shipworthy.conformance.stub import _message
from shipworthy.core.errors import GuardError

FORMS = ("whole", "async", "stream", "async_stream")


class Says(FunctionCallingLLM):
    """Says its messages one after the other, whole or in pieces of three characters; remembers what it was asked."""

    steps: list
    seen: list = []  # noqa: RUF012 - pydantic copies it
    in_pieces: bool = True
    breaks: bool = False

    @property
    def metadata(self):
        return LLMMetadata(is_function_calling_model=True, is_chat_model=True)

    def _next(self, messages):
        self.seen.append(messages)
        return self.steps.pop(0)

    def chat(self, messages, **how):
        return ChatResponse(message=self._next(messages), raw={"said": MARK})

    async def achat(self, messages, **how):
        return self.chat(messages, **how)

    def stream_chat(self, messages, **how):
        message = self._next(messages)
        text = message.content or ""

        def pieces():
            for at in range(0, len(text) if self.in_pieces else 0, 3):
                said = ChatMessage(role="assistant", content=text[: at + 3])
                yield ChatResponse(message=said, delta=text[at : at + 3], raw={"said": MARK})
                if self.breaks:
                    raise ConnectionError("gone")
            yield ChatResponse(message=message, delta="", raw={"said": MARK})

        return pieces()

    async def astream_chat(self, messages, **how):
        async def pieces():
            for piece in self.stream_chat(messages, **how):
                yield piece

        return pieces()

    def complete(self, prompt, formatted=False, **how):
        return CompletionResponse(text=self._next(prompt).content, raw={"said": MARK})

    async def acomplete(self, prompt, formatted=False, **how):
        return self.complete(prompt, formatted, **how)

    def stream_complete(self, prompt, formatted=False, **how):
        raise NotImplementedError

    async def astream_complete(self, prompt, formatted=False, **how):
        raise NotImplementedError

    def _prepare_chat_with_tools(self, tools, user_msg=None, chat_history=None, **how):
        said = (
            [ChatMessage(role="user", content=user_msg)] if isinstance(user_msg, str) else [user_msg] * bool(user_msg)
        )
        return {"messages": [*(chat_history or []), *said], "tools": [tool.metadata.name for tool in tools]}


def said(model, form, asked=None):
    """Return all responses in one of the forms."""
    asked = asked or [ChatMessage(role="user", content="Hello")]

    async def stream():
        return [piece async for piece in await model.astream_chat(asked)]

    if form == "whole":
        return [model.chat(asked)]
    if form == "async":
        return [asyncio.run(model.achat(asked))]
    return list(model.stream_chat(asked)) if form == "stream" else asyncio.run(stream())


def answer_of(cell):
    """Return a cell's answer as LlamaIndex' providers give it."""
    message, _, _ = _message(cell, 0)
    content, old = message.get("content") or message.get("refusal"), message.get("function_call")
    blocks = []
    if thought := message.get("reasoning_content"):
        blocks.append(ThinkingBlock(content=thought, additional_information={"signature": cell.mark()}))
    texts = [content] if isinstance(content, str) else [part["text"] for part in content or ()]
    blocks += [TextBlock(text=text) for text in texts]
    for call in message.get("tool_calls") or ([{"id": "f", "function": old}] if old else []):
        function = call["function"]
        blocks.append(
            ToolCallBlock(tool_call_id=call["id"], tool_name=function["name"], tool_kwargs=function["arguments"])
        )
    beside = {"said": cell.mark()} if cell.place == "odd_fields" else {}
    return ChatMessage(role="assistant", blocks=blocks, additional_kwargs=beside)


@pytest.mark.parametrize("in_pieces", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_nothing_unseen_leaves_and_the_rest_does(form, in_pieces):
    around = Around(pipeline())
    for cell in CELLS:
        model = GuardedLLM(inner=Says(steps=[answer_of(cell)], in_pieces=in_pieces), around=around)
        found = said(model, form)
        everything = "".join(piece.model_dump_json() + repr(piece) for piece in found)
        assert cell.mark() not in everything and MARK not in everything, cell.name
        if form.endswith("stream"):
            assert cell.mark() not in "".join(piece.delta or "" for piece in found)
        last = found[-1].message
        if cell.place == "tool_name":
            assert last.content.endswith("No.") and not model.get_tool_calls_from_response(found[-1], False)
        elif cell.place in ("arguments", "parallel_arguments", "function_call"):
            calls = json.dumps([call.tool_kwargs for call in model.get_tool_calls_from_response(found[-1])])
            assert "[redacted:email]" in calls and cell.place_words in calls, cell.name
        elif cell.place in ("content", "parts", "refusal", "reasoning"):
            text = last.model_dump_json()
            assert "[redacted:email]" in text and cell.place_words in text, cell.name


@pytest.mark.parametrize("form", FORMS)
def test_what_guards_take_out_of_a_question_does_not_reach_the_model(form):
    inner = Says(steps=[ChatMessage(role="assistant", content="Fine.")])
    picture = ImageBlock(url="https://x.example/a.png")
    asked = [
        ChatMessage(role="system", content="Be kind."),
        ChatMessage(role="user", blocks=[TextBlock(text=f"I am {MARK}."), picture]),
        ChatMessage(role="tool", content=f"From {MARK}.", additional_kwargs={"tool_call_id": "1"}),
    ]
    assert said(GuardedLLM(inner=inner, around=Around(pipeline())), form, asked)[-1].message.content == "Fine."
    (messages,) = inner.seen
    assert MARK not in repr(messages)
    assert [m.content for m in messages] == ["Be kind.", "I am [redacted:email].", "From [redacted:email]."]
    assert messages[1].blocks[1] == picture and messages[2].additional_kwargs == {"tool_call_id": "1"}


def test_completions():
    def model(guards, *steps):
        made = [ChatMessage(role="assistant", content=step) for step in steps]
        return GuardedLLM(inner=Says(steps=made), around=Around(guards))

    async def go(llm):
        one = await llm.acomplete(f"I am {MARK}.")
        return [one, *[piece async for piece in await llm.astream_complete(f"I am {MARK}.")]]

    llm = model(pipeline(), *[f"To {MARK}."] * 4)
    found = [llm.complete(f"I am {MARK}."), *llm.stream_complete(f"I am {MARK}."), *asyncio.run(go(llm))]
    assert [one.text for one in found] == ["To [redacted:email]."] * 4
    assert MARK not in repr(found) and llm.inner.seen == ["I am [redacted:email]."] * 4
    blocks = pipeline({"id": "GD-in", "use": "pii", "stages": ["input"], "action": "block"})
    llm = model(blocks)
    assert [one.text for one in (llm.complete(MARK), *asyncio.run(go(llm)))] == ["No."] * 3


@pytest.mark.parametrize("form", FORMS)
def test_blocks_and_failures_keep_it_back(form):
    blocks = pipeline({"id": "GD-in", "use": "pii", "stages": ["input"], "action": "block"})
    inner = Says(steps=[])
    asked = [ChatMessage(role="user", content=f"I am {MARK}.")]
    assert said(GuardedLLM(inner=inner, around=Around(blocks)), form, asked)[-1].message.content == "No."
    assert inner.seen == []
    for guard in (Breaks, Wrong):
        inner = Says(steps=[ChatMessage(role="assistant", content=f"From {MARK}. " * 9)])
        assert said(GuardedLLM(inner=inner, around=Around(broken(guard))), form)[-1].message.content == "No."
    odd = [ChatMessage(role="user", blocks=[DocumentBlock(data=MARK.encode())])]
    with pytest.raises(GuardError, match="not looked at"):
        said(GuardedLLM(inner=Says(steps=[]), around=Around(pipeline())), form, odd)
    unread = ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_name="send", tool_kwargs=f"{{{MARK}")])
    with pytest.raises(GuardError, match="cannot be read"):
        said(GuardedLLM(inner=Says(steps=[unread]), around=Around(pipeline())), form)
    older = ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [MARK]})
    with pytest.raises(GuardError, match="not looked at"):
        said(GuardedLLM(inner=Says(steps=[older]), around=Around(pipeline())), form)

    def stopped():
        raise GuardError("stopped")

    with pytest.raises(GuardError, match="stopped"):
        said(GuardedLLM(inner=Says(steps=[]), around=Around(stopped)), form)


def test_a_model_that_breaks_off_raises_its_own_error():
    inner = Says(steps=[ChatMessage(role="assistant", content="Well, well.")], breaks=True)
    with pytest.raises(ConnectionError):
        said(GuardedLLM(inner=inner, around=Around(pipeline())), "stream")


def test_an_agent():
    def look(query: str) -> str:
        """Look something up."""
        return f"Write to {MARK} about {query}."

    call = ToolCallBlock(tool_call_id=MARK, tool_name="look", tool_kwargs={"query": "lunch"})
    steps = [ChatMessage(role="assistant", blocks=[call]), ChatMessage(role="assistant", content=f"I wrote to {MARK}.")]
    inner = Says(steps=steps)
    agent = FunctionAgent(tools=[look], llm=GuardedLLM(inner=inner, around=Around(pipeline())))

    async def go():
        return str(await agent.run("What is for lunch?"))

    assert asyncio.run(go()) == "I wrote to [redacted:email]."
    assert "Write to [redacted:email] about lunch." in [m.content for m in inner.seen[1]]
    assert MARK not in repr(inner.seen)


@pytest.mark.parametrize("form", ["whole", "async"])
def test_nodes(form):
    nodes = [NodeWithScore(node=TextNode(text=f"Write to {MARK}.", metadata={"source": "wiki", "by": MARK}), score=0.5)]

    def ask(guards):
        after = GuardedNodes(around=Around(guards))
        if form == "async":
            return asyncio.run(after.apostprocess_nodes(nodes, query_str="x"))
        return after.postprocess_nodes(nodes, query_str="x")

    (found,) = ask(pipeline())
    assert found.node.get_content() == "Write to [redacted:email]." and found.score == 0.5
    assert found.node.metadata == {"source": "wiki", "by": "[redacted:email]"}
    for guards in (pipeline({"id": "GD-in", "use": "pii", "stages": ["retrieved"], "action": "block"}), broken(Breaks)):
        (found,) = ask(guards)
        assert found.node.get_content() == "[withheld by a guard]"
    assert MARK in nodes[0].node.get_content()  # the index' own node is as it was
