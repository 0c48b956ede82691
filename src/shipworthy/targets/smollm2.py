"""SmolLM2-135M-Instruct in this process: a real, small, weak language model that needs no network and no key.

It refuses next to nothing and invents answers readily: good for driving the whole loop on a genuine model, wrong as a
stand-in for a production model, and wrong as a judge (measured AUC 0.48 to 0.66).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from msgspec.structs import replace

from shipworthy.core.carries import Need
from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.hardening import hardened
from shipworthy.core.records import (
    Audio,
    Delta,
    Image,
    Message,
    Reasoning,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolResult,
    say,
)
from shipworthy.core.registry import operational, target
from shipworthy.core.settings import Settings
from shipworthy.dialects import openai
from shipworthy.dialects.documents import DOCUMENTS, DocumentsTemplate
from shipworthy.dialects.openai_stream import Completion
from shipworthy.local import weights
from shipworthy.local.server import LocalServer, acquire, release
from shipworthy.targets._bound import Bound

MODEL = "SmolLM2-135M-Instruct-Q4_1"

SYSTEM = "You are a helpful assistant. Answer briefly."
"""Used when a request brings no system message: the model's template would otherwise add one of its own."""

SAMPLING = {"top_k": 0, "top_p": 0.95, "min_p": 0.0, "repeat_penalty": 1.0}
"""Sent with every request, so that a runtime's changed defaults cannot change the subject."""


CARRIES: frozenset[Need] = frozenset({"turns", "documents", "tools"})


def carries(params: Mapping[str, Any]) -> frozenset[Need]:
    """Say what it carries, whatever its parameters: a call or a result is read as a line."""
    return CARRIES


