"""The dialects that clients speak, as the gateway uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shipworthy.dialects import anthropic_serve, json_rpc, openai_serve
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


OPENAI, ANTHROPIC, MCP = OpenAI(), Anthropic(), Mcp()
