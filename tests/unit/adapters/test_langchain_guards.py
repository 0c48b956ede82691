from __future__ import annotations

import asyncio
import json

import pytest
from tests.unit.adapters.guarding import CELLS, MARK, Breaks, Wrong, broken, pipeline

pytest.importorskip("langchain", reason="langchain is not here: python bench/adapters.py --tests has it")

from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.retrievers import BaseRetriever

from shipworthy.adapters.around import Around
from shipworthy.adapters.langchain_guards import GuardedChatModel, GuardedRetriever
from shipworthy.conformance.stub import _message
from shipworthy.core.errors import GuardError

FORMS = ("whole", "async", "stream", "async_stream")


class Says(BaseChatModel):
    """Says one message, whole or in pieces of three characters; remembers what it was asked, and with what."""

    message: AIMessage
    streams: bool = True
    seen: list = []  # noqa: RUF012 - pydantic copies it

    @property
    def _llm_type(self):
        return "says"

    def bind_tools(self, tools, **how):
        return self.bind(tools=tools, **how)

    def _generate(self, messages, stop=None, run_manager=None, **how):
        self.seen.append((messages, how))
        return ChatResult(generations=[ChatGeneration(message=self.message)], llm_output={"said": MARK})

    def _stream(self, messages, stop=None, run_manager=None, **how):
        self.seen.append((messages, how))
        given = self.message
        beside = {"response_metadata": given.response_metadata, "additional_kwargs": given.additional_kwargs}
        yield ChatGenerationChunk(message=AIMessageChunk("", id=given.id, **beside))
        for at in range(0, len(given.text), 3):
            yield ChatGenerationChunk(message=AIMessageChunk(given.text[at : at + 3]))
        for number, call in enumerate(given.tool_calls):
            written = json.dumps(call["args"], ensure_ascii=False)
            for at in range(0, len(written), 3):
                first = {"name": call["name"], "id": call["id"]} if at == 0 else {"name": None, "id": None}
                piece = {**first, "args": written[at : at + 3], "index": number, "type": "tool_call_chunk"}
                yield ChatGenerationChunk(message=AIMessageChunk("", tool_call_chunks=[piece]))


class Whole(Says):
    """Does not stream."""

    _stream = BaseChatModel._stream


class Hears(BaseCallbackHandler):
    """Keeps all that callbacks are told of answers and documents."""

    def __init__(self):
        self.heard = []

    def on_llm_new_token(self, token, *, chunk=None, **_):
        self.heard.append((token, chunk))

    def on_llm_end(self, response, **_):
        self.heard.append(response)

    def on_retriever_end(self, documents, **_):
        self.heard.append(documents)


def said(model, form, asked="Hello", hears=None):
    """Return the answer in one of the forms, as one message."""
    config = {"callbacks": [hears] if hears else []}
    if form == "whole":
        return model.invoke(asked, config)
    if form == "async":
        return asyncio.run(model.ainvoke(asked, config))
    if form == "stream":
        pieces = list(model.stream(asked, config))
    else:

        async def go():
            return [piece async for piece in model.astream(asked, config)]

        pieces = asyncio.run(go())
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    return whole


def answer_of(cell):
    """Return a cell's answer as LangChain's providers give it."""
    message, _, _ = _message(cell, 0)
    old = message.get("function_call")
    calls = message.get("tool_calls") or ([{"id": "f", "function": old}] if old else [])
    known = {"role", "content", "tool_calls", "function_call"}
    beside = {name: value for name, value in message.items() if name not in known}
    return AIMessage(
        message.get("content") or "",
        tool_calls=[
            {"name": c["function"]["name"], "args": json.loads(c["function"]["arguments"]), "id": c["id"]}
            for c in calls
        ],
        additional_kwargs=beside,
        response_metadata=beside,
        id=cell.mark() if cell.place == "odd_fields" else None,
    )


@pytest.mark.parametrize("kind", [Says, Whole])
@pytest.mark.parametrize("form", FORMS)
def test_nothing_unseen_leaves_and_the_rest_does(form, kind):
    around, streamed = Around(pipeline()), form.endswith("stream") and kind is Says
    for cell in CELLS:
        hears = Hears()
        model = GuardedChatModel(inner=kind(message=answer_of(cell)), around=around)
        found = said(model, form, hears=hears)
        everything = repr(found) + found.model_dump_json() + repr(hears.heard)
        assert cell.mark() not in everything, cell.name
        assert hears.heard
        if cell.place == "tool_name":
            assert found.text.endswith("\nNo." if streamed else "No.")  # a name cannot be edited
            assert not found.tool_calls
        elif cell.place in ("arguments", "parallel_arguments", "function_call"):
            assert "[redacted:email]" in json.dumps(found.tool_calls), cell.name
            assert cell.place_words in json.dumps(found.tool_calls)
        elif cell.place in ("content", "parts", "reasoning") or (cell.place == "refusal" and not streamed):
            assert "[redacted:email]" in everything and cell.place_words in everything, cell.name


@pytest.mark.parametrize("form", FORMS)
def test_what_guards_take_out_of_a_question_does_not_reach_the_model(form):
    inner = Says(message=AIMessage("Fine."))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    asked = [
        SystemMessage("Be kind."),
        HumanMessage(f"I am {MARK}."),
        AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "1"}]),
        ToolMessage(f"From {MARK}.", tool_call_id="1"),
        HumanMessage([{"type": "text", "text": f"And {MARK}?"}, picture]),
    ]
    assert said(GuardedChatModel(inner=inner, around=Around(pipeline())), form, asked).text == "Fine."
    ((messages, _),) = inner.seen
    assert MARK not in repr(messages)
    assert [m.text for m in messages] == ["Be kind.", "I am [redacted:email].", "", "From [redacted:email].", "And [redacted:email]?"]  # fmt: skip # noqa: E501
    assert messages[4].content[1] == picture and messages[3].tool_call_id == "1"


