"""Whether an address in the gateway's file may be asked, and may be sent the key that the file names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Protocol

from shipworthy.core.errors import Problem, UsageError
from shipworthy.core.grants import TRUSTING, Grants
from shipworthy.net import address
from shipworthy.net.address import place
from shipworthy.workspace.fields import Loc
from shipworthy.workspace.nodes import YamlFile


class Reached(Protocol):
    """Whoever has an address, and perhaps a key."""

    url: str
    key: str | None
    plain_http: bool
    ca_file: str


class Way(Protocol):
    """How something is sent."""

    plain_http: bool
    ca_file: str


def reaching(source: YamlFile, loc: Loc, asked: Reached, grants: Grants) -> Iterator[Problem]:
    """Yield what is wrong with an address and the leave for its key."""
    keys: dict[Loc, str] = {("key",): asked.key} if asked.key is not None else {}
    yield from leading(source, loc, "url", url=asked.url, keys=keys, how=asked, grants=grants)


def leading(
    source: YamlFile, loc: Loc, field: str, *, url: str, keys: Mapping[Loc, str], how: Way, grants: Grants
) -> Iterator[Problem]:
    """Yield what is wrong with an address that is sent to, and with the keys that go there.

    Args:
        field: that holds the address, below `loc`.
        keys: where each stands below `loc`, and its reference.
    """
    try:
        parts = address.check(url, secret=bool(keys), plain_http=how.plain_http)
    except UsageError as error:
        yield source.problem((*loc, field), f"{field!r}: {error}")
        return
    if parts.query:
        yield source.problem((*loc, field), f"{field!r} carries a query: paths are put behind it")
    if why := _unreachable(parts.hostname or ""):
        yield source.problem((*loc, field), f"{field!r} leads to {why}: nothing is served there")
    to = place(url)
    for where in [to, *([TRUSTING + to] if how.ca_file and to else [])]:
        for at, reference in keys.items():
            if where and not grants.allow_key(reference, where):
                said = f"{reference!r} is sent to {where} if this file has its way, and you have not allowed it"
                hint = f"if that is right: shipworthy allow key {reference} {where}"
                yield source.problem((*loc, *at), said, hint)


def _unreachable(host: str) -> str:
    """Say why an address can be no upstream: a cloud's own address for its machines' credentials, above all."""
    try:
        found = ip_address(host)
    except ValueError:
        return "a cloud's metadata service" if host.rstrip(".") in ("metadata.google.internal", "metadata") else ""
    if mapped := getattr(found, "ipv4_mapped", None):
        found = mapped
    if found.is_link_local:
        return "a link-local address, where clouds keep their machines' credentials"
    return "no one machine" if found.is_multicast or found.is_unspecified else ""
