"""Where a service listens, who may ask it, and what one request may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import Field

from shipworthy.core.errors import Problem, UsageError
from shipworthy.gateway.fields import Count, Reference, Seconds
from shipworthy.workspace.fields import NUMBER, Entity
from shipworthy.workspace.nodes import YamlFile


class ClientSpec(Entity):
    """Who may ask.

    Attributes:
        key: reference to what it sends as its key.
        role: an ``operator`` also reads the details of ``/health``.
        models: patterns of the models that it may ask for; `mcp` of the MCP servers.
        requests_per_minute, concurrency: of all its requests together.
    """

    key: Reference
    role: Literal["client", "operator"] = "client"
    models: Annotated[tuple[str, ...], Field(min_length=1, max_length=1_000)] = ("*",)
    mcp: Annotated[tuple[str, ...], Field(max_length=1_000)] = ("*",)
    requests_per_minute: Annotated[float, NUMBER, Field(gt=0)] | None = None
    concurrency: Count = 64


class LimitsSpec(Entity):
    """What one request may take.

    Attributes:
        body_bytes, header_bytes: of a request; `header_bytes` for each of its lines.
        request_s: from its head to the end of its answer; `body_s` to the end of its body.
        idle_s: without a whole head, on a new connection or between two requests.
        write_s: that a client may take for what is written to it.
        flying: requests at one time in one worker; more are refused.
    """

    body_bytes: Count = 4_000_000
    header_bytes: Count = 16_384
    request_s: Seconds = 300.0
    body_s: Seconds = 20.0
    idle_s: Seconds = 30.0
    write_s: Seconds = 30.0
    flying: Count = 1_000


def fits(model: str, patterns: tuple[str, ...]) -> bool:
    """Say whether a model's name fits one of some patterns."""
    return any(fnmatchcase(model, pattern) for pattern in patterns)


def listen(written: str) -> tuple[str, int]:
    """Return host and port.

    Raises:
        UsageError: it is neither.

    >>> listen("127.0.0.1:8080"), listen("[::1]:0")
    (('127.0.0.1', 8080), ('::1', 0))
    """
    host, _, port = written.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 65_536):
        raise UsageError("must be a host and a port, such as 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]"), int(port)


@lru_cache(maxsize=64)
def loopback(host: str) -> bool:
    """Say whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listening(source: YamlFile, written: str, keys: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with where a service listens and who may ask: other machines may with a key of their own.

    Args:
        written: the value of ``listen``.
        keys: client -> reference to its key.
    """
    try:
        host, _ = listen(written)
    except UsageError as error:
        yield source.problem(("listen",), f"'listen' {error}")
        return
    if not keys and not loopback(host):
        said = "'listen' is reachable from other machines, and there are no 'clients' with keys: no key, no service"
        yield source.problem(("listen",), said, "listen on 127.0.0.1, or give each client a key")
    used = list(keys.values())
    for name, key in keys.items():
        if used.count(key) > 1:
            yield source.problem(("clients", name, "key"), "two clients have one key: each has its own")
