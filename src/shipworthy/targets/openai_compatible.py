"""Any endpoint that speaks the OpenAI chat-completions API: OpenAI, Azure, vLLM, Ollama, llama.cpp, most gateways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from shipworthy.core.errors import TargetError, TargetFiltered, UsageError
from shipworthy.core.records import Reply, Request, say
from shipworthy.core.registry import target
from shipworthy.dialects import openai
from shipworthy.dialects.documents import DOCUMENTS, DocumentsTemplate
from shipworthy.net.answer import Answer, HttpCall, describe_error
from shipworthy.net.endpoint import Endpoint
from shipworthy.net.options import HttpOptions

FILTERED = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})
"""Codes by which a provider's own filter refuses a prompt (status 400); with 200 it is the finish reason."""


class OpenAICompatible:
    """The target behind `openai_compatible`. One connection pool; no state between requests."""

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
    ) -> None:
        self._endpoint, self._body, self._system, self._seed = endpoint, dict(body), system, seed
        self._max_tokens_field, self._template = max_tokens_field, template
        self._documents = DocumentsTemplate(template)
        self._about = {"base_url": base_url, "query": dict(query), "headers": dict(headers)}
        self.concurrency = endpoint.options.concurrency

    def describe(self) -> Mapping[str, Any]:
        return {
            "target": "openai_compatible",
            **self._about,
            "body": self._body,
            "system": self._system,
            "seed": self._seed,
            "documents_template": self._template,
        }

    async def send(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            TargetFiltered: the provider's own filter refused the prompt or cut the answer.
            TargetTimeout, TargetError: it did not answer, or not with a chat completion.
        """
        body = self._filled(request)
        answer = await self._endpoint.ask(body, tokens=self._expected(body), used=_used)
        if answer.status != 200:
            if _filtered(answer.body):
                raise TargetFiltered(f"{self._endpoint.origin}: the provider's filter refused the prompt")
            raise TargetError(f"{self._endpoint.origin} answered {describe_error(answer)}")
        if not answer.is_json:
            kind = answer.media_type or "no content type"
            raise TargetError(f"{self._endpoint.origin} did not answer JSON ({kind}): does the base URL end in /v1?")
        reply, finish = openai.from_wire(answer.body)
        if finish == "content_filter":
            raise TargetFiltered(f"{self._endpoint.origin}: the provider's filter cut the answer")
        return reply

    def as_http(self, request: Request) -> HttpCall:
        """Return the HTTP request behind a request, for `shipworthy repro`."""
        return self._endpoint.call(self._filled(request))

    async def close(self) -> None:
        await self._endpoint.close()

    def _filled(self, request: Request) -> dict[str, Any]:
        messages = self._documents.place(request)
        if self._system and not (messages and messages[0].role == "system"):
            messages = (say("system", self._system), *messages)
        body: dict[str, Any] = {**self._body, "messages": openai.to_wire(messages)}
        if request.max_tokens is not None:
            body[self._max_tokens_field] = request.max_tokens
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if self._seed:
            body["seed"] = request.seed & 0x7FFFFFFF
        if request.schema is not None:
            body["response_format"] = openai.response_format(request.schema)
        return body

    def _expected(self, body: Mapping[str, Any]) -> int:
        """Return a request's likely cost in tokens: four characters each, and the longest answer allowed."""
        said = sum(len(str(m.get("content") or "")) for m in body["messages"])
        return said // 4 + int(body.get(self._max_tokens_field) or 256)


def _used(answer: Answer) -> int | None:
    if answer.status != 200:
        return 0
    try:
        return int(answer.body["usage"]["total_tokens"])
    except (KeyError, TypeError, ValueError):
        return None


def _filtered(body: Any) -> bool:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return False
    inner = error.get("innererror")
    codes = {error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None}
    return bool({c for c in codes if isinstance(c, str)} & FILTERED)


@target
def openai_compatible(
    *,
    base_url: str,
    model: str,
    key: str = "",
    key_header: str = "Authorization",
    system: str = "",
    temperature: float | None = 0.0,
    max_tokens: int | None = 512,
    max_tokens_field: str = "max_tokens",
    seed: bool = True,
    tools: Sequence[Mapping[str, Any]] = (),
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    documents_template: str = DOCUMENTS,
    timeout: float = 60.0,
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
        temperature: null leaves it to the endpoint (some reasoning models refuse it).
        max_tokens: longest answer; null leaves it to the endpoint. `max_tokens_field` names the wire's field
            (``max_completion_tokens`` on newer OpenAI models).
        seed: send each request's seed; turn off where an endpoint refuses it.
        tools: function tools offered with every request, as the API wants them.
        extra: further fields of the request body, such as ``reasoning_effort``.
        headers: further headers, not secret: they are part of the evidence.
        query: further query parameters, such as Azure's ``api-version``.
        documents_template: Jinja template that puts planted documents in the last user turn.
        timeout, retries, longest_wait, concurrency, requests_per_minute, tokens_per_minute, max_bytes, proxies,
            ca_file, plain_http: see `HttpOptions`.
    """
    if not model:
        raise UsageError("openai_compatible needs the parameter 'model'")
    options = HttpOptions(
        timeout=timeout,
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
        system=system,
        seed=seed,
        max_tokens_field=max_tokens_field,
        template=documents_template,
        headers=headers or {},
    )
