"""Guards around LlamaIndex' models, and after its retrievers.

    llm = GuardedLLM(inner=OpenAI(...), around=Around(pipeline))
    engine = index.as_query_engine(llm=llm, node_postprocessors=[GuardedNodes(around=Around(pipeline))])

LlamaIndex' callbacks can see and cannot change what passes, so the model itself is wrapped. Callbacks of this one get
what guards released; those of the inner model, and what instruments it, see its own answers: give them to this one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from shipworthy.adapters.around import Around, Incoming
from shipworthy.adapters.values import arguments_of, plain
from shipworthy.core.errors import GuardError
from shipworthy.core.extras import require
from shipworthy.core.messages import Message, MessagePart, Reasoning, Text, ToolCall, ToolResult, say
from shipworthy.enforce.stream import Stream

require("llama_index.core", extra="llama-index", package="llama-index-core")

from llama_index.core.base.llms.types import (  # noqa: E402
    AudioBlock,
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback  # noqa: E402
from llama_index.core.llms.function_calling import FunctionCallingLLM  # noqa: E402
from llama_index.core.llms.llm import LLM, ToolSelection  # noqa: E402
from llama_index.core.postprocessor.types import BaseNodePostprocessor  # noqa: E402
from llama_index.core.schema import NodeWithScore  # noqa: E402

_ROLES: Mapping[Any, Any] = {
    MessageRole.USER: "user",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
}


class GuardedLLM(FunctionCallingLLM):
    """A model whose questions and answers are guarded.

    Words of users, and prompts of completions with all that a template put into them, are looked at as ``input``,
    results of tools as ``retrieved``; answers and calls as ``output`` and ``tool_call``. Words stream through the
    hold-back window; calls and thinking come at the end. Answers are made anew: `raw` and a provider's own fields are
    left out.

    Attributes:
        inner: the model that is asked; `around` the guards.

    Raises (when asked):
        GuardError: guards failed, or a message holds what they cannot look at. Nothing passes then.
    """

    inner: LLM
    around: Any

    @classmethod
    def class_name(cls) -> str:
        return "ShipworthyGuarded"

    @property
    def metadata(self) -> Any:
        return self.inner.metadata

    # ---- whole -----------------------------------------------------------------------------------------------------

    @llm_chat_callback()  # type: ignore[untyped-decorator]
    def chat(self, messages: Sequence[ChatMessage], **how: Any) -> ChatResponse:
        around, asked = self._around, _asked(messages)
        incoming = around.wait(around.incoming(asked))
        if incoming.blocked is not None:
            return _response(incoming.blocked)
        given = self.inner.chat(_edited(messages, asked, incoming), **how)
        return _response(around.wait(around.outgoing(_reply(given.message), incoming.messages)))

    @llm_chat_callback()  # type: ignore[untyped-decorator]
    async def achat(self, messages: Sequence[ChatMessage], **how: Any) -> ChatResponse:
        around, asked = self._around, _asked(messages)
        incoming = await around.within(around.incoming(asked))
        if incoming.blocked is not None:
            return _response(incoming.blocked)
        given = await self.inner.achat(_edited(messages, asked, incoming), **how)
        return _response(await around.within(around.outgoing(_reply(given.message), incoming.messages)))

    @llm_completion_callback()  # type: ignore[untyped-decorator]
    def complete(self, prompt: str, formatted: bool = False, **how: Any) -> CompletionResponse:
        around, asked = self._around, (say("user", prompt),)
        incoming = around.wait(around.incoming(asked))
        if incoming.blocked is not None:
            return CompletionResponse(text=incoming.blocked)
        given = self.inner.complete(incoming.messages[0].text, formatted=formatted, **how)
        return _completion(around.wait(around.outgoing(say("assistant", given.text), incoming.messages)))

    @llm_completion_callback()  # type: ignore[untyped-decorator]
    async def acomplete(self, prompt: str, formatted: bool = False, **how: Any) -> CompletionResponse:
        around, asked = self._around, (say("user", prompt),)
        incoming = await around.within(around.incoming(asked))
        if incoming.blocked is not None:
            return CompletionResponse(text=incoming.blocked)
        given = await self.inner.acomplete(incoming.messages[0].text, formatted=formatted, **how)
        return _completion(await around.within(around.outgoing(say("assistant", given.text), incoming.messages)))

    # ---- in pieces -------------------------------------------------------------------------------------------------

    @llm_chat_callback()  # type: ignore[untyped-decorator]
    def stream_chat(self, messages: Sequence[ChatMessage], **how: Any) -> Any:
        def pieces() -> Iterator[ChatResponse]:
            around, asked = self._around, _asked(messages)
            incoming = around.wait(around.incoming(asked))
            if incoming.blocked is not None:
                yield _response(incoming.blocked, delta=incoming.blocked)
                return
            words = _Words(around.stream(incoming.messages))
            for given in self.inner.stream_chat(_edited(messages, asked, incoming), **how):
                yield from words.left(around.wait(around.fed(words.stream, words.taken(given))))
                if words.stream.blocked:
                    break
            yield from words.left(around.wait(around.fed(words.stream, words.rest())))
            yield from words.left(around.wait(around.fed(words.stream, None)))
            if not words.stream.blocked:
                yield words.last(around.wait(around.outgoing(words.beside(), incoming.messages)))

        return pieces()

    @llm_chat_callback()  # type: ignore[untyped-decorator]
    async def astream_chat(self, messages: Sequence[ChatMessage], **how: Any) -> Any:
        async def pieces() -> AsyncIterator[ChatResponse]:
            around, asked = self._around, _asked(messages)
            incoming = await around.within(around.incoming(asked))
            if incoming.blocked is not None:
                yield _response(incoming.blocked, delta=incoming.blocked)
                return
            words = _Words(around.stream(incoming.messages))
            async for given in await self.inner.astream_chat(_edited(messages, asked, incoming), **how):
                for piece in words.left(await around.within(around.fed(words.stream, words.taken(given)))):
                    yield piece
                if words.stream.blocked:
                    break
            for more in (words.rest(), None):
                for piece in words.left(await around.within(around.fed(words.stream, more))):
                    yield piece
            if not words.stream.blocked:
                yield words.last(await around.within(around.outgoing(words.beside(), incoming.messages)))

        return pieces()

    @llm_completion_callback()  # type: ignore[untyped-decorator]
    def stream_complete(self, prompt: str, formatted: bool = False, **how: Any) -> Any:
        def pieces() -> Iterator[CompletionResponse]:
            given = self.complete(prompt, formatted=formatted, **how)
            yield CompletionResponse(text=given.text, delta=given.text)

        return pieces()

    @llm_completion_callback()  # type: ignore[untyped-decorator]
    async def astream_complete(self, prompt: str, formatted: bool = False, **how: Any) -> Any:
        async def pieces() -> AsyncIterator[CompletionResponse]:
            given = await self.acomplete(prompt, formatted=formatted, **how)
            yield CompletionResponse(text=given.text, delta=given.text)

        return pieces()

    # ---- tools -----------------------------------------------------------------------------------------------------

    def _prepare_chat_with_tools(self, tools: Sequence[Any], *args: Any, **how: Any) -> dict[str, Any]:
        if not isinstance(self.inner, FunctionCallingLLM):
            raise GuardError("the inner model calls no tools")
        found: dict[str, Any] = self.inner._prepare_chat_with_tools_compat(tools, *args, **how)
        return found

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **how: Any
    ) -> list[ToolSelection]:
        """Return the calls of an answer, as guards released them."""
        found = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        if not found and error_on_no_tool_call:
            raise ValueError("the answer calls no tool")
        return [ToolSelection(tool_id=b.tool_call_id, tool_name=b.tool_name, tool_kwargs=b.tool_kwargs) for b in found]

    @property
    def _around(self) -> Around:
        around: Around = self.around
        return around


class GuardedNodes(BaseNodePostprocessor):
    """Guards what was retrieved, text and metadata of each node, as ``retrieved``. A blocked text is withheld.

    Attributes:
        around: the guards.
    """

    around: Any

    @classmethod
    def class_name(cls) -> str:
        return "ShipworthyGuardedNodes"

    def _postprocess_nodes(self, nodes: list[NodeWithScore], query_bundle: Any = None) -> list[NodeWithScore]:
        return [_node(one, self.around.wait(self.around.retrieved(*_shown(one)))) for one in nodes]

    async def _apostprocess_nodes(self, nodes: list[NodeWithScore], query_bundle: Any = None) -> list[NodeWithScore]:
        return [_node(one, await self.around.within(self.around.retrieved(*_shown(one)))) for one in nodes]


class _Words:
    """The words of an answer that comes in pieces, what of them has left, and what stands beside them."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self._given, self._text, self._taken = stream, ChatMessage(role="assistant"), "", False

    def taken(self, given: ChatResponse) -> str:
        self._given = given.message
        self._taken = self._taken or bool(given.delta)
        return given.delta or ""

    def rest(self) -> str:
        """Return the words of an answer that came without pieces of them."""
        return "" if self._taken or self.stream.blocked else _reply(self._given).text

    def left(self, text: str) -> Iterator[ChatResponse]:
        if text:
            self._text += text
            yield _response(self._text, delta=text)

    def beside(self) -> Message:
        return _reply(self._given, words=False)

    def last(self, seen: Message | str) -> ChatResponse:
        if isinstance(seen, str):
            said = "\n" + seen if self._text else seen
            return _response(self._text + said, delta=said)
        return _response(Message("assistant", (Text(self._text), *seen.parts)), delta="")


