"""Guards around LangChain's models and retrievers.

    model = GuardedChatModel(inner=ChatOpenAI(...), around=Around(pipeline))
    retriever = GuardedRetriever(inner=store.as_retriever(), around=Around(pipeline))

LangChain's callbacks can see and cannot change what passes, and its middleware is too late for what a model streams to
them. So the model itself is wrapped: callbacks, graphs and streams get what guards released. Callbacks see what is
asked as it was asked, and none of the inner model's or retriever's own run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from uuid import uuid4

import msgspec

from shipworthy.adapters.around import Around, Incoming
from shipworthy.adapters.values import plain
from shipworthy.core.errors import GuardError, UsageError
from shipworthy.core.extras import require
from shipworthy.core.messages import Message, MessagePart, Reasoning, Text, ToolCall, ToolResult

require("langchain_core", extra="langchain", package="langchain-core")

from langchain_core.documents import Document  # noqa: E402
from langchain_core.language_models import BaseChatModel  # noqa: E402
from langchain_core.messages import (  # noqa: E402
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult  # noqa: E402
from langchain_core.retrievers import BaseRetriever  # noqa: E402
from langchain_core.runnables import RunnableBinding  # noqa: E402

_SHOWN = frozenset({"image", "image_url", "audio", "input_audio"})
"""Blocks of a question that guards cannot look into, and that pass as they do on the gateway."""


class GuardedChatModel(BaseChatModel):
    """A chat model whose questions and answers are guarded.

    Words of users are looked at as ``input`` and results of tools as ``retrieved``, in each request all of them;
    answers and calls as ``output`` and ``tool_call``. Words stream through the hold-back window; calls and reasoning
    come at the end. Answers are made anew: identifiers, metadata and fields of a provider's own are left out.

    Attributes:
        inner: the model that is asked. Its own cache and rate limit are passed over; give them to this one.
        around: the guards.

    Raises (when asked):
        GuardError: guards failed, or a message holds what they cannot look at. Nothing passes then.
    """

    inner: BaseChatModel
    around: Any
    cache: Any = False
    """Of answers: not by default, since one that is kept would outlive the guards that it came through."""

    @property
    def _llm_type(self) -> str:
        return "shipworthy-guarded"

    def bind_tools(self, tools: Sequence[Any], **how: Any) -> Any:
        """Offer tools, in the inner model's own way."""
        bound = self.inner.bind_tools(tools, **how)
        if not isinstance(bound, RunnableBinding) or bound.bound is not self.inner:
            raise UsageError("the inner model binds tools in a way that guards cannot stand in")
        return self.bind(**bound.kwargs)

    # ---- whole -----------------------------------------------------------------------------------------------------

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **how: Any) -> Any:
        around: Around = self.around
        asked = _asked(messages)
        incoming = around.wait(around.incoming(asked))
        if incoming.blocked is not None:
            return _result([_refusal(incoming.blocked)])
        given = self.inner._generate(_edited(messages, asked, incoming), stop=stop, **how)
        return _result(
            [_answer(one, around.wait(around.outgoing(_reply(one), incoming.messages))) for one in _messages(given)]
        )

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **how: Any
    ) -> Any:
        around: Around = self.around
        asked = _asked(messages)
        incoming = await around.within(around.incoming(asked))
        if incoming.blocked is not None:
            return _result([_refusal(incoming.blocked)])
        given = await self.inner._agenerate(_edited(messages, asked, incoming), stop=stop, **how)
        return _result(
            [
                _answer(one, await around.within(around.outgoing(_reply(one), incoming.messages)))
                for one in _messages(given)
            ]
        )

    # ---- in pieces -------------------------------------------------------------------------------------------------

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **how: Any
    ) -> Iterator[Any]:
        around: Around = self.around
        if type(self.inner)._stream is BaseChatModel._stream:
            yield from map(_piece, _messages(self._generate(messages, stop, **how)))
            return
        asked = _asked(messages)
        incoming = around.wait(around.incoming(asked))
        if incoming.blocked is not None:
            yield _piece(_refusal(incoming.blocked))
            return
        stream, whole = around.stream(incoming.messages), AIMessageChunk("")
        for chunk in self.inner._stream(_edited(messages, asked, incoming), stop=stop, **how):
            whole += chunk.message
            if left := around.wait(around.fed(stream, str(chunk.message.text))):
                yield _piece(AIMessage(left))
            if stream.blocked:
                break
        if left := around.wait(around.fed(stream, None)):
            yield _piece(AIMessage(left))
        if not stream.blocked:
            rest = around.wait(around.outgoing(_reply(whole, words=False), incoming.messages))
            yield _piece(_answer(whole, rest, after=stream.released > 0))

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **how: Any
    ) -> AsyncIterator[Any]:
        around: Around = self.around
        kind = type(self.inner)
        if kind._stream is BaseChatModel._stream and kind._astream is BaseChatModel._astream:
            for one in _messages(await self._agenerate(messages, stop, **how)):
                yield _piece(one)
            return
        asked = _asked(messages)
        incoming = await around.within(around.incoming(asked))
        if incoming.blocked is not None:
            yield _piece(_refusal(incoming.blocked))
            return
        stream, whole = around.stream(incoming.messages), AIMessageChunk("")
        async for chunk in self.inner._astream(_edited(messages, asked, incoming), stop=stop, **how):
            whole += chunk.message
            if left := await around.within(around.fed(stream, str(chunk.message.text))):
                yield _piece(AIMessage(left))
            if stream.blocked:
                break
        if left := await around.within(around.fed(stream, None)):
            yield _piece(AIMessage(left))
        if not stream.blocked:
            rest = await around.within(around.outgoing(_reply(whole, words=False), incoming.messages))
            yield _piece(_answer(whole, rest, after=stream.released > 0))


