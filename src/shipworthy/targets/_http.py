"""Asking an HTTP endpoint: retries, limits, bounds, and errors that carry neither key nor text."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from shipworthy.core.credentials import resolve
from shipworthy.core.errors import TargetError, TargetTimeout, UsageError
from shipworthy.targets._direct import Broken, Direct, Response, TooLong
from shipworthy.targets._limits import Rate
from shipworthy.targets._proxied import Proxied

REDIRECTS = frozenset({301, 302, 303, 307, 308})
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_SECRET = re.compile(
    r"authorization|cookie|secret|passw|credential|(?:^|[-_])(?:sig|signature)$"
    r"|(?:^|[-_])(?:api|access|auth|subscription|private|x|session|refresh|id)[-_]?(?:key|token)$|^(?:key|token|code)$",
    re.IGNORECASE,
)
"""Names of headers and query parameters that carry a credential."""
BACKOFF_S, BACKOFF_MAX_S = 0.5, 30.0
"""Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): the wait is uniform in [0, min(max, base 2^n)]."""


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint is asked; none of it changes an answer.

    Attributes:
        timeout: seconds for one try, from connecting to the last byte.
        retries: further tries after 408, 425, 429, 5xx and broken connections.
        longest_wait: seconds; an endpoint that says "retry after" more is given up at once.
        concurrency: requests in flight, None for no limit of the target's own.
        max_bytes: longest answer read.
        proxies: use the proxies that the environment names (HTTPS_PROXY and the like). Off: evaluation text goes where
            it was sent, and nowhere else.
        ca_file: PEM file of the authority that signed the endpoint's certificate, beside the system's own.
        plain_http: allow a key to travel unencrypted to another machine.
    """

    timeout: float = 60.0
    retries: int = 4
    longest_wait: float = 60.0
    concurrency: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_bytes: int = 8_000_000
    proxies: bool = False
    ca_file: str = ""
    plain_http: bool = False

    def __post_init__(self) -> None:
        for name in ("timeout", "longest_wait", "concurrency", "requests_per_minute", "tokens_per_minute", "max_bytes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be more than 0, not {value}")
        if self.retries < 0:
            raise UsageError(f"retries must be 0 or more, not {self.retries}")


class HttpCall(msgspec.Struct, frozen=True):
    """A request as it would be sent, for people to send by hand: the key's place is marked, its value is not there."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any


class Answer(msgspec.Struct, frozen=True):
    """What an endpoint said in the end: its status and its JSON, if it was JSON."""

    status: int
    body: Any
    is_json: bool
    media_type: str


class Endpoint:
    """One HTTP endpoint.

    Args:
        url: where; without user, password or fragment.
        headers: sent as they are, and part of what the target declares.
        credentials: header name -> credential reference, or a (reference, prefix) pair. Resolved when first needed,
            sent to `url` only (redirects are never followed), kept out of every message.

    Raises:
        UsageError: the address is none, or carries a credential, or a key would travel in the clear.
    """

    def __init__(
        self,
        url: str,
        options: HttpOptions,
        *,
        headers: Mapping[str, str] | None = None,
        credentials: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.url, self.options = url, options
        self._headers = dict(headers or {})
        self._credentials = dict(credentials or {})
        for name, value in self._headers.items():
            if _SECRET.search(name) or str(value).startswith(("env:", "file:")):
                raise UsageError(
                    f"headers: {name} looks like a credential, and headers are part of the evidence: "
                    f"give it as `key: env:NAME` with `key_header: {name}`"
                )
        parts = _checked(url, secret=bool(self._credentials), plain_http=options.plain_http)
        self.origin = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
        self._requests = Rate(options.requests_per_minute) if options.requests_per_minute else None
        self._tokens = Rate(options.tokens_per_minute) if options.tokens_per_minute else None
        self._connections: Direct | Proxied | None = None
        self._turns: asyncio.Semaphore | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._not_before = 0.0

    async def ask(
        self,
        body: Any,
        *,
        tokens: int = 0,
        used: Callable[[Answer], int | None] | None = None,
        method: str = "POST",
    ) -> Answer:
        """Send one request and return the answer, whatever its status, once it is final.

        Args:
            tokens: what the request may cost, for the limit on tokens a minute.
            used: reads from an answer what it did cost; None where it does not say.

        Raises:
            TargetTimeout: no try was answered in time.
            TargetError: the connection kept breaking, the answer was too long, or it pointed elsewhere.
        """
        connections, turns = self._bound()
        payload = b"" if method == "GET" else msgspec.json.encode(body)
        async with turns if turns is not None else _Open():
            for attempt in range(self.options.retries + 1):
                last = attempt == self.options.retries
                await self._wait(tokens)
                wait: float | None
                try:
                    answer, wait = await self._once(connections, method, payload)
                except _Broken as broken:
                    self._spent(tokens, 0)
                    if last:
                        raise TargetError(str(broken)) from None
                    wait = None
                else:
                    self._spent(tokens, used(answer) if used else None)
                    if answer.status not in RETRIED or last:
                        return answer
                    if wait is not None:
                        if wait > self.options.longest_wait:
                            return answer
                        # Everybody waits: the others would only be refused too.
                        self._not_before = max(self._not_before, time.monotonic() + wait)
                await asyncio.sleep((wait or 0.0) + random.uniform(0, min(BACKOFF_MAX_S, BACKOFF_S * 2**attempt)))
        raise AssertionError("unreachable: the last try returns or raises")

    def call(self, body: Any, method: str = "POST") -> HttpCall:
        """Return a request as it would be sent, ``$KEY`` where a credential goes."""
        keys = {name: f"{prefix}$KEY" for name, (_, prefix) in self._credentials.items()}
        return HttpCall(method, self.url, {"Content-Type": "application/json", **self._headers, **keys}, body)

    async def close(self) -> None:
        connections, self._connections = self._connections, None
        if connections is not None and self._loop is asyncio.get_running_loop():
            await connections.close()

    def _bound(self) -> tuple[Direct | Proxied, asyncio.Semaphore | None]:
        """Return connections and semaphore of the running loop: neither survives into another one."""
        loop = asyncio.get_running_loop()
        if self._connections is None or self._loop is not loop:
            limit = self.options.concurrency
            self._loop = loop
            self._turns = asyncio.Semaphore(limit) if limit else None
            headers = {
                "Content-Type": "application/json",
                "Accept": "application/json",
                # A short compressed answer can unpack to gigabytes.
                "Accept-Encoding": "identity",
                "User-Agent": "shipworthy",
                **self._headers,
                **{name: prefix + _secret(ref) for name, (ref, prefix) in self._credentials.items()},
            }
            way = Proxied if self.options.proxies else Direct
            self._connections = way(self.url, headers, _trust(self.options.ca_file), self.options.max_bytes)
        return self._connections, self._turns

    async def _wait(self, tokens: int) -> None:
        while (pause := self._not_before - time.monotonic()) > 0:  # noqa: ASYNC110 - another refusal may move it on
            await asyncio.sleep(pause)
        if self._requests:
            await self._requests.take()
        if self._tokens and tokens:
            await self._tokens.take(tokens)

    def _spent(self, expected: int, really: int | None) -> None:
        if self._tokens and really is not None:
            self._tokens.correct(expected - really)

    async def _once(self, connections: Direct | Proxied, method: str, payload: bytes) -> tuple[Answer, float | None]:
        try:
            # Around all of it: a body that trickles in would never end.
            async with asyncio.timeout(self.options.timeout):
                response = await connections.ask(method, payload)
        except TimeoutError:
            raise TargetTimeout(f"{self.origin} did not answer within {self.options.timeout:g} s") from None
        except TooLong:
            raise TargetError(f"{self.origin} answered more than {self.options.max_bytes} bytes") from None
        except Broken as error:
            raise _Broken(f"the connection to {self.origin} failed ({error})") from None
        if response.status in REDIRECTS and "location" in response.headers:
            raise TargetError(self._elsewhere(response))
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            body, is_json = msgspec.json.decode(response.body), True
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            body, is_json = None, False
        return Answer(response.status, body, is_json, media_type), retry_after(response.headers)

    def _elsewhere(self, response: Response) -> str:
        host = urlsplit(response.headers.get("location", "")).hostname or "another path"
        return f"{self.origin} redirects to {host}: not followed; put the final address in the configuration"


class _Broken(Exception):
    """The connection broke: worth another try."""


class _Open:
    """No limit."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