class SmolLM2:
    """The model behind `smollm2`. Loads at the first request (about a second); answers one request at a time.

    The same request gets the same answer whatever was asked before or at the same time, with one thread or two.
    Another processor may round differently.
    """

    concurrency = 1
    """So that an attempt's time is the model's, not the queue's."""

    carries = CARRIES
    native_tools = False

    def __init__(
        self,
        settings: Settings,
        *,
        system: str,
        temperature: float,
        max_tokens: int,
        context: int,
        timeout: float,
        template: str,
        bound: Bound,
        grammar: str,
    ) -> None:
        self._bound, self._grammar = bound, grammar
        self._weights = weights.find("smollm2")
        self._path = self._weights.path(settings)
        self._system, self._timeout, self._context = system, timeout, context
        self._temperature, self._max_tokens = temperature, max_tokens
        self._source, self._documents = template, DocumentsTemplate(template)
        self._server: LocalServer | None = None
        # Whoever asks these weights asks the same server, which answers one request at a time.
        self.endpoint = f"local {self._path.name} {context}"

    def describe(self) -> Mapping[str, Any]:
        return {
            "target": "smollm2",
            "model": MODEL,
            "weights": self._weights.sha256,
            "runtime": f"xllamacpp {_runtime()}",
            "system": self._system,
            "temperature": self._temperature,
            "max_tokens": self._max_tokens,
            "context": self._context,
            "documents_template": self._source,
            "sampling": dict(SAMPLING),
            **self._bound.describe(),
            **({"grammar": self._grammar} if self._grammar else {}),
        }

    async def send(self, request: Request) -> Reply:
        """Answer one request.

        A `schema` binds the answer by grammar.

        Raises:
            UsageError: the weights were never pulled, or the extra `local` is missing.
            TargetTimeout: it took longer than `timeout` seconds.
            InvalidOutput: the answer is not as the target's schema says: it was cut at its longest length.
            TargetError: an image, a sound or a tool was sent, or the prompt is longer than the context.
        """
        server, body = self._opened(), self._filled(request)
        reply = replace(openai.from_wire(await server.chat(body, seconds=self._timeout)), model=MODEL)
        return self._bound.held(reply, request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the answer's pieces as they are made and, last, the whole reply. Close it to stop the model early.

        Raises:
            UsageError, TargetTimeout, TargetError: as for `send`; also after some pieces.
        """
        server, completion = self._opened(), Completion()
        body = {**self._filled(request), "stream_options": {"include_usage": True}}
        async with aclosing(server.pieces(body, seconds=self._timeout)) as pieces:
            async for data in pieces:
                for delta in completion.take(data):
                    yield delta
        yield self._bound.held(replace(completion.reply(), model=MODEL), request)

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            release(server)

    def _opened(self) -> LocalServer:
        if self._server is None:
            _runtime()
            weights.verified(self._weights, self._path)
            self._server = acquire(self._path, context=self._context)
        return self._server

    def _filled(self, request: Request) -> dict[str, Any]:
        if request.tools:
            raise TargetError("smollm2 knows no tools: its template has no place for them")
        body: dict[str, Any] = {
            "messages": self._messages(request),
            "max_tokens": self._max_tokens if request.max_tokens is None else request.max_tokens,
            "temperature": self._temperature if request.temperature is None else request.temperature,
            # llama.cpp takes 32 bits, and all ones for "random".
            "seed": request.seed & 0x7FFFFFFF,
            **SAMPLING,
        }
        schema = self._bound.request(request).schema
        if schema is not None:
            body["grammar"] = _grammar(schema)
        elif self._grammar:
            body["grammar"] = self._grammar
        return body

    def _messages(self, request: Request) -> list[dict[str, Any]]:
        messages = self._documents.place(request)
        if not messages or messages[0].role != "system":
            messages = (say("system", self._system), *messages)
        return [{"role": "user" if m.role == "tool" else m.role, "content": _plain(m)} for m in messages]


def _plain(message: Message) -> str:
    """Return a message as text: a model without tools reads a call or a result as a line."""
    lines = []
    for part in message.parts:
        match part:
            case Text(text):
                lines.append(text)
            case ToolCall():
                lines.append(f"[calls {part.name}]")
            case ToolResult():
                lines.append(f"[{part.name} answered] {part.text}")
            case Reasoning():
                pass
            case Image() | Audio():
                raise TargetError(f"smollm2 reads text only; the sample holds an {type(part).__name__.lower()} part")
    return "\n".join(lines)


def _grammar(schema: Mapping[str, Any]) -> str:
    """Return a grammar of exactly the schema's JSON, without blanks.

    `response_format` would let the model put blanks anywhere, and this one does: 39 tokens where 14 say it.
    """
    return "%llguidance {}\nstart: %json " + json.dumps(
        {**_closed(schema), "x-guidance": {"whitespace_flexible": False}}
    )


def _closed(schema: Any) -> Any:
    """Return the schema with every object closed to keys it does not name, as strict endpoints read it."""
    if isinstance(schema, list):
        return [_closed(s) for s in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed = {key: _closed(value) for key, value in schema.items() if key != "properties"}
    if isinstance(named := schema.get("properties"), Mapping):
        # Not by recursion: a property may itself be called "properties".
        closed |= {"properties": {name: _closed(value) for name, value in named.items()}}
        closed.setdefault("additionalProperties", False)
    return closed


def _runtime() -> str:
    try:
        return version("xllamacpp")
    except PackageNotFoundError:
        from shipworthy.core.errors import MissingExtra

        raise MissingExtra("xllamacpp", "local") from None


@target
@operational("timeout")
def smollm2(
    *,
    system: str = SYSTEM,
    harden: Sequence[str] = (),
    temperature: float = 0.0,
    max_tokens: int = 256,
    context: int = 2048,
    timeout: float = 120.0,
    documents_template: str = DOCUMENTS,
    schema: Mapping[str, Any] | None = None,
    grammar: str = "",
    settings: Settings | None = None,
) -> SmolLM2:
    """Build the local model.

    Args:
        system: system prompt of requests that bring none.
        harden: blocks behind `system`, of `shipworthy.core.hardening.BLOCKS`.
        temperature: 0 picks the likeliest token; above 0 the request's seed decides.
        max_tokens: longest answer, where the request does not say.
        context: tokens of prompt and answer together, 256 to 8192 (trained length of the model).
        timeout: seconds for one answer, waiting for a turn not counted.
        documents_template: Jinja template that puts planted documents in the last user turn.
        schema: JSON schema that answers are bound to; one that breaks it, as a short `max_tokens` can, is an error.
        grammar: the same as a grammar (GBNF, or llguidance's own), of requests without a schema.
        settings: where weights are kept; the environment's by default.
    """
    if not system:
        raise UsageError("smollm2 needs a system prompt that is not empty: its template would add its own")
    if schema is not None and grammar:
        raise UsageError("smollm2 is bound by a schema or by a grammar, not by both")
    if not 256 <= context <= 8192:
        raise UsageError(f"smollm2's context must lie in 256..8192, not {context}")
    return SmolLM2(
        settings or Settings.load(),
        system=hardened(system, harden),
        temperature=temperature,
        max_tokens=max_tokens,
        context=context,
        timeout=timeout,
        template=documents_template,
        bound=Bound(schema),
        grammar=grammar,
    )
