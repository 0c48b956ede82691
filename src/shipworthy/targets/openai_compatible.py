"""Any endpoint that speaks the OpenAI chat-completions API: OpenAI, Azure, vLLM, Ollama, llama.cpp, most gateways."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from math import inf
from typing import Any
from urllib.parse import urlencode

from shipworthy.core.carries import Need
from shipworthy.core.errors import TargetError, TargetFiltered, UsageError
from shipworthy.core.hardening import hardened
from shipworthy.core.records import Delta, Reply, Request, say
from shipworthy.core.registry import operational, target
from shipworthy.dialects import openai
from shipworthy.dialects.documents import DOCUMENTS, DocumentsTemplate
from shipworthy.dialects.openai_stream import Completion, deltas
from shipworthy.net import address
from shipworthy.net.answer import HttpAnswer, HttpCall, describe_error, error_within
from shipworthy.net.endpoint import Endpoint, NoStream
from shipworthy.net.options import HttpOptions
from shipworthy.targets._bound import Bound

CARRIES: frozenset[Need] = frozenset({"turns", "documents", "tools", "media"})


def carries(params: Mapping[str, Any]) -> frozenset[Need]:
    """Say what it carries, whatever its parameters: the API has no place for who asks."""
    return CARRIES


class OpenAICompatible:
    """The target behind `openai_compatible`. One connection pool; no state between requests."""

    carries = CARRIES

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        base_url: str,
        query: Mapping[str, str],
        body: Mapping[str, Any],
        system: str,
        seed: bool,
        max_tokens_field: str,
        template: str,
        headers: Mapping[str, str],
        stream_usage: bool,
        bound: Bound,
    ) -> None:
        self._bound = bound
        self._endpoint, self._body, self._system, self._seed = endpoint, dict(body), system, seed
        self._max_tokens_field, self._template = max_tokens_field, template
        self._documents = DocumentsTemplate(template)
        self._about = {"base_url": base_url, "query": dict(query), "headers": dict(headers)}
        self._stream_usage = stream_usage

    def describe(self) -> Mapping[str, Any]:
        return {
            "target": "openai_compatible",
            **self._about,
            "body": self._body,
            "system": self._system,
            "seed": self._seed,
            "documents_template": self._template,
            **self._bound.describe(),
        }

    async def send(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            TargetFiltered: the provider's own filter refused the prompt or cut the answer.
            InvalidOutput: the answer is not as the target's schema says.
            TargetTimeout, TargetError: it did not answer, or not with a chat completion.
        """
        body = self._filled(request)
        reply = self._read(await self._endpoint.ask(body, tokens=self._expected(body), used=_used))
        return self._bound.held(reply, request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the answer's pieces as they arrive and, last, the whole reply. Close it to stop early.

        An endpoint that does not stream and answers in one piece is borne.

        Raises:
            TargetFiltered, TargetTimeout, TargetError: as for `send`; or the stream broke off, and how much had come.
        """
        body = {**self._filled(request), "stream": True}
        if self._stream_usage:
            body["stream_options"] = {"include_usage": True}
        expected, completion = self._expected(body), Completion()
        try:
            async with aclosing(self._endpoint.events(body, tokens=expected)) as events:
                async for event in events:
                    for delta in completion.take(event.data):
                        yield delta
                    if completion.done:
                        break
        except NoStream as other:
            reply = self._read(other.answer)
            for delta in deltas(reply):
                yield delta
            yield self._bound.held(reply, request)
            return
        reply = completion.reply()
        if spent := reply.usage.input_tokens + reply.usage.output_tokens:
            self._endpoint.spent(expected, spent)
        yield self._bound.held(reply, request)

    def as_http(self, request: Request) -> HttpCall:
        """Return the HTTP request behind a request, for `shipworthy repro`."""
        return self._endpoint.call(self._filled(request))

    async def close(self) -> None:
        await self._endpoint.close()

    @property
    def endpoint(self) -> str:
        """Names what targets share connections and limits with: origin and credential reference."""
        return self._endpoint.name

    @property
    def concurrency(self) -> int | None:
        """Calls at one time that everyone on this endpoint has together."""
        return self._endpoint.concurrency

    def _filled(self, request: Request) -> dict[str, Any]:
        request = self._bound.request(request)
        messages = self._documents.place(request)
        if self._system and not (messages and messages[0].role == "system"):
            messages = (say("system", self._system), *messages)
        filled: dict[str, Any] = openai.fill(
            request, messages, self._body, limit=self._max_tokens_field, seed=self._seed
        )
        return filled

    def _read(self, answer: HttpAnswer) -> Reply:
        origin = self._endpoint.origin
        if answer.status != 200:
            if openai.is_filtered(answer.body):
                raise TargetFiltered(f"{origin}: the provider's filter refused the prompt")
            raise TargetError(f"{origin} answered {describe_error(answer)}{_refused_field(answer.body)}")
        if not answer.is_json:
            kind = answer.media_type or "no content type"
            raise TargetError(f"{origin} did not answer JSON ({kind}): does the base URL end in /v1?")
        return openai.from_wire(answer.body)

    def _expected(self, body: Mapping[str, Any]) -> int:
        """Return a request's likely cost in tokens: four characters each, and the longest answer allowed."""
        said = sum(len(str(m.get("content") or "")) for m in body["messages"])
        return said // 4 + int(body.get(self._max_tokens_field) or 256)


_SETTINGS = {
    "temperature": "`temperature: null`",
    "max_tokens": "`max_tokens_field: max_completion_tokens`, or `max_tokens: null`",
    "max_completion_tokens": "`max_tokens_field: max_tokens`, or `max_tokens: null`",
    "seed": "`seed: false`",
    "stream_options": "`stream_usage: false`",
    "stream": "leave `stream` out of `extra`",
    "tools": "leave `tools` out",
}


_REFUSES = re.compile(
    r"unsupported|not support|unrecognized|unknown (?:argument|parameter|field)|extra (?:inputs|fields)|not permitted|"
    r"unexpected keyword",
    re.IGNORECASE,
)


def _refused_field(body: Any) -> str:
    """Say which field of the request an endpoint refuses, where it names one, and what setting leaves it out."""
    field = _field(error_within(body)) or _field(body)
    if not field:
        return ""
    setting = _SETTINGS.get(field, f"leave `{field}` out of `extra`")
    return f"; it refuses the field {field}: set {setting} in targets.yaml (`shipworthy scan --set NAME=VALUE`)"


def _field(error: Any) -> str:
    """Return the field that an error names: as `param`, as the last of a place, or, of those we know, in its words."""
    if not isinstance(error, Mapping):
        return ""
    details = error.get("detail", error.get("details"))
    for one in [error, *(details if isinstance(details, list) else [])]:
        place = one.get("loc") if isinstance(one, Mapping) else None
        field = place[-1] if isinstance(place, list) and place else one.get("param") if isinstance(one, Mapping) else ""
        if isinstance(field, str) and re.fullmatch(r"[a-z][a-z0-9_.\[\]]{1,60}", field):
            return field
    words = " ".join(said for name in ("message", "msg", "detail") if isinstance(said := error.get(name), str))
    if _REFUSES.search(words):
        known = sorted(_SETTINGS, key=len, reverse=True)
        return next((name for name in known if re.search(rf"\b{name}\b", words)), "")
    return ""


def _used(answer: HttpAnswer) -> int | None:
    if answer.status != 200:
        return 0
    try:
        return openai.tokens(answer.body["usage"]["total_tokens"])
    except openai.MISSHAPEN:
        return None


def sends_to(params: Mapping[str, Any]) -> str:
    """Return the host that a credential goes to; of what is no address, all of it, which nobody can have allowed."""
    return address.place(str(params.get("base_url"))) or repr(params.get("base_url"))


@target
@operational(
    "timeout",
    "silence",
    "retries",
    "longest_wait",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
)
def openai_compatible(
    *,
    base_url: str,
    model: str,
    key: str = "",
    key_header: str = "Authorization",
    system: str = "",
    harden: Sequence[str] = (),
    temperature: float | None = 0.0,
    max_tokens: int | None = 512,
    max_tokens_field: str = "max_tokens",
    seed: bool = True,
    stream_usage: bool = True,
    tools: Sequence[Mapping[str, Any]] = (),
    schema: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    documents_template: str = DOCUMENTS,
    timeout: float = 60.0,
    silence: float = 30.0,
    retries: int = 4,
    longest_wait: float = 60.0,
    concurrency: int | None = None,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    max_bytes: int = 8_000_000,
    proxies: bool = False,
    ca_file: str = "",
    plain_http: bool = False,
) -> OpenAICompatible:
    """Build a target on an OpenAI-compatible endpoint.

    Args:
        base_url: up to, not including, ``/chat/completions``.
        model: as the endpoint names it.
        key: credential reference, ``env:NAME`` or ``file:PATH``; none for an endpoint without.
        key_header: header that carries it; only ``Authorization`` gets ``Bearer`` before it (Azure: ``api-key``).
        system: system prompt of requests that bring none.
        harden: blocks behind `system`, of `shipworthy.core.hardening.BLOCKS`.
        temperature: null leaves it to the endpoint (some reasoning models refuse it).
        max_tokens: longest answer; null leaves it to the endpoint. `max_tokens_field` names the wire's field
            (``max_completion_tokens`` on newer OpenAI models).
        seed: send each request's seed; turn off where an endpoint refuses it.
        stream_usage: ask streams for their tokens (``stream_options``); turn off where an endpoint refuses it.
        tools: function tools offered with every request, as the API wants them; a request's own come after them.
        schema: JSON schema of every answer, sent as ``response_format``; an answer that breaks it is an error. Not for
            agents: what calls a tool is not held to it.
        extra: further fields of the request body, such as ``reasoning_effort``, or ``grammar`` where an endpoint takes
            one (llama.cpp).
        headers: further headers, not secret: they are part of the evidence.
        query: further query parameters, such as Azure's ``api-version``.
        documents_template: Jinja template that puts planted documents in the last user turn.
        timeout, silence, retries, longest_wait, concurrency, requests_per_minute, tokens_per_minute, max_bytes,
            proxies, ca_file, plain_http: see `HttpOptions`.
    """
    if not model:
        raise UsageError("openai_compatible needs the parameter 'model'")
    if max_tokens is not None and max_tokens < 1:
        raise UsageError(f"max_tokens must be 1 or more, not {max_tokens}")
    if temperature is not None and not 0 <= temperature < inf:
        raise UsageError(f"temperature must be 0 or more, not {temperature}")
    options = HttpOptions(
        timeout=timeout,
        silence=silence,
        retries=retries,
        longest_wait=longest_wait,
        concurrency=concurrency,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        max_bytes=max_bytes,
        proxies=proxies,
        ca_file=ca_file,
        plain_http=plain_http,
    )
    address = base_url.rstrip("/") + "/chat/completions" + (f"?{urlencode(query)}" if query else "")
    prefix = "Bearer " if key_header.lower() == "authorization" else ""
    body: dict[str, Any] = {"model": model, "stream": False}
    body |= {"temperature": temperature} if temperature is not None else {}
    body |= {max_tokens_field: max_tokens} if max_tokens is not None else {}
    body |= {"tools": [dict(t) for t in tools]} if tools else {}
    return OpenAICompatible(
        Endpoint(address, options, headers=headers, credentials={key_header: (key, prefix)} if key else None),
        base_url=base_url,
        query=query or {},
        body={**body, **(extra or {})},
        system=hardened(system, harden),
        seed=seed,
        max_tokens_field=max_tokens_field,
        template=documents_template,
        headers=headers or {},
        stream_usage=stream_usage,
        bound=Bound(schema),
    )
