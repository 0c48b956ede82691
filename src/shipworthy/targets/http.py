"""Any HTTP service that answers JSON: the request is filled in and the answer read out by JSONPath."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from shipworthy.core.carries import Need
from shipworthy.core.errors import TargetError, TargetFiltered, UsageError, did_you_mean
from shipworthy.core.records import Document, Message, MessagePart, Reasoning, Reply, Request, Text, ToolCall
from shipworthy.core.registry import operational, target
from shipworthy.dialects import openai, plain
from shipworthy.dialects.documents import DOCUMENTS, DocumentsTemplate
from shipworthy.net import address
from shipworthy.net.answer import HttpCall, describe_error
from shipworthy.net.endpoint import Endpoint
from shipworthy.net.options import HttpOptions

VALUES: dict[str, Callable[[Request], Any]] = {
    "messages": lambda r: openai.to_wire(r.messages),
    "documents": lambda r: [msgspec.to_builtins(d) for d in r.documents],
    "user": lambda r: r.user,
    "seed": lambda r: r.seed,
    "schema": lambda r: r.schema,
    "tools": lambda r: openai.tools_to_wire((), r.tools),
    "max_tokens": lambda r: r.max_tokens,
    "temperature": lambda r: r.temperature,
}
"""What can be put into a request body, besides `message`: the user's text."""

MESSAGE = "message"


def carries(params: Mapping[str, Any]) -> frozenset[Need]:
    """Say what it carries: what `put` puts into the request, and documents in the user's text."""
    put = params.get("put")
    return _carried(put.values() if isinstance(put, Mapping) else ())


def _carried(put: Iterable[Any]) -> frozenset[Need]:
    used = {what for what in put if isinstance(what, str)}
    found: set[Need] = {"documents"}
    if "messages" in used:
        found |= {"turns", "tools", "media"}
    if "user" in used:
        found.add("user")
    return frozenset(found)


