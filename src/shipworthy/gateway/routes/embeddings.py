"""OpenAI embeddings: guards look at the texts, and only numbers come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from shipworthy.core.errors import TargetError
from shipworthy.core.records import Reply, Request, Usage, answer
from shipworthy.dialects import embeddings_serve
from shipworthy.dialects.served import Asking
from shipworthy.gateway.candidates import Candidates
from shipworthy.gateway.clients import GatewayClient
from shipworthy.gateway.dialects import OpenAI
from shipworthy.gateway.gateway import Gateway
from shipworthy.gateway.refusal import HttpRefusal
from shipworthy.gateway.routes import route
from shipworthy.gateway.turn import RequestTurn, upstream_refusal
from shipworthy.gateway.upstream import GatewayUpstream
from shipworthy.net.answer import describe_error

PATH = "/embeddings"


class EmbeddingsDialect(OpenAI):
    """Embeddings are asked for in OpenAI's words, and refused in them."""

    def read(self, body: Any, also: Sequence[str]) -> Asking:
        return embeddings_serve.read(body, also)


class EmbeddingVectors:
    """One request's call, as the exchange's target. What it says is nothing; `found` is what it brings."""

    def __init__(self, upstreams: Candidates, asking: Asking) -> None:
        self._upstreams, self._asking = upstreams, asking
        self.found: list[list[float]] = []
        self.usage = Usage()
        self.status = 0

    def describe(self) -> Mapping[str, Any]:
        return {"target": "gateway"}

    async def send(self, request: Request) -> Reply:
        """Ask for the vectors of the request's messages, as guards left them."""
        texts = [message.text for message in request.messages]
        return await self._upstreams.ask(self, lambda upstream: self._asked(upstream, texts))

    async def _asked(self, upstream: GatewayUpstream, texts: list[str]) -> Reply:
        model = upstream.spec.model or self._asking.model
        body = {**self._asking.fields, "model": model, "input": texts}
        told = await upstream.endpoint(PATH).ask(body, also=self._upstreams.headers)
        self.status = told.status
        if told.status != 200:
            raise TargetError(f"the upstream answered {describe_error(told)}")
        self.found, self.usage = embeddings_serve.vectors(told.body, len(texts))
        return answer("", usage=self.usage)

    async def close(self) -> None:
        """Nothing: connections are the upstream's."""


class Embedding(RequestTurn):
    """One request for vectors."""

    async def _answered(self, asking: Asking, upstream: Candidates, client: GatewayClient) -> web.StreamResponse:
        call = EmbeddingVectors(upstream, asking)
        try:
            await self._exchange(upstream.channel(call), client, converses=False).ask(asking.messages)
        except TargetError as error:
            raise upstream_refusal(error, call.status) from None
        if self._blocked:  # there are no words to give in place of numbers
            said = "a guard kept back a text"
            raise HttpRefusal(
                400, "invalid_request_error", said, field="input", code="content_filter", ending="blocked"
            )
        return await self._give(embeddings_serve.whole(asking, call.found, call.usage))


DIALECT = EmbeddingsDialect()


@route("POST", "/v1/embeddings")
async def embeddings(gateway: Gateway, request: web.BaseRequest) -> web.StreamResponse:
    """Answer with a vector for each text."""
    return await Embedding(gateway, request, DIALECT, gateway.keeper.look()).answer()
