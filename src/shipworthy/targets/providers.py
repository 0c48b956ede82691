"""Anthropic, Google, Bedrock, Mistral, Cohere, Groq and the rest, each through its own client, by pydantic-ai.

Proxies and other ambient settings follow the provider's client, unlike those of `openai_compatible`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.core.carries import Need
from shipworthy.core.credentials import resolve
from shipworthy.core.errors import MissingExtra, TargetError, TargetFiltered, TargetTimeout, UsageError
from shipworthy.core.extras import require
from shipworthy.core.records import (
    Audio,
    Image,
    Message,
    MessagePart,
    Reasoning,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    say,
)
from shipworthy.core.registry import operational, target
from shipworthy.dialects.documents import DOCUMENTS, DocumentsTemplate
from shipworthy.dialects.openai import is_filtered
from shipworthy.net import retry
from shipworthy.net.answer import HttpAnswer, describe_error

CARRIES: frozenset[Need] = frozenset({"turns", "documents", "tools", "media"})


def carries(params: Mapping[str, Any]) -> frozenset[Need]:
    """Say what it carries, whatever its parameters: no provider takes who asks."""
    return CARRIES


class ProviderModel:
    """The target behind `providers`.

    Args:
        model: a pydantic-ai `Model`.
        name: as it was configured, ``provider:model``.
    """

    carries = CARRIES
    tells_cost = True
    """By the prices that pydantic-ai knows. A model that it has no price of needs `price` beside `use`."""

    def __init__(
        self,
        model: Any,
        *,
        name: str,
        system: str = "",
        temperature: float | None = 0.0,
        max_tokens: int | None = 512,
        seed: bool = False,
        tools: Sequence[Mapping[str, Any]] = (),
        template: str = DOCUMENTS,
        timeout: float = 60.0,
        retries: int = 4,
        longest_wait: float = 60.0,
        concurrency: int | None = None,
        endpoint: str = "",
    ) -> None:
        self._model, self._name, self._system, self._seed = model, name, system, seed
        self._temperature, self._max_tokens = temperature, max_tokens
        self._template, self._documents = template, DocumentsTemplate(template)
        self._tools = [_tool(t) for t in tools]
        self._timeout, self._retries, self._longest_wait = timeout, retries, longest_wait
        self.concurrency, self.endpoint = concurrency, endpoint or name.partition(":")[0]

    def describe(self) -> Mapping[str, Any]:
        return {
            "target": "providers",
            "model": self._name,
            "system": self._system,
            "temperature": self._temperature,
            "max_tokens": self._max_tokens,
            "seed": self._seed,
            "tools": self._tools,
            "documents_template": self._template,
        }

    async def send(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            TargetFiltered: the provider's own filter refused the prompt or the answer.
            TargetTimeout, TargetError: it did not answer. No message of the provider is passed on: it may quote text.
        """
        from pydantic_ai import direct
        from pydantic_ai import exceptions as failed
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.output import OutputObjectDefinition
        from pydantic_ai.tools import ToolDefinition

        messages = self._documents.place(request)
        if self._system and not (messages and messages[0].role == "system"):
            messages = (say("system", self._system), *messages)
        offered = [*self._tools, *(_tool(msgspec.to_builtins(spec)) for spec in request.tools)]
        tools = [
            ToolDefinition(name=t["name"], description=t["description"], parameters_json_schema=t["parameters"])
            for t in offered
        ]
        names = [tool.name for tool in tools]
        if len(set(names)) < len(names):
            raise TargetError("a tool is offered twice: by the target and by the request")
        parameters = ModelRequestParameters(function_tools=tools)
        if request.schema is not None:
            shape = OutputObjectDefinition(json_schema=dict(request.schema), name="answer", strict=True)
            parameters = ModelRequestParameters(function_tools=tools, output_mode="native", output_object=shape)
        asked = _to_provider(messages)
        for attempt in range(self._retries + 1):
            wait: float | None = None
            try:
                with warnings.catch_warnings():
                    # A client without the setting retries by itself: two loops of retries, no wrong answer.
                    warnings.simplefilter("ignore", failed.UnsupportedSettingWarning)
                    async with asyncio.timeout(self._timeout):
                        response = await direct.model_request(
                            self._model,
                            asked,
                            model_settings=self._settings(request),
                            model_request_parameters=parameters,
                        )
                return self._reply(response)
            except (TimeoutError, failed.ModelTimeoutError, failed.ModelRequestTimeout):
                raise TargetTimeout(f"{self._name} did not answer within {self._timeout:g} s") from None
            except failed.ContentFilterError:
                raise TargetFiltered(f"{self._name}: the provider's filter refused") from None
            except failed.ModelHTTPError as error:
                if is_filtered(error.body) or is_filtered({"error": error.body}):
                    raise TargetFiltered(f"{self._name}: the provider's filter refused the prompt") from None
                answer = HttpAnswer(error.status_code, error.body, True, "")
                wait = retry.retry_after(error.headers or {})
                if (
                    error.status_code not in retry.RETRIED
                    or attempt == self._retries
                    or (wait or 0) > self._longest_wait
                ):
                    raise TargetError(f"{self._name} answered {describe_error(answer)}") from None
            except failed.ModelConnectionError as error:
                if attempt == self._retries:
                    raise TargetError(f"the connection to {self._name} failed ({type(error).__name__})") from None
            except (failed.AgentRunError, failed.UserError) as error:
                raise TargetError(f"{self._name} did not answer ({type(error).__name__})") from None
            await asyncio.sleep((wait or 0) + retry.backoff(attempt))
        raise AssertionError("unreachable: the last try returns or raises")

    async def close(self) -> None:
        """Nothing to let go of: pydantic-ai shares its clients."""

    def _settings(self, request: Request) -> Any:
        settings: dict[str, Any] = {"timeout": self._timeout, "max_retries": 0}
        temperature = self._temperature if request.temperature is None else request.temperature
        limit = self._max_tokens if request.max_tokens is None else request.max_tokens
        settings |= {"temperature": temperature} if temperature is not None else {}
        settings |= {"max_tokens": limit} if limit is not None else {}
        settings |= {"seed": request.seed & 0x7FFFFFFF} if self._seed else {}
        return settings

    def _reply(self, response: Any) -> Reply:
        from pydantic_ai.messages import TextPart, ThinkingPart, ToolCallPart

        if response.finish_reason == "content_filter":
            raise TargetFiltered(f"{self._name}: the provider's filter cut the answer")
        if response.finish_reason == "error":
            raise TargetError(f"{self._name} ended its answer with an error")
        parts: list[MessagePart] = []
        for part in response.parts:
            if isinstance(part, TextPart):
                parts.append(Text(part.content))
            elif isinstance(part, ThinkingPart) and part.content:
                parts.append(Reasoning(part.content))
            elif isinstance(part, ToolCallPart):
                parts.append(ToolCall(part.tool_call_id, part.tool_name, part.args_as_dict()))
        calls = any(isinstance(p, ToolCall) for p in parts)
        cost = _cost(response)  # by pydantic-ai's price list: the provider itself says none
        return Reply(
            messages=(Message("assistant", tuple(parts) or (Text(""),)),),
            usage=Usage(response.usage.input_tokens, response.usage.output_tokens, cost, cost),
            finish="length" if response.finish_reason == "length" else "tool_calls" if calls else "stop",
            model=response.model_name or self._name,
        )