class JsonService:
    """The target behind `http`."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        method: str,
        body: Any,
        put: Mapping[str, str],
        read: Mapping[str, str],
        template: str,
        headers: Mapping[str, str],
    ) -> None:
        self._endpoint, self._method, self._body, self._headers = endpoint, method, body, dict(headers)
        self._put, self._read, self._template = dict(put), {k: v for k, v in read.items() if v}, template
        self._documents = DocumentsTemplate(template)
        self._places = [(_path(where, "put"), what) for where, what in self._put.items()]
        self._paths = {name: _path(where, name) for name, where in self._read.items()}
        self.carries = _carried(self._put.values())

    def describe(self) -> Mapping[str, Any]:
        return {
            "target": "http",
            "url": self._endpoint.url,
            "method": self._method,
            "request": self._body,
            "put": self._put,
            "read": self._read,
            "headers": self._headers,
            "documents_template": "" if "documents" in self._put.values() else self._template,
        }

    async def send(self, request: Request) -> Reply:
        """Fill in the body, ask, and read the answer.

        Raises:
            TargetFiltered: the answer matches `filtered`.
            TargetTimeout, TargetError: no answer, or the paths do not lead to one in it.
        """
        answer = await self._endpoint.ask(self._filled(request), method=self._method)
        origin = self._endpoint.origin
        if answer.is_json and self._found("filtered", answer.body):
            raise TargetFiltered(f"{origin}: the service's own filter refused (the path 'filtered' matches)")
        if not 200 <= answer.status < 300:
            raise TargetError(f"{origin} answered {describe_error(answer)}")
        if not answer.is_json:
            raise TargetError(f"{origin} did not answer JSON ({answer.media_type or 'no content type'})")
        if self._found("error", answer.body):
            raise TargetError(f"{origin} answered {answer.status} with an error (the path 'error' matches)")
        calls = tuple(_call(c, n) for n, c in enumerate(self._matches("tool_calls", answer.body)))
        texts = self._matches("answer", answer.body)
        if not texts and not calls:
            raise TargetError(f"{origin}: the path {self._read['answer']!r} leads to nothing in its answer")
        if not all(isinstance(t, str) for t in texts):
            raise TargetError(f"{origin}: the path {self._read['answer']!r} leads to something that is no text")
        documents = tuple(_document(d, n) for n, d in enumerate(self._matches("retrieved", answer.body)))
        thought = tuple(Reasoning(t) for t in self._matches("reasoning", answer.body) if t)
        if not all(isinstance(part.text, str) for part in thought):
            raise TargetError(f"{origin}: the path {self._read['reasoning']!r} leads to something that is no text")
        said: tuple[MessagePart, ...] = (*thought, Text("\n".join(texts)), *calls)
        return Reply(messages=(Message("assistant", said),), retrieved=documents)

    @property
    def endpoint(self) -> str:
        """Names what targets share connections and limits with: origin and credential reference."""
        return self._endpoint.name

    @property
    def concurrency(self) -> int | None:
        """Calls at one time that everyone on this endpoint has together."""
        return self._endpoint.concurrency

    def as_http(self, request: Request) -> HttpCall:
        """Return the HTTP request behind a request, for `shipworthy repro`."""
        return self._endpoint.call(self._filled(request), self._method)

    async def close(self) -> None:
        await self._endpoint.close()

    def _filled(self, request: Request) -> Any:
        used = set(self._put.values())
        if request.tools and "tools" not in used:
            raise TargetError("the service cannot be offered tools: nothing puts 'tools' into its request")
        if "documents" not in used and "messages" in used:
            request = msgspec.structs.replace(request, messages=self._documents.place(request), documents=())
        values = {name: make(request) for name, make in VALUES.items() if name in used}
        if MESSAGE in used:
            values[MESSAGE] = self._message(request, used)
        body = copy.deepcopy(self._body)
        for path, what in self._places:
            body = path.update_or_create(body, values[what])
        return body

    def _message(self, request: Request, used: set[str]) -> str:
        taker = "the service (nothing puts 'messages' into its request)"
        if "messages" in used:
            # The history travels beside it.
            last = next((m for m in reversed(request.messages) if m.role == "user"), None)
            return plain.plain(last, taker="the path of 'message'") if last else ""
        if "documents" in used:
            request = msgspec.structs.replace(request, documents=())
        return plain.only_text(request, self._documents, taker=taker)

    def _matches(self, name: str, body: Any) -> list[Any]:
        if name not in self._paths:
            return []
        found = [m.value for m in self._paths[name].find(body)]
        # A path to a list means its items.
        return found[0] if len(found) == 1 and isinstance(found[0], list) else [f for f in found if f is not None]

    def _found(self, name: str, body: Any) -> bool:
        return any(self._matches(name, body))


def _path(where: str, name: str) -> Any:
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.parser import parse

    try:
        return parse(where)
    except JSONPathError as error:
        raise UsageError(f"{name}: {where!r} is not a JSONPath ({str(error).splitlines()[0]})") from None
    except Exception:  # jsonpath-ng's lexer raises bare exceptions for some inputs
        raise UsageError(f"{name}: {where!r} is not a JSONPath") from None


def _call(value: Any, number: int) -> ToolCall:
    if isinstance(value, Mapping):
        function = value.get("function", value)
        arguments = function.get("arguments", {})
        if isinstance(arguments, str):
            try:
                arguments = msgspec.json.decode(arguments or "{}")
            except msgspec.DecodeError:
                arguments = None
        if isinstance(function.get("name"), str) and isinstance(arguments, dict):
            return ToolCall(str(value.get("id") or f"call-{number + 1}"), function["name"], arguments)
    raise TargetError("the path 'tool_calls' leads to something that is no call ({name, arguments})")


def _document(value: Any, number: int) -> Document:
    if isinstance(value, str):
        return Document(f"doc-{number + 1}", value)
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        title = value.get("title")
        return Document(
            str(value.get("id") or f"doc-{number + 1}"), value["text"], title if isinstance(title, str) else ""
        )
    raise TargetError("the path 'retrieved' leads to something that is neither a text nor {text, id, title}")


def sends_to(params: Mapping[str, Any]) -> str:
    """Return the host that a credential goes to; of what is no address, all of it, which nobody can have allowed."""
    return address.place(str(params.get("url"))) or repr(params.get("url"))


@target
@operational("timeout", "retries", "longest_wait", "concurrency", "requests_per_minute")
def http(
    *,
    url: str,
    put: Mapping[str, str],
    answer: str,
    request: Any = None,
    method: str = "POST",
    tool_calls: str = "",
    retrieved: str = "",
    error: str = "",
    filtered: str = "",
    reasoning: str = "",
    key: str = "",
    key_header: str = "Authorization",
    headers: Mapping[str, str] | None = None,
    documents_template: str = DOCUMENTS,
    timeout: float = 60.0,
    retries: int = 4,
    longest_wait: float = 60.0,
    concurrency: int | None = None,
    requests_per_minute: float | None = None,
    max_bytes: int = 8_000_000,
    proxies: bool = False,
    ca_file: str = "",
    plain_http: bool = False,
) -> JsonService:
    """Build a target on a JSON service.

    Args:
        url: where the request goes.
        put: JSONPath in the request -> what to put there: `message` (the user's text), `messages` (the conversation,
            as in the OpenAI API), `documents`, `user`, `seed`, `schema`, `max_tokens`, `temperature`.
        answer: JSONPath of the answer's text in the response; several matches are joined by line feeds.
        request: the body to fill in; an empty object by default.
        method: POST, PUT or PATCH.
        tool_calls, retrieved: JSONPath of calls ({name, arguments}) and of retrieved documents (texts, or {text, id,
            title}) in the response.
        error, filtered: JSONPath; where it leads to something true, the answer is an error, or a filter's refusal.
        reasoning: JSONPath of what the service thought aloud beside its answer, if it tells: texts. Whether a leak in
            there counts is for ``shows_reasoning`` to say, beside ``use``.
        key, key_header: as for `openai_compatible`.
        headers: further headers, not secret.
        documents_template: Jinja template for planted documents where nothing puts `documents`.
        timeout, retries, longest_wait, concurrency, requests_per_minute, max_bytes, proxies, ca_file, plain_http: see
            `HttpOptions`.

    Raises:
        UsageError: a path does not parse, or nothing puts the user's text into the request.
    """
    for what in put.values():
        if what not in VALUES and what != MESSAGE:
            raise UsageError(f"put: unknown value {what!r}: {did_you_mean(what, [MESSAGE, *VALUES])}")
    if not {MESSAGE, "messages"} & set(put.values()):
        raise UsageError("put: nothing puts 'message' or 'messages' into the request")
    if method not in ("POST", "PUT", "PATCH"):
        raise UsageError(f"method must be POST, PUT or PATCH, not {method!r}")
    options = HttpOptions(
        timeout=timeout,
        retries=retries,
        longest_wait=longest_wait,
        concurrency=concurrency,
        requests_per_minute=requests_per_minute,
        max_bytes=max_bytes,
        proxies=proxies,
        ca_file=ca_file,
        plain_http=plain_http,
    )
    prefix = "Bearer " if key_header.lower() == "authorization" else ""
    return JsonService(
        Endpoint(url, options, headers=headers, credentials={key_header: (key, prefix)} if key else None),
        method=method,
        body={} if request is None else request,
        put=put,
        read={
            "answer": answer,
            "tool_calls": tool_calls,
            "retrieved": retrieved,
            "error": error,
            "filtered": filtered,
            "reasoning": reasoning,
        },
        template=documents_template,
        headers=headers or {},
    )
