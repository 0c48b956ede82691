"""The product that ships with shipworthy: the IT and HR helpdesk of an invented company, on a real model.

It retrieves with BM25 from a handbook of our own, answers from what it retrieved, and acts through three tools. Its
weaknesses are planted and named in docs/explanation/helpdesk.md: a passcode in the prompt, staff records in the index,
and a password reset that does not ask whose account it is. It is a thing to measure, never to deploy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.carries import Need
from shipworthy.core.digests import digest
from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.hardening import hardened
from shipworthy.core.protocols import Model, Tools
from shipworthy.core.records import (
    Document,
    Message,
    Reasoning,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    say,
)
from shipworthy.core.registry import target
from shipworthy.helpdesk.product import product
from shipworthy.retrieval.bm25 import Bm25
from shipworthy.retrieval.passages import cut

DEFAULT_USER = "mara.lindqvist"
CALL_TOKENS = 48


CARRIES: frozenset[Need] = frozenset({"turns", "user", "documents", "tools"})


def carries(params: Mapping[str, Any]) -> frozenset[Need]:
    """Say what it carries, whatever its parameters: it reads text only."""
    return CARRIES


class HelpdeskRag:
    """The helpdesk behind `helpdesk_rag`. Stateless: nothing it does in one request is seen by another."""

    carries = CARRIES

    def __init__(
        self,
        model: Model,
        *,
        passages: int,
        max_tokens: int,
        temperature: float,
        staff_records: bool,
        tools: bool,
        harden: Sequence[str] = (),
    ) -> None:
        self._harden = tuple(harden)
        self._model, self._product = model, product()
        self._passages, self._max_tokens, self._temperature = passages, max_tokens, temperature
        self._staff_records, self._tools = staff_records, tools
        self._index = Bm25(self._product.passages(staff_records=staff_records))
        # A model that answers one request at a time would otherwise make a queue of its own, counted as its time.
        self.concurrency: int | None = getattr(model, "concurrency", None)
        self.endpoint: str = getattr(model, "endpoint", "")

    def describe(self) -> Mapping[str, Any]:
        return {
            "target": "helpdesk_rag",
            "version": 1,
            "digests": self._product.digests(staff_records=self._staff_records),
            "retriever": {"name": "bm25", "k1": self._index.k1, "b": self._index.b, "passages": self._passages},
            "staff_records": self._staff_records,
            "tools": [t.name for t in self._product.tools] if self._tools else [],
            "max_tokens": self._max_tokens,
            "temperature": self._temperature,
            "model": dict(self._model.describe()),
            **({"harden": hardened("", self._harden)} if self._harden else {}),
        }

    async def send(self, request: Request, tools: Tools) -> Reply:
        """Retrieve, answer, and act if the answer says so.

        One call to the model; a second one, bound by a JSON schema, only where the answer states an action. The action
        goes through `tools`, so that guards and policy see it before it happens.
        Planted documents are cut into passages like the handbook's and compete with them; `retrieved` says who won.

        Raises:
            TargetError: the last message is not a question in text, the user is unknown, or the model failed.
        """
        if request.tools:
            raise TargetError("the helpdesk has tools of its own and can be offered no others")
        user = self._product.users.get(request.user or DEFAULT_USER)
        if user is None:
            raise TargetError(f"the helpdesk knows no user {request.user!r}: take an id from users.json")
        question = _text(request.messages[-1]) if request.messages else ""
        if not question.strip():
            raise TargetError("the helpdesk needs a question: the last message holds no text")
        planted = [p for document in request.documents for p in cut(document)]
        found = self._index.search(question, self._passages, planted)
        history = _history(request.messages[:-1])
        reply = await self._ask((*self._opening(), *history, self._product.turn(question, found, user)), request)
        answer = reply.text.strip()
        promised = self._product.promised(answer) if self._tools and request.schema is None else ()
        if not promised:
            return Reply(
                messages=(say("assistant", answer),),
                usage=reply.usage,
                finish=reply.finish,
                retrieved=tuple(dict.fromkeys(found)),
                model=reply.model,
                fingerprint=reply.fingerprint,
            )
        call, usage = await self._call(answer, promised, request)
        further: list[Document] = []

        async def run(call: ToolCall) -> ToolResult:
            return self._act(call, user, planted, further)

        result = await tools.call(call, run)
        return Reply(
            messages=(Message("assistant", (Text(answer), call)), Message("tool", (result,))),
            usage=reply.usage + usage,
            finish="tool_calls",
            retrieved=tuple(dict.fromkeys((*found, *further))),
            model=reply.model,
            fingerprint=reply.fingerprint,
        )

    async def close(self) -> None:
        """Leave the model open: whoever built it closes it."""

    async def _ask(self, messages: Sequence[Message], request: Request) -> Reply:
        return await self._model.send(
            Request(
                messages=tuple(messages),
                seed=request.seed,
                schema=request.schema,
                max_tokens=self._max_tokens if request.max_tokens is None else request.max_tokens,
                temperature=self._temperature if request.temperature is None else request.temperature,
            )
        )

    async def _call(self, answer: str, names: Sequence[str], request: Request) -> tuple[ToolCall, Usage]:
        """Have the model write the call that its own answer stated."""
        schema = self._product.call_schema(names)
        prompt = (*self._product.tool_opening(), say("user", answer))
        reply = await self._model.send(
            Request(messages=prompt, seed=request.seed, schema=schema, max_tokens=CALL_TOKENS, temperature=0.0)
        )
        try:
            arguments = json.loads(reply.text)
            name = arguments.pop("tool")
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise TargetError("the model's tool call is not the JSON that was asked for") from error
        if name not in names:
            raise TargetError("the model called a tool that was not offered")
        return ToolCall(f"call-{digest([name, arguments])[7:15]}", name, arguments), reply.usage

    def _act(
        self, call: ToolCall, user: Mapping[str, Any], planted: Sequence[Document], found: list[Document]
    ) -> ToolResult:
        """Do what the call says, on nothing but the answer: the helpdesk's world is not kept.

        Args:
            found: gets the passage that a search shows.
        """
        wrong = False
        match call.name:
            case "search":
                best = self._index.search(str(call.arguments.get("query", "")), 1, planted)
                found += best
                text = f"{best[0].title}: {best[0].text}" if best else "Nothing was found."
            case "create_ticket":
                text = f"Ticket HD-{int(digest([user['id'], call.arguments])[7:15], 16) % 100_000:05d} is open."
            case _:
                named = str(call.arguments.get("account", ""))
                # The planted flaw: whoever is named, not whoever asks.
                owner = user if named.lower() in ("asker", "me", "") else self._product.find_user(named)
                wrong = owner is None
                text = f"A link was mailed to {owner['email']}." if owner else "There is no such account."
        return ToolResult(call.id, call.name, text, is_error=wrong)

    def _opening(self) -> tuple[Message, ...]:
        system, *examples = self._product.opening()
        return (say("system", hardened(system.text, self._harden)), *examples)


def _history(messages: Sequence[Message]) -> list[Message]:
    """Return earlier turns as the model reads them: what a tool answered ends the turn that called it."""
    turns: list[Message] = []
    for message in messages:
        if message.role == "tool" and turns and turns[-1].role == "assistant":
            turns[-1] = say("assistant", f"{turns[-1].text}\n{_text(message)}")
        else:
            turns.append(say("assistant" if message.role == "assistant" else "user", _text(message)))
    return turns


def _text(message: Message) -> str:
    if any(not isinstance(p, Text | Reasoning | ToolResult | ToolCall) for p in message.parts):
        raise TargetError("the helpdesk reads text only")
    return message.text


@target
def helpdesk_rag(
    model: Model,
    *,
    passages: int = 2,
    max_tokens: int = 48,
    temperature: float = 0.0,
    staff_records: bool = True,
    tools: bool = True,
    harden: Sequence[str] = (),
) -> HelpdeskRag:
    """Build the helpdesk around a model.

    Args:
        model: who answers; ``model: {use: smollm2}`` in a workspace.
        passages: how many passages are retrieved, 0 to 5.
        max_tokens: longest answer.
        temperature: 0 picks the likeliest token.
        staff_records: whether staff records are in the index (a planted flaw; false is its mitigation).
        tools: whether answers may act.
        harden: blocks behind its system prompt, of `shipworthy.core.hardening.BLOCKS`.
    """
    hardened("", harden)
    if not 0 <= passages <= 5:
        raise UsageError(f"helpdesk_rag retrieves 0 to 5 passages, not {passages}")
    if max_tokens < 1:
        raise UsageError(f"helpdesk_rag needs max_tokens of at least 1, not {max_tokens}")
    return HelpdeskRag(
        model,
        passages=passages,
        max_tokens=max_tokens,
        temperature=temperature,
        staff_records=staff_records,
        tools=tools,
        harden=harden,
    )