def _secret(reference: str) -> str:
    value = resolve(reference)
    if not value.isascii() or any(c in value for c in "\r\n\0") or not value.strip():
        raise UsageError("the credential is not something a header can carry (look for line breaks or other alphabets)")
    return value.strip()


def _trust(ca_file: str) -> Any:
    import ssl

    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"ca_file {ca_file}: {error.strerror or 'no certificate in it'}") from None
    return context


def _checked(url: str, *, secret: bool, plain_http: bool) -> Any:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - parsed when read
    except ValueError as error:
        raise UsageError(f"not an address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("an address starts with http:// or https:// and names a host")
    if parts.username or parts.password or parts.fragment:
        raise UsageError("an address carries no user, password or fragment: give the key as a reference, 'env:NAME'")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if _SECRET.search(name):
            raise UsageError(
                f"the address carries {name!r}, which looks like a credential, and the address is part of the "
                "evidence: give it as `key: env:NAME`, in a header named by `key_header`"
            )
    if secret and parts.scheme == "http" and not plain_http and not _loopback(parts.hostname):
        raise UsageError(
            f"a key would travel to {parts.hostname} unencrypted: use https, "
            "or set plain_http: true if that network is yours"
        )
    return parts


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds an answer asks to wait, >= 0, from ``Retry-After`` (RFC 9110, 10.2.3) or ``retry-after-ms``.

    >>> retry_after({"retry-after": "3"})
    3.0
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
            return float(text) * scale
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def describe_error(answer: Answer) -> str:
    """Return an error's kind as the endpoint names it, and what to do: never its sentence, which may quote the prompt.

    Endpoints answer ``{"error": {"type": ..., "code": ...}}``, one of the two, or a string.
    """
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    kinds = [error.get(k) for k in ("code", "type")] if isinstance(error, dict) else []
    words = [k for k in kinds if isinstance(k, str) and re.fullmatch(r"[A-Za-z][A-Za-z_.-]{1,40}", k)]
    hint = {
        401: "check the key",
        403: "the key may not do this",
        404: "check the address and the model's name",
        413: "the request is too long",
        429: "over the provider's limit: lower requests_per_minute, tokens_per_minute or concurrency",
    }.get(answer.status, "")
    text = " ".join([f"status {answer.status}", *([f"({', '.join(dict.fromkeys(words))})"] if words else [])])
    return f"{text}: {hint}" if hint else text