def _cost(response: Any) -> float:
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError, AssertionError):
        return 0.0  # A model without a listed price: `Usage` says zero where nothing is known.


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a function tool, from the OpenAI form or the bare one, as name, description and parameters."""
    function = tool.get("function", tool)
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise UsageError("tools: each needs a name, a description and parameters (a JSON schema)")
    return {
        "name": function["name"],
        "description": str(function.get("description", "")),
        "parameters": dict(function.get("parameters") or {"type": "object", "properties": {}}),
    }


def _to_provider(messages: Sequence[Message]) -> list[Any]:
    """Return the conversation as pydantic-ai's requests and responses."""
    from pydantic_ai import messages as wire

    turns: list[Any] = []
    for message in messages:
        if message.role == "assistant":
            parts: list[Any] = [wire.TextPart(message.text)] if message.text else []
            parts += [wire.ToolCallPart(c.name, json.dumps(c.arguments), c.id) for c in message.tool_calls]
            turns.append(wire.ModelResponse(parts=parts))
        else:
            turns.append(wire.ModelRequest(parts=_request_parts(message)))
    return turns


def _request_parts(message: Message) -> list[Any]:
    from pydantic_ai import messages as wire

    if message.role == "system":
        return [wire.SystemPromptPart(message.text)]
    results = [
        wire.ToolReturnPart(p.name, p.text, p.id, outcome="failed" if p.is_error else "success")
        for p in message.parts
        if isinstance(p, ToolResult)
    ]
    content = [_content(p) for p in message.parts if not isinstance(p, ToolResult)]
    return results + ([wire.UserPromptPart(content)] if content else [])