class GuardedRetriever(BaseRetriever):
    """A retriever whose documents are guarded, text and metadata, as ``retrieved``. A blocked text is withheld.

    Attributes:
        inner: the retriever that is asked; `around` the guards.
    """

    inner: BaseRetriever
    around: Any

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        found = self.inner.invoke(query, config={"callbacks": []})
        return [_document(self.around.wait(self.around.retrieved(*_shown(one)))) for one in found]

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        found = await self.inner.ainvoke(query, config={"callbacks": []})
        return [_document(await self.around.within(self.around.retrieved(*_shown(one)))) for one in found]


# ---- in ----------------------------------------------------------------------------------------------------------


def _asked(messages: Sequence[BaseMessage]) -> tuple[Message, ...]:
    return tuple(map(_question, messages))


def _question(message: BaseMessage) -> Message:
    if isinstance(message, HumanMessage):
        return Message("user", (Text(_words(message)),))
    if isinstance(message, ToolMessage | FunctionMessage):
        id = message.tool_call_id if isinstance(message, ToolMessage) else ""
        return Message("tool", (ToolResult(id, message.name or "", _words(message)),))
    if isinstance(message, AIMessage):
        return Message("assistant", (Text(str(message.text)),))
    if isinstance(message, SystemMessage):
        return Message("system", (Text(str(message.text)),))
    raise GuardError(f"a message of the kind {message.type!r} is not looked at, and not passed on")


