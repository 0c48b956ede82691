"""The dialects that clients speak, as the gateway uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shipworthy.dialects import (
    anthropic_serve,
    json_rpc,
    openai_responses_answer,
    openai_responses_serve,
    openai_serve,
)
from shipworthy.dialects.served import Asking
from shipworthy.gateway.refusal import HttpRefusal


class Errors(Protocol):
    """Writes errors."""

    def error(self, refusal: HttpRefusal) -> Mapping[str, Any]:
        """Return an error's body."""


class OpenAI:
    """OpenAI chat completions."""

    def read(self, body: Any, also: Sequence[str]) -> Asking:
        return openai_serve.read(body, also)

    def answering(self, asking: Asking, id: str, created: int) -> openai_serve.OpenAIAnswering:
        return openai_serve.OpenAIAnswering(asking, f"chatcmpl-{id}", created)

    def error(self, refusal: HttpRefusal) -> Mapping[str, Any]:
        return openai_serve.error(refusal.message, refusal.kind, refusal.field, refusal.code)

    def broken(self, refusal: HttpRefusal) -> bytes:
        return openai_serve.broken(refusal.message, refusal.kind, refusal.code)


class Anthropic:
    """Anthropic messages."""

    def read(self, body: Any, also: Sequence[str]) -> Asking:
        return anthropic_serve.read(body, also)

    def answering(self, asking: Asking, id: str, created: int) -> anthropic_serve.AnthropicAnswering:
        return anthropic_serve.AnthropicAnswering(asking, f"msg_{id}")

    def error(self, refusal: HttpRefusal) -> Mapping[str, Any]:
        return anthropic_serve.error(refusal.message, refusal.status)

    def broken(self, refusal: HttpRefusal) -> bytes:
        return anthropic_serve.broken(refusal.message, refusal.status)


class Mcp:
    """MCP: an error outside of any conversation of its own."""

    def error(self, refusal: HttpRefusal) -> Mapping[str, Any]:
        return json_rpc.error(None, json_rpc.INVALID_REQUEST, refusal.message)


class Responses(OpenAI):
    """OpenAI responses, for one request: that its answer broke off is said with what there is of it."""

    def __init__(self) -> None:
        self._answering: openai_responses_answer.ResponsesAnswering | None = None

    def read(self, body: Any, also: Sequence[str]) -> Asking:
        return openai_responses_serve.read(body, also)

    def answering(  # type: ignore[override]
        self, asking: Asking, id: str, created: int
    ) -> openai_responses_answer.ResponsesAnswering:
        self._answering = openai_responses_answer.ResponsesAnswering(asking, id, created)
        return self._answering

    def broken(self, refusal: HttpRefusal) -> bytes:
        if self._answering is None:
            return super().broken(refusal)
        return self._answering.failed(refusal.message, refusal.kind, refusal.code)


OPENAI, ANTHROPIC, MCP = OpenAI(), Anthropic(), Mcp()