def _content(part: MessagePart) -> Any:
    from pydantic_ai import messages as wire

    match part:
        case Text(text):
            return text
        case Image() if part.url:
            return wire.ImageUrl(part.url)
        case Image() | Audio():
            return wire.BinaryContent(base64.b64decode(part.data), media_type=part.media_type)
        case _:
            raise TargetError(f"a {type(part).__name__} cannot stand in a user turn")


def sends_to(params: Mapping[str, Any]) -> str:
    """Return the provider that a credential goes to."""
    return str(params.get("model", "")).partition(":")[0].casefold() or "providers"


@target
@operational("timeout", "retries", "longest_wait", "concurrency")
def providers(
    *,
    model: str,
    key: str = "",
    system: str = "",
    temperature: float | None = 0.0,
    max_tokens: int | None = 512,
    seed: bool = False,
    tools: Sequence[Mapping[str, Any]] = (),
    documents_template: str = DOCUMENTS,
    timeout: float = 60.0,
    retries: int = 4,
    longest_wait: float = 60.0,
    concurrency: int | None = None,
) -> ProviderModel:
    """Build a target on a provider's own API.

    Args:
        model: ``provider:model`` as pydantic-ai names it: ``anthropic:...``, ``google:...``, ``bedrock:...``, ...
        key: credential reference; without one the provider's client finds its own (a variable, a cloud role).
        system: system prompt of requests that bring none.
        temperature, max_tokens: null leaves them to the provider.
        seed: send each request's seed; most providers take none.
        tools: function tools, in the OpenAI form or as {name, description, parameters}.
        documents_template: Jinja template that puts planted documents in the last user turn.
        timeout, retries, longest_wait, concurrency: as for `openai_compatible`.

    Raises:
        MissingExtra: pydantic-ai, or the provider's own client, is not installed.
        UsageError: the provider is unknown, or it finds no credential.
    """
    models = require("pydantic_ai.models", extra="providers", package="pydantic-ai-slim")
    registry = require("pydantic_ai.providers", extra="providers", package="pydantic-ai-slim")
    from pydantic_ai.exceptions import UserError

    def provider(name: str) -> Any:
        return registry.infer_provider_class(name)(api_key=resolve(key)) if key else registry.infer_provider(name)

    if ":" not in model:
        raise UsageError(f"model must be 'provider:model', such as 'anthropic:NAME', not {model!r}")
    try:
        built = models.infer_model(model, provider_factory=provider)
    except ImportError as error:
        raise MissingExtra(f"the client of {model.partition(':')[0]}", "providers") from error
    except (UserError, ValueError) as error:
        raise UsageError(f"{model}: {str(error).splitlines()[0]}") from None
    except TypeError:
        raise UsageError(f"{model}: this provider takes no key; leave `key` out and use its own credentials") from None
    return ProviderModel(
        built,
        name=model,
        system=system,
        temperature=temperature,
        max_tokens=max_tokens,
        seed=seed,
        tools=tools,
        template=documents_template,
        timeout=timeout,
        retries=retries,
        longest_wait=longest_wait,
        concurrency=concurrency,
        endpoint=" ".join(filter(None, (model.partition(":")[0], key))),
    )