def _words(message: BaseMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    said = []
    for block in message.content:
        kind = "text" if isinstance(block, str) else block.get("type")
        if kind == "text":
            said.append(block if isinstance(block, str) else block["text"])
        elif kind not in _SHOWN:
            raise GuardError("a message holds a block that is not looked at, and not passed on")
    return "\n".join(said)


def _edited(messages: list[BaseMessage], asked: tuple[Message, ...], incoming: Incoming) -> list[BaseMessage]:
    """Return the messages with what guards changed in its place."""
    made = []
    for message, before, after in zip(messages, asked, incoming.messages, strict=True):
        if after == before:
            made.append(message)
            continue
        part = after.parts[0]
        text = part.text if isinstance(part, Text | ToolResult) else ""
        shown = [] if isinstance(message.content, str) else [b for b in message.content if _is_shown(b)]
        content: Any = [{"type": "text", "text": text}, *shown] if shown else text
        made.append(message.model_copy(update={"content": content}))
    return made


def _is_shown(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in _SHOWN


# ---- out ---------------------------------------------------------------------------------------------------------


def _messages(result: ChatResult) -> list[BaseMessage]:
    return [generation.message for generation in result.generations]


def _reply(message: BaseMessage, *, words: bool = True) -> Message:
    """Return an answer as guards look at it.

    Raises:
        GuardError: it holds what they cannot look at.
    """
    if not isinstance(message, AIMessage):
        raise GuardError("the model gave a message that is no answer")
    parts: list[MessagePart] = []
    texts: list[str] = []
    for block in message.content_blocks:
        match block["type"]:
            case "text":
                texts.append(block["text"])
            case "reasoning":
                parts.append(Reasoning(str(block.get("reasoning") or "")))
            case "tool_call" | "tool_call_chunk":
                continue  # each of them is below, with its arguments read
            case _:
                raise GuardError("the answer holds a block that is not looked at, and not passed on")
    if message.invalid_tool_calls:
        raise GuardError("the answer holds a call whose arguments cannot be read")
    refusal = message.additional_kwargs.get("refusal")
    texts += [str(refusal)] if refusal and not any(texts) else []
    said = [Text("".join(texts))] if words else []
    calls = [ToolCall(f"call_{uuid4().hex}", call["name"], plain(call["args"])) for call in message.tool_calls]
    return Message("assistant", (*parts, *said, *calls))


def _answer(given: BaseMessage, seen: Message | str, *, after: bool = False) -> AIMessage:
    """Return an answer made anew from what guards released; `after` words that have left already."""
    if isinstance(seen, str):
        return _refusal("\n" + seen if after else seen)
    text = "\n".join(part.text for part in seen.parts if isinstance(part, Text))
    thought = [{"type": "reasoning", "reasoning": p.text} for p in seen.parts if isinstance(p, Reasoning)]
    content: Any = [*thought, *([{"type": "text", "text": text}] if text else [])] if thought else text
    calls = [{"name": call.name, "args": call.arguments, "id": call.id} for call in seen.tool_calls]
    usage: Any = getattr(given, "usage_metadata", None)
    told = None
    if usage:
        told = {name: int(usage.get(name) or 0) for name in ("input_tokens", "output_tokens", "total_tokens")}
    return AIMessage(content, tool_calls=calls, usage_metadata=told)


def _refusal(words: str) -> AIMessage:
    return AIMessage(words, response_metadata={"finish_reason": "content_filter"})


def _result(messages: Sequence[AIMessage]) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=message) for message in messages])


def _piece(message: BaseMessage) -> ChatGenerationChunk:
    calls = [
        {"name": c["name"], "args": msgspec.json.encode(c["args"]).decode(), "id": c["id"], "index": number}
        for number, c in enumerate(getattr(message, "tool_calls", ()))
    ]
    return ChatGenerationChunk(
        message=AIMessageChunk(
            message.content,
            tool_call_chunks=[{**call, "type": "tool_call_chunk"} for call in calls],
            usage_metadata=getattr(message, "usage_metadata", None),
            response_metadata=message.response_metadata,
        )
    )


# ---- documents ---------------------------------------------------------------------------------------------------


def _shown(document: Document) -> tuple[dict[str, Any], str]:
    source = document.metadata.get("source")
    shown = {"text": document.page_content, "metadata": plain(document.metadata), "id": document.id}
    return shown, str(source or document.id or "")


def _document(seen: dict[str, Any]) -> Document:
    return Document(page_content=seen["text"], metadata=seen["metadata"], id=seen["id"])
