"""The guard pipeline: one object, by digest, that the evaluation measures and the gateway serves."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core import registry
from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import (
    Document,
    GuardEvent,
    Message,
    MessagePart,
    Part,
    Reply,
    Request,
    Stage,
    Text,
    ToolCall,
    ToolResult,
    say,
)
from shipworthy.detect.engine import ENGINE
from shipworthy.enforce.edit import apply, edits
from shipworthy.enforce.rule import STAGES, Checked, Rule, check_all, clock
from shipworthy.enforce.stream import Stream, event, failure
from shipworthy.workspace.guards import GuardFile

WITHHELD = "[withheld by a guard]"
"""Stands in place of a retrieved text that a guard blocked: the model does not see it, the conversation goes on."""

_SCHEMA = 1


class Applied(Struct, frozen=True):
    """What a stage made of one text.

    Attributes:
        text: to pass on; the block message where `blocked`.
        events: one a finding or failure; they carry no text.
        seconds: wall time the guards took, shadow rules included.
    """

    text: str
    blocked: bool
    events: tuple[GuardEvent, ...]
    seconds: float


class Guarded(Struct, frozen=True):
    """A reply after the guards; `seconds` is their part of the time. `blocked`: the asker got the block message."""

    reply: Reply
    events: tuple[GuardEvent, ...]
    seconds: float
    blocked: bool


class _Tally:
    """What the stages of one exchange add up to."""

    def __init__(self) -> None:
        self.events: list[GuardEvent] = []
        self.seconds = 0.0

    def add(self, applied: Applied) -> Applied:
        self.events += applied.events
        self.seconds += applied.seconds
        return applied


class Pipeline:
    """Guards in their order, and what is said when one blocks.

    Args:
        rules: ids must differ.
        block_message: what the asker reads in place of a blocked text.
    """

    def __init__(self, rules: Sequence[Rule], block_message: str = "I can't help with that.") -> None:
        if len({rule.id for rule in rules}) != len(rules):
            raise PluginError("two rules of a guard pipeline have one id")
        self.rules, self.block_message = tuple(rules), block_message
        self._stages: dict[Stage, list[Rule]] = {s: [r for r in rules if s in r.stages] for s in STAGES}
        self._digest = digest(dict(self.describe()))

    @classmethod
    def build(cls, guard_file: GuardFile) -> Pipeline:
        """Make a pipeline from a workspace's guard file.

        Raises:
            PluginError: an unknown guard or parameter, or a stage the guard does not know.
        """
        rules = []
        for spec in guard_file.rules:
            guard = registry.create("guard", spec.use, spec.params)
            if unknown := set(spec.stages) - set(guard.stages):
                raise PluginError(
                    f"{spec.id}: the guard {spec.use!r} does not run at {', '.join(sorted(unknown))};"
                    f" it knows {', '.join(sorted(guard.stages))}"
                )
            rules.append(
                Rule(
                    spec.id,
                    guard,
                    stages=frozenset(spec.stages) or None,
                    action=spec.action,
                    shadow=spec.mode == "shadow",
                    on_error=spec.on_error,
                    timeout_s=spec.timeout_s,
                )
            )
        return cls(rules, guard_file.block_message)

    def describe(self) -> Mapping[str, Any]:
        """Return JSON with all that changes what the pipeline does: every rule, its guard's version, the engine."""
        return {
            "schema": _SCHEMA,
            "engine": ENGINE,
            "block_message": self.block_message,
            "rules": [dict(rule.describe()) for rule in self.rules],
        }

    @property
    def digest(self) -> str:
        """``sha256:…`` of `describe`."""
        return self._digest

    def stream(self, stage: Stage, ctx: GuardContext | None = None, *, stride: int | None = None) -> Stream:
        """Return a stream for one text of a stage: feed it pieces, then finish it."""
        options = {} if stride is None else {"stride": stride}
        return Stream(self._stages[stage], stage, self.block_message, ctx or GuardContext(), **options)

    async def apply(self, stage: Stage, text: str, ctx: GuardContext | None = None) -> Applied:
        """Run a stage's guards over a whole text."""
        rules = self._stages[stage]
        if not rules or not text:
            return Applied(text, False, (), 0.0)
        ctx, part, began = ctx or GuardContext(), Part(stage, text), clock()
        results = await check_all([r for r in rules if not r.shadow], part, ctx)
        events = list(_events(results, stage))
        blocked = any(e.action == "block" for e in events)
        changes = [] if blocked else edits(f for checked in results for f in checked.findings)
        out = self.block_message if blocked else apply(text, changes, 0, len(text))
        # What leaves is settled: nothing a shadow rule does or fails to do can change it.
        events += _events(await check_all([r for r in rules if r.shadow], part, ctx), stage)
        return Applied(out, blocked, tuple(events), clock() - began)

    async def guarded(self, request: Request, send: Callable[[Request], Awaitable[Reply]]) -> Guarded:
        """Answer a request through the guards.

        Input guards read what users wrote, retrieved guards read documents and tool results, then `send` answers unless
        an input guard blocked, then output and tool-call guards read the reply. A blocked document or tool result is
        withheld from the model; any other block answers with the block message. Pictures and sounds pass unread.

        Raises:
            Whatever `send` raises; a guard's failure is an event, never an exception.
        """
        tally, ctx = _Tally(), GuardContext(request)
        stop = Reply(message=say("assistant", self.block_message))
        messages = []
        for message in request.messages:
            if message.role == "user":
                guarded_message = await self._message("input", message, ctx, tally)
                if guarded_message is None:
                    return Guarded(stop, tuple(tally.events), tally.seconds, True)
                messages.append(guarded_message)
            else:
                messages.append(await self._results("retrieved", message, ctx, tally) or message)
        documents = tuple([await self._document(d, ctx, tally) for d in request.documents])
        # A request no guard touched stays the same object: the cache's key must not change.
        touched = tuple(messages) != request.messages or documents != request.documents
        sent = _with(request, tuple(messages), documents) if touched else request
        reply = await send(sent)
        answer = await self._message("output", reply.message, ctx, tally)
        if answer is not None:
            # An agent's own tool results are part of what the asker sees.
            answer = await self._results("output", answer, ctx, tally)
        if answer is not None:
            answer = await self._calls(answer, ctx, tally)
        if answer is None:
            return Guarded(_reply(reply, stop.message), tuple(tally.events), tally.seconds, True)
        return Guarded(_reply(reply, answer), tuple(tally.events), tally.seconds, False)

    async def _message(self, stage: Stage, message: Message, ctx: GuardContext, tally: _Tally) -> Message | None:
        """Guard a message's text parts as one text, so that nothing hides by being split; None where blocked."""
        texts = [p.text for p in message.parts if isinstance(p, Text)]
        applied = tally.add(await self.apply(stage, "\n".join(texts), ctx))
        if applied.blocked:
            return None
        if applied.text == "\n".join(texts):
            return message
        parts: list[MessagePart] = []
        for part in message.parts:
            if not isinstance(part, Text):
                parts.append(part)
            elif not any(isinstance(p, Text) for p in parts):
                parts.append(Text(applied.text))
        return Message(message.role, tuple(parts))

    async def _results(self, stage: Stage, message: Message, ctx: GuardContext, tally: _Tally) -> Message | None:
        """Guard a message's tool results, each by itself; None where one blocks on its way out."""
        parts: list[MessagePart] = []
        for part in message.parts:
            if not isinstance(part, ToolResult):
                parts.append(part)
                continue
            applied = tally.add(await self.apply(stage, part.text, ctx))
            if applied.blocked and stage == "output":
                return None
            text = WITHHELD if applied.blocked else applied.text
            parts.append(part if text == part.text else replace(part, text=text))
        return message if tuple(parts) == message.parts else Message(message.role, tuple(parts))

    async def _document(self, document: Document, ctx: GuardContext, tally: _Tally) -> Document:
        applied = tally.add(await self.apply("retrieved", document.text, ctx))
        if applied.blocked:
            return Document(id=document.id, text=WITHHELD)
        title = tally.add(await self.apply("retrieved", document.title, ctx))
        return Document(id=document.id, text=applied.text, title="" if title.blocked else title.text)

    async def _calls(self, message: Message, ctx: GuardContext, tally: _Tally) -> Message | None:
        if not message.tool_calls or not self._stages["tool_call"]:
            return message
        parts: list[MessagePart] = []
        for part in message.parts:
            if not isinstance(part, ToolCall):
                parts.append(part)
                continue
            # Whole first: what is split over two arguments shows only here.
            applied = tally.add(await self.apply("tool_call", _flat(part), ctx))
            if applied.blocked:
                return None
            if applied.text != _flat(part):
                arguments = await self._arguments(part.arguments, ctx)
                if arguments is None:
                    return None
                part = ToolCall(part.id, part.name, arguments)  # noqa: PLW2901
                # What no single argument shows cannot be edited out of one: the call is not made.
                again = await self.apply("tool_call", _flat(part), ctx)
                if again.blocked or again.text != _flat(part):
                    tally.events.append(GuardEvent("pipeline", "tool_call", "split", "block", "found across arguments"))
                    return None
            parts.append(part)
        return Message(message.role, tuple(parts))

    async def _arguments(self, value: Any, ctx: GuardContext) -> Any:
        """Apply the edits argument by argument: JSON stays JSON. None where something blocks on the way."""
        if isinstance(value, str):
            applied = await self.apply("tool_call", value, ctx)
            return None if applied.blocked else applied.text
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int | float):
            applied = await self.apply("tool_call", str(value), ctx)
            return None if applied.blocked else value if applied.text == str(value) else applied.text
        items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        done: list[tuple[Any, Any]] = []
        for key, item in items:
            changed = await self._arguments(item, ctx)
            if changed is None and item is not None:
                return None
            done.append((await self._arguments(key, ctx) if isinstance(key, str) else key, changed))
        return dict(done) if isinstance(value, dict) else [item for _, item in done]


def _events(results: Sequence[Checked], stage: Stage) -> Iterator[GuardEvent]:
    for checked in results:
        if checked.failure:
            yield failure(checked, stage)
        for finding in checked.findings:
            yield event(checked.rule, stage, finding.rule, finding.action, finding.reason)


def _flat(call: ToolCall) -> str:
    return json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False, default=str)


def _with(request: Request, messages: tuple[Message, ...], documents: tuple[Document, ...]) -> Request:
    return replace(request, messages=messages, documents=documents)


def _reply(reply: Reply, message: Message) -> Reply:
    if message is reply.message:
        return reply
    finish = "stop" if reply.finish == "tool_calls" and not message.tool_calls else reply.finish
    return replace(reply, message=message, finish=finish)