# ---- in ----------------------------------------------------------------------------------------------------------


def _asked(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    return tuple(map(_question, messages))


def _question(message: ChatMessage) -> Message:
    role = _ROLES.get(message.role)
    if role is None:
        raise GuardError("a message of an unknown role is not looked at, and not passed on")
    if role in ("system", "assistant"):
        return say(role, message.content or "")
    said = []
    for block in message.blocks:
        if isinstance(block, TextBlock):
            said.append(block.text)
        elif not isinstance(block, ImageBlock | AudioBlock):  # which pass as they do on the gateway
            raise GuardError("a message holds a block that is not looked at, and not passed on")
    text = "\n".join(said)
    if role == "user":
        return say("user", text)
    known = message.additional_kwargs
    return Message("tool", (ToolResult(str(known.get("tool_call_id") or ""), str(known.get("name") or ""), text),))


def _edited(messages: Sequence[ChatMessage], asked: tuple[Message, ...], incoming: Incoming) -> list[ChatMessage]:
    """Return the messages with what guards changed in its place."""
    made = []
    for message, before, after in zip(messages, asked, incoming.messages, strict=True):
        part = after.parts[0]
        if after == before or not isinstance(part, Text | ToolResult):
            made.append(message)
            continue
        shown = [block for block in message.blocks if not isinstance(block, TextBlock)]
        made.append(message.model_copy(update={"blocks": [TextBlock(text=part.text), *shown]}))
    return made


# ---- out ---------------------------------------------------------------------------------------------------------


def _reply(message: ChatMessage, *, words: bool = True) -> Message:
    """Return an answer as guards look at it.

    Raises:
        GuardError: it holds what they cannot look at.
    """
    parts: list[MessagePart] = []
    calls: list[MessagePart] = []
    said = []
    for block in message.blocks:
        if isinstance(block, TextBlock):
            said.append(block.text)
        elif isinstance(block, ThinkingBlock):
            parts.append(Reasoning(block.content or ""))
        elif isinstance(block, ToolCallBlock):
            calls.append(ToolCall(f"call_{uuid4().hex}", block.tool_name, _arguments(block.tool_kwargs)))
        else:
            raise GuardError("the answer holds a block that is not looked at, and not passed on")
    if message.additional_kwargs.get("tool_calls") and not calls:
        raise GuardError("the answer holds calls in a form that is not looked at")
    return Message("assistant", (*parts, *([Text("".join(said))] if words else []), *calls))


def _arguments(given: Any) -> dict[str, Any]:
    try:
        return arguments_of(given)
    except ValueError:
        raise GuardError("the answer holds a call whose arguments cannot be read") from None


def _response(seen: Message | str, *, delta: str | None = None) -> ChatResponse:
    """Return an answer made anew from what guards released."""
    blocks: list[Any] = []
    for part in (Text(seen),) if isinstance(seen, str) else seen.parts:
        if isinstance(part, Text):
            blocks += [TextBlock(text=part.text)] if part.text else []
        elif isinstance(part, Reasoning):
            blocks.append(ThinkingBlock(content=part.text))
        elif isinstance(part, ToolCall):
            blocks.append(ToolCallBlock(tool_call_id=part.id, tool_name=part.name, tool_kwargs=part.arguments))
    return ChatResponse(message=ChatMessage(role="assistant", blocks=blocks), delta=delta)


def _completion(seen: Message | str) -> CompletionResponse:
    return CompletionResponse(text=seen if isinstance(seen, str) else seen.text)


# ---- nodes -------------------------------------------------------------------------------------------------------


def _shown(found: NodeWithScore) -> tuple[dict[str, Any], str]:
    node = found.node
    source = node.metadata.get("source") or node.metadata.get("file_name") or node.node_id
    return {"text": node.get_content(), "metadata": plain(node.metadata)}, str(source)


def _node(found: NodeWithScore, seen: dict[str, Any]) -> NodeWithScore:
    node = found.node.model_copy(deep=True)
    node.set_content(seen["text"])
    node.metadata = seen["metadata"]
    return NodeWithScore(node=node, score=found.score)