@pytest.mark.parametrize("form", FORMS)
def test_a_blocked_question_is_not_asked(form):
    inner, events = Says(message=AIMessage("Fine.")), []
    guards = pipeline({"id": "GD-in", "use": "pii", "stages": ["input"], "action": "block"})
    model = GuardedChatModel(inner=inner, around=Around(guards, record=events.append))
    found = said(model, form, f"I am {MARK}.")
    assert found.text == "No." and found.response_metadata["finish_reason"] == "content_filter"
    assert inner.seen == [] and [event.action for event in events] == ["block"]


@pytest.mark.parametrize("guard", [Breaks, Wrong])
@pytest.mark.parametrize("form", FORMS)
def test_a_guard_that_fails_keeps_it_back(form, guard):
    model = GuardedChatModel(inner=Says(message=AIMessage(f"From {MARK}. " * 9)), around=Around(broken(guard)))
    assert said(model, form).text == "No."


@pytest.mark.parametrize("form", FORMS)
def test_what_cannot_be_looked_at_and_records_that_fail_raise(form):
    def full(event):
        raise OSError("no room")

    asked = GuardedChatModel(inner=Says(message=AIMessage("Fine.")), around=Around(pipeline()))
    for message in (HumanMessage([{"type": "file", "text": MARK}]), ChatMessage(MARK, role="odd")):
        with pytest.raises(GuardError, match="not looked at"):
            said(asked, form, [message])
    shown = AIMessage([{"type": "image", "base64": "aGk=", "mime_type": "image/png"}])
    odd = GuardedChatModel(inner=Whole(message=shown), around=Around(pipeline()))
    with pytest.raises(GuardError, match="not looked at"):
        said(odd, form)
    unrecorded = GuardedChatModel(inner=Says(message=AIMessage(MARK)), around=Around(pipeline(), record=full))
    with pytest.raises(GuardError, match="OSError"):
        said(unrecorded, form)

    def stopped():
        raise GuardError("stopped")

    with pytest.raises(GuardError, match="stopped"):
        said(GuardedChatModel(inner=Says(message=AIMessage("Fine.")), around=Around(stopped)), form)


def test_a_model_that_breaks_off_raises_its_own_error():
    class Broken(Says):
        def _stream(self, messages, **how):
            yield ChatGenerationChunk(message=AIMessageChunk("Well, "))
            raise ConnectionError("gone")

    model = GuardedChatModel(inner=Broken(message=AIMessage("")), around=Around(pipeline()))
    with pytest.raises(ConnectionError):
        list(model.stream("Hello"))


def test_an_agent_and_its_stream():
    def look(query: str) -> str:
        """Look something up."""
        return f"Write to {MARK} about {query}."

    calls = AIMessage("", tool_calls=[{"name": "look", "args": {"query": "lunch"}, "id": MARK}])

    class Steps(Says):
        steps: list

        def _generate(self, messages, **how):
            self.message = self.steps.pop(0)
            return super()._generate(messages, **how)

        def _stream(self, messages, **how):
            self.message = self.steps.pop(0)
            yield from super()._stream(messages, **how)

    def agent():
        inner = Steps(message=calls, steps=[calls, AIMessage(f"I wrote to {MARK}, as asked.")])
        return create_agent(GuardedChatModel(inner=inner, around=Around(pipeline())), [look])

    asked = {"messages": [HumanMessage("What is for lunch?")]}
    *_, tool, last = agent().invoke(asked)["messages"]
    assert tool.name == "look" and tool.tool_call_id != MARK
    assert last.text == "I wrote to [redacted:email], as asked."
    pieces = [m for m, _ in agent().stream(asked, stream_mode="messages") if not isinstance(m, ToolMessage)]
    assert MARK not in repr(pieces)
    assert "".join(m.text for m in pieces) == "I wrote to [redacted:email], as asked."


class Finds(BaseRetriever):
    found: list

    def _get_relevant_documents(self, query, *, run_manager):
        return self.found


@pytest.mark.parametrize("form", ["whole", "async"])
def test_documents(form):
    found = [Document(f"Write to {MARK}.", metadata={"source": "wiki", "by": [MARK], MARK: 3}, id=MARK)]
    hears, config = Hears(), {}
    config["callbacks"] = [hears]

    def ask(guards):
        retriever = GuardedRetriever(inner=Finds(found=found), around=Around(guards))
        return asyncio.run(retriever.ainvoke("x", config)) if form == "async" else retriever.invoke("x", config)

    (document,) = ask(pipeline())
    assert document.page_content == "Write to [redacted:email]."
    assert document.metadata == {"source": "wiki", "by": ["[redacted:email]"], "[redacted:email]": 3}
    (document,) = ask(pipeline({"id": "GD-in", "use": "pii", "stages": ["retrieved"], "action": "block"}))
    assert document.page_content == "[withheld by a guard]" and document.metadata["source"] == "wiki"
    (document,) = ask(broken(Breaks))
    assert document.page_content == "[withheld by a guard]"
    assert hears.heard and MARK not in repr(hears.heard)
