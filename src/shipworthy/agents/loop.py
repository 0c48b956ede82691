"""An agent around any model: ask, make the calls that it wants through the exchange, show what they gave, ask again.

Every call goes through the tools that the exchange hands over, so guards, policy, approver and the record see it before
it runs. Bounds end the work and not the attempt: what was done until then stands, the answer says that it was cut
(``finish: length``), and the state is judged as it is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

from msgspec.structs import replace

from shipworthy.agents.copied import copied
from shipworthy.agents.document_search import DocumentSearch
from shipworthy.agents.mcp_server import McpServer
from shipworthy.core.carries import Need, carried
from shipworthy.core.digests import digest
from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.protocols import Model, Tools
from shipworthy.core.records import (
    Finish,
    Message,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    say,
)

SYSTEM = (
    "You are an assistant with tools. Do what the user asks with them, one step after the other, and say in a sentence "
    "what you did when it is done."
)
PLAN = "Write the steps by which you will do this, one a line. Call nothing yet."
CHOOSE = "Tools:\n{tools}\nanswer: Say that all is done.\n\nWhich tool?"
ARGUE = "You use {name}: {description} Write its arguments as JSON."
ANSWER = "Say in a sentence what you did."
LONGEST_RESULT = 20_000
"""Characters of one result that a model is shown; the record holds all of it."""


@dataclass(frozen=True)
class AgentBounds:
    """What one answer may take.

    Attributes:
        steps: times that the model is asked for its next calls, >= 1.
        parallel: calls of one step that are made, one after the other; further ones are answered with an error.
        tokens: in and out, of all steps; 0 for no limit.
        seconds: until the last step begins or is given up.
    """

    steps: int = 20
    parallel: int = 4
    tokens: int = 0
    seconds: float = 300.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.parallel < 1 or self.tokens < 0 or not 0 < self.seconds < float("inf"):
            raise UsageError("an agent needs steps and parallel from 1, tokens from 0 (no limit) and seconds above 0")


@dataclass
class _Work:
    """One answer on its way."""

    request: Request
    tools: Tools
    specs: Sequence[ToolSpec]
    ends: float
    messages: list[Message]
    given: list[Message] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    model: str = ""

    def add(self, *messages: Message) -> None:
        self.messages += messages
        self.given += messages


class AgentLoop:
    """The agent behind `agent`. Remembers nothing between answers: what it is to remember, a world's tools hold.

    Args:
        model: who decides.
        system: its instructions; a sample's own system message comes after them.
        selection: ``native`` offers the tools to the model; ``json`` has it choose one by a JSON schema and write the
            arguments by another, for models that know no tools; ``auto`` takes what the model can.
        plan: whether it writes down its steps before the first.
        only: names of the tools that it is shown, in this order; all that it is offered if empty.
        first: name of the tool that it must call first, as an agent does that always looks before it acts; it writes
            the arguments. With ``json`` only.
        once: whether a tool is called once in an answer and not offered again. With ``json`` only.
        copies: names of arguments whose values must be words that it has read, see `agents.copied`. With ``json`` only.
        longest: characters of any other text that it writes into an argument; 0 for no limit. With ``json`` only.
        servers: whose tools it has besides those that it is offered: MCP servers, and a search in documents. Opened for
            the first answer, closed by `close`.
    """

    def __init__(
        self,
        model: Model,
        *,
        system: str = SYSTEM,
        bounds: AgentBounds | None = None,
        selection: Literal["auto", "native", "json"] = "auto",
        plan: bool = False,
        only: Sequence[str] = (),
        first: str = "",
        once: bool = False,
        copies: Sequence[str] = (),
        longest: int = 0,
        servers: Sequence[McpServer | DocumentSearch] = (),
    ) -> None:
        self._model, self._system, self._bounds, self._plan = model, system, bounds or AgentBounds(), plan
        self._only, self._first, self._once, self._copies = tuple(only), first, once, tuple(copies)
        self._longest = longest
        self._servers = tuple(servers)
        native = getattr(model, "native_tools", True)
        self._native = native if selection == "auto" else selection == "native"
        if self._native and not native:
            raise UsageError("the model knows no tools: take 'selection: json'")
        if (first or once or copies or longest) and self._native:
            raise UsageError("'first', 'once', 'copies' and 'longest' need 'selection: json'")
        if first and only and first not in only:
            raise UsageError(f"'first' is none of the tools in 'only': {first!r}")
        self.carries: frozenset[Need] = carried(model) | {"world", "turns", "tools"}
        self.concurrency: int | None = getattr(model, "concurrency", None)
        self.endpoint: str = getattr(model, "endpoint", "")

    def describe(self) -> Mapping[str, Any]:
        """Name everything that changes what it does."""
        bounds = self._bounds
        return {
            "target": "agent",
            "version": 2,
            "system": self._system,
            "selection": "native" if self._native else "json",
            "plan": self._plan,
            **({"only": list(self._only)} if self._only else {}),
            **({"first": self._first} if self._first else {}),
            **({"once": True} if self._once else {}),
            **({"copies": sorted(self._copies)} if self._copies else {}),
            **({"longest": self._longest} if self._longest else {}),
            "bounds": [bounds.steps, bounds.parallel, bounds.tokens, bounds.seconds],
            "servers": [dict(server.describe()) for server in self._servers],
            "model": dict(self._model.describe()),
        }

    async def send(self, request: Request, tools: Tools) -> Reply:
        """Do what is asked, with the tools that the exchange offers.

        Raises:
            TargetError: the model failed, or chose a tool in no valid way. What was called before is on record.
            PolicyRefused: the tool policy stopped the attempt.
        """
        for server in self._servers:
            await server.open()
        opening = [say("system", self._system)] if self._system else []
        work = _Work(
            request,
            tools,
            self._offered(tools),
            monotonic() + self._bounds.seconds,
            [*opening, *request.messages],
        )
        finish: Finish = "length"
        if self._plan and work.specs:
            work.messages += [say("user", PLAN), say("assistant", (await self._ask(work)).text)]
        for step in range(self._bounds.steps):
            try:
                async with asyncio.timeout(work.ends - monotonic()):
                    calls = await (self._native_step(work) if self._native else self._chosen_step(work, step))
            except TimeoutError:
                if not work.given:
                    raise  # it has done nothing at all: the target's timeout, and no answer that was cut
                break
            if not calls:
                finish = "stop"
                break
            results = [await self._call(work, number, call) for number, call in enumerate(calls)]
            work.given.append(Message("tool", tuple(results)))
            work.messages.append(self._shown(calls, results))
            if self._spent(work) or monotonic() >= work.ends:
                break
        return Reply(messages=tuple(work.given), usage=work.usage, finish=finish, model=work.model)

    async def close(self) -> None:
        """Let go of the servers, and leave the model open: whoever built it closes it."""
        for server in self._servers:
            await server.close()

    # ---- one step --------------------------------------------------------------------------------------------------

    async def _native_step(self, work: _Work) -> Sequence[ToolCall]:
        """Ask a model that knows tools; return the calls it wants."""
        reply = await self._ask(work, tools=tuple(work.specs))
        calls = reply.tool_calls
        if not calls:
            work.add(*reply.messages)
            return ()
        said = tuple(part for message in reply.messages for part in message.parts if not isinstance(part, ToolResult))
        work.add(Message("assistant", said))
        return calls

    async def _chosen_step(self, work: _Work, step: int) -> Sequence[ToolCall]:
        """Have a model choose a tool and write its arguments, each bound by a schema."""
        used = {call.name for message in work.given for call in message.tool_calls} if self._once else set()
        specs = [spec for spec in work.specs if spec.name not in used]
        names = [spec.name for spec in specs]
        listed = "\n".join(f"{spec.name}: {spec.description}" for spec in specs)
        schema = {
            "type": "object",
            "properties": {"tool": {"enum": [*names, "answer"]}},
            "required": ["tool"],
            "additionalProperties": False,
        }
        chosen: str | None
        if self._first and not step:
            chosen = self._first
        elif names:
            chosen = _json(await self._ask(work, say("user", CHOOSE.format(tools=listed)), schema=schema)).get("tool")
        else:
            chosen = "answer"
        spec = next((spec for spec in specs if spec.name == chosen), None)
        if spec is None:
            if chosen != "answer":
                raise TargetError("the model chose a tool that was not offered")
            work.add(*(await self._ask(work, *([say("user", ANSWER)] if step else []))).messages)
            return ()
        prompt = say("user", ARGUE.format(name=spec.name, description=spec.description))
        read = (message.text for message in work.messages if message.role != "system")
        schema = copied(spec.parameters, self._copies, read, self._longest)
        arguments = _json(await self._ask(work, prompt, schema=schema))
        call = ToolCall(f"call-{step + 1}-{digest([spec.name, arguments])[7:13]}", spec.name, arguments)
        work.given.append(Message("assistant", (call,)))
        return (call,)

    async def _ask(self, work: _Work, *more: Message, **fields: Any) -> Reply:
        asked = work.request
        reply = await self._model.send(
            Request(
                messages=(*work.messages, *more) if self._native else _joined((*work.messages, *more)),
                documents=asked.documents,
                user=asked.user,
                seed=asked.seed,
                max_tokens=asked.max_tokens,
                temperature=asked.temperature,
                session=asked.session,
                turn=asked.turn,
                **fields,
            )
        )
        work.usage, work.model = work.usage + reply.usage, reply.model or work.model
        return reply

    async def _call(self, work: _Work, number: int, call: ToolCall) -> ToolResult:
        if number >= self._bounds.parallel:
            said = f"Too many calls at one time: the first {self._bounds.parallel} were made."
            return ToolResult(call.id, call.name, said, is_error=True)
        server = next((one for one in self._servers if any(spec.name == call.name for spec in one.specs)), None)
        if server is None:
            return await work.tools.call(call)
        result = await work.tools.call(call, server.run)
        if server.lost:  # what else it has told is not to be believed either, and no answer comes of it
            raise TargetError(f"an MCP server is shut out: {server.lost}")
        return result

    def _offered(self, tools: Tools) -> tuple[ToolSpec, ...]:
        found = (*tools.specs, *(spec for server in self._servers for spec in server.specs))
        names = [spec.name for spec in found]
        if twice := {name for name in names if names.count(name) > 1}:
            raise TargetError(f"the tool {min(twice)!r} is offered twice: a call of it could mean either")
        if missing := {*self._only, *filter(None, [self._first])} - set(names):
            raise TargetError(f"the tool {min(missing)!r} is not offered")
        if not self._only:
            return found
        by_name = {spec.name: spec for spec in found}
        return tuple(by_name[name] for name in dict.fromkeys(self._only))

    def _shown(self, calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> Message:
        """Return what the model reads of some results: whole ones as they are, of a long one its beginning."""
        short = tuple(
            replace(one, text=f"{one.text[:LONGEST_RESULT]}\n[cut]") if len(one.text) > LONGEST_RESULT else one
            for one in results
        )
        if self._native:
            return Message("tool", short)
        lines = [
            f"You called {call.name} with {json.dumps(call.arguments, ensure_ascii=False)}. It gave: {result.text}"
            for call, result in zip(calls, short, strict=True)
        ]
        return Message("user", (Text("\n".join(lines)),))

    def _spent(self, work: _Work) -> bool:
        used = work.usage.input_tokens + work.usage.output_tokens
        return bool(self._bounds.tokens) and used >= self._bounds.tokens


def _joined(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return a conversation in which no user turn follows another: templates of models without tools know none."""
    made: list[Message] = []
    for message in messages:
        if made and message.role == made[-1].role == "user":
            made[-1] = Message("user", (*made[-1].parts, Text(""), *message.parts))
        else:
            made.append(message)
    return tuple(made)


def _json(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise TargetError("the model was asked for a JSON object and gave none")
    return found
