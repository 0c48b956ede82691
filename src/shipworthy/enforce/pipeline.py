"""The guard pipeline: one object, by digest, that the evaluation measures and the gateway serves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
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
    Reasoning,
    Stage,
    Text,
    ToolCall,
    ToolResult,
)
from shipworthy.detect.disguise import Reading
from shipworthy.detect.engine import ENGINE
from shipworthy.enforce.edit import apply, edits
from shipworthy.enforce.rule import STAGES, Checked, Rule, check_all, clock, refusal
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


class Passage(Struct, frozen=True):
    """What the guards made of a message, a document, a call or a result.

    Attributes:
        value: to pass on, of the kind that came; None where `blocked`.
        seconds: wall time the guards took.
        message: what the asker is told where `blocked`; "" for the pipeline's block message.
    """

    value: Any
    events: tuple[GuardEvent, ...] = ()
    seconds: float = 0.0
    message: str = ""

    @property
    def blocked(self) -> bool:
        """Whether a guard kept it back."""
        return self.value is None


class _Sum:
    """What the stages of one passage add up to."""

    def __init__(self) -> None:
        self.events: list[GuardEvent] = []
        self.seconds = 0.0
        self.message = ""

    def add(self, applied: Applied) -> Applied:
        self.message = self.message or (applied.text if applied.blocked else "")
        self.events += applied.events
        self.seconds += applied.seconds
        return applied

    def passage(self, value: Any) -> Passage:
        return Passage(value, tuple(self.events), self.seconds, self.message if value is None else "")


class Pipeline:
    """Guards in their order, and what is said when one blocks.

    Args:
        rules: ids must differ.
        block_message: what the asker reads in place of a blocked text.

    Raises:
        PluginError: two rules have one id, or one at ``output`` has a guard that rewrites or gives readings.
    """

    def __init__(self, rules: Sequence[Rule], block_message: str = "I can't help with that.") -> None:
        if len({rule.id for rule in rules}) != len(rules):
            raise PluginError("two rules of a guard pipeline have one id")
        for rule in rules:
            # A stream leaves before the whole is there: what was measured on whole texts would not be what runs.
            if "output" in rule.stages and (hasattr(rule.guard, "rewrite") or hasattr(rule.guard, "readings")):
                raise PluginError(f"{rule.id}: its guard rewrites or reads whole texts and cannot stand at output")
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
            if spec.mode == "off":
                continue
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

    async def close(self) -> None:
        """Close what guards hold open, such as connections to an endpoint; also where one of them fails to."""
        for rule in self.rules:
            if (close := getattr(rule.guard, "close", None)) is not None:
                with suppress(Exception):
                    await close()

    def stream(
        self, stage: Stage, ctx: GuardContext | None = None, *, stride: int | None = None, source: str = ""
    ) -> Stream:
        """Return a stream for one text of a stage: feed it pieces, then finish it; `source` as in `Part`."""
        options = {} if stride is None else {"stride": stride}
        ctx = ctx or GuardContext()
        return Stream(self._stages[stage], stage, self.block_message, ctx, source=source, **options)

    async def apply(
        self, stage: Stage, text: str, ctx: GuardContext | None = None, source: str = "", *, rewrite: bool = True
    ) -> Applied:
        """Run a stage's guards over a whole text.

        Args:
            source: as in `Part`.
            rewrite: have guards that rewrite (`Guard.rewrite`) do so; without it they only look.
        """
        rules = self._stages[stage]
        if not rules or not text:
            return Applied(text, False, (), 0.0)
        ctx, part, began = ctx or GuardContext(), Part(stage, text, source=source), clock()
        views: list[Reading] = []
        results = await check_all([r for r in rules if not r.shadow], part, ctx, views)
        events = list(_events(results, stage))
        blocked = any(e.action == "block" for e in events)
        changes = [] if blocked else edits(f for checked in results for f in checked.findings)
        out = apply(text, changes, 0, len(text))
        if rewrite and not blocked:
            again = self.rewrite(stage, out)
            out, blocked = again.text, again.blocked
            events += again.events
        out = refusal(results, self.block_message) if blocked else out
        # What leaves is settled: nothing a shadow rule does or fails to do can change it.
        events += _events(await check_all([r for r in rules if r.shadow], part, ctx, views), stage)
        return Applied(out, blocked, tuple(events), clock() - began)

    def rewrite(self, stage: Stage, text: str) -> Applied:
        """Have a stage's guards rewrite a text that all of them have looked at."""
        began, events = clock(), []
        for rule in self._stages[stage]:
            if rule.shadow or not hasattr(rule.guard, "rewrite"):
                continue
            made = rule.rewritten(text)
            if made is None:
                events.append(failure(Checked(rule, (), "error: rewrite"), stage))
                if rule.on_error == "block":
                    return Applied(self.block_message, True, tuple(events), clock() - began)
            elif made != text:
                events.append(event(rule, stage, "rewrite", "replace", ""))
                text = made
        return Applied(text, False, tuple(events), clock() - began)

    async def message(self, message: Message, ctx: GuardContext) -> Passage:
        """Guard what an asker sends: words of a user as input, results of tools as retrieved. The rest passes unread.

        A user's message that a guard blocks goes no further; a blocked result is withheld from the model, and the
        conversation goes on.
        """
        found = _Sum()
        if message.role == "user":
            return found.passage(await self._words("input", message, ctx, found))
        return found.passage(await self._results("retrieved", message, ctx, found))

    async def document(self, document: Document, ctx: GuardContext) -> Passage:
        """Guard a document before a model reads it. One that is blocked is passed on without its text."""
        found = _Sum()
        source = document.source or document.id
        applied = found.add(await self.apply("retrieved", document.text, ctx, source))
        if applied.blocked:
            return found.passage(Document(id=document.id, text=WITHHELD, source=document.source))
        title = found.add(await self.apply("retrieved", document.title, ctx, source))
        said = "" if title.blocked else title.text
        return found.passage(replace(document, text=applied.text, title=said))

    async def call(self, call: ToolCall, ctx: GuardContext) -> Passage:
        """Guard a tool call before it is made."""
        found = _Sum()
        if not self._stages["tool_call"]:
            return found.passage(call)
        # Whole first: what is split over two arguments shows only here.
        applied = found.add(await self.apply("tool_call", _flat(call), ctx))
        if applied.blocked:
            return found.passage(None)
        # JSON escapes line feeds and quotes: what is spelled a letter a line shows only in the argument itself.
        if applied.text == _flat(call) and "\\" not in applied.text:
            return found.passage(call)
        arguments = await self._arguments(call.arguments, ctx)
        if applied.text == _flat(call) and arguments == call.arguments:
            return found.passage(call)
        if arguments is None:
            found.events.append(GuardEvent("pipeline", "tool_call", "argument", "block", "cannot be edited"))
            return found.passage(None)
        edited = ToolCall(call.id, call.name, arguments)
        # What no single argument shows cannot be edited out of one: the call is not made.
        again = await self.apply("tool_call", _flat(edited), ctx)
        if again.blocked or again.text != _flat(edited):
            found.events.append(GuardEvent("pipeline", "tool_call", "split", "block", "found across arguments"))
            return found.passage(None)
        return found.passage(edited)

    async def result(self, result: ToolResult, ctx: GuardContext) -> Passage:
        """Guard what a tool answered before a model reads it. A blocked one is passed on without its text."""
        found = _Sum()
        applied = found.add(await self.apply("retrieved", result.text, ctx, f"tool:{result.name}"))
        text = WITHHELD if applied.blocked else applied.text
        return found.passage(result if text == result.text else replace(result, text=text))

    async def reply(
        self,
        messages: Sequence[Message],
        ctx: GuardContext,
        looked: Mapping[str, ToolCall | None] = MappingProxyType({}),
    ) -> Passage:
        """Guard a whole reply before the asker sees it: words, calls, and what an agent's own tools answered.

        Args:
            looked: calls that were guarded before they were made, by their ids, as they were made; None for one that a
                guard kept back. They are not looked at again: whatever the reply says of such a call, the asker sees
                the one that was made.
        """
        found = _Sum()
        ids = Counter(call.id for message in messages for call in message.tool_calls)
        looked = {id: call for id, call in looked.items() if ids[id] == 1}  # of two with one id, both are looked at
        out: list[Message] = []
        for message in messages:
            seen: Message | None = message
            if message.role == "assistant":
                seen = await self._words("output", message, ctx, found)
            if seen is not None:
                seen = await self._results("output", seen, ctx, found)
            if seen is not None:
                seen = await self._calls(seen, ctx, found, looked)
            if seen is None:
                return found.passage(None)
            out.append(seen)
        spoken = [text for m in out if m.role == "assistant" if (text := _words(m))]
        if len(spoken) > 1:
            # What is split over two messages shows only here, and cannot be edited out of one.
            joined = "\n".join(spoken)
            applied = await self.apply("output", joined, ctx)
            found.seconds += applied.seconds
            if applied.blocked or applied.text != joined:
                found.events.append(GuardEvent("pipeline", "output", "split", "block", "found across messages"))
                return found.passage(None)
        return found.passage(tuple(messages) if tuple(out) == tuple(messages) else tuple(out))

    async def _words(self, stage: Stage, message: Message, ctx: GuardContext, found: _Sum) -> Message | None:
        """Guard a message's text parts as one text, so that nothing hides by being split; None where blocked.

        Reasoning is guarded by itself: it leaves on a channel of its own.
        """
        whole = _words(message)
        applied = found.add(await self.apply(stage, whole, ctx))
        if applied.blocked:
            return None
        parts: list[MessagePart] = []
        for part in message.parts:
            if isinstance(part, Reasoning):
                thought = found.add(await self.apply(stage, part.text, ctx, "reasoning"))
                if thought.blocked:
                    return None
                parts.append(part if thought.text == part.text else Reasoning(thought.text))
            elif not isinstance(part, Text) or applied.text == whole:
                parts.append(part)
            elif not any(isinstance(p, Text) for p in parts):
                parts.append(Text(applied.text))
        return message if tuple(parts) == message.parts else Message(message.role, tuple(parts))

    async def _results(self, stage: Stage, message: Message, ctx: GuardContext, found: _Sum) -> Message | None:
        """Guard a message's tool results, each by itself; None where one blocks on its way out."""
        parts: list[MessagePart] = []
        for part in message.parts:
            if not isinstance(part, ToolResult):
                parts.append(part)
                continue
            applied = found.add(await self.apply(stage, part.text, ctx, f"tool:{part.name}"))
            if applied.blocked and stage == "output":
                return None
            text = WITHHELD if applied.blocked else applied.text
            parts.append(part if text == part.text else replace(part, text=text))
        return message if tuple(parts) == message.parts else Message(message.role, tuple(parts))

    async def _calls(
        self, message: Message, ctx: GuardContext, found: _Sum, looked: Mapping[str, ToolCall | None]
    ) -> Message | None:
        if not message.tool_calls or not self._stages["tool_call"]:
            return message
        parts: list[MessagePart] = []
        for part in message.parts:
            if not isinstance(part, ToolCall):
                parts.append(part)
                continue
            if part.id in looked:
                call = looked[part.id]
            else:
                passage = await self.call(part, ctx)
                found.events += passage.events
                found.seconds += passage.seconds
                found.message = found.message or passage.message
                call = passage.value
            if call is None:
                return None
            parts.append(call)
        return Message(message.role, tuple(parts))

    async def _arguments(self, value: Any, ctx: GuardContext) -> Any:
        """Apply the edits argument by argument: JSON stays JSON.

        None where something blocks on the way, or where edits give two arguments one name: one of them would be lost.
        """
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
        if not isinstance(value, dict):
            return [item for _, item in done]
        named = dict(done)
        return named if len(named) == len(done) and None not in named else None


def _events(results: Sequence[Checked], stage: Stage) -> Iterator[GuardEvent]:
    for checked in results:
        if checked.failure:
            yield failure(checked, stage)
        for finding in checked.findings:
            yield event(checked.rule, stage, finding.rule, finding.action, finding.reason)


def _flat(call: ToolCall) -> str:
    return json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False, default=str)


def _words(message: Message) -> str:
    return "\n".join(p.text for p in message.parts if isinstance(p, Text))
