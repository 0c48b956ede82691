"""Whether an address in the gateway's file may be asked, and may be sent the key that the file names."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Protocol

from shipworthy.core.errors import Problem, UsageError
from shipworthy.core.grants import TRUSTING, Grants
from shipworthy.net import address
from shipworthy.net.address import place
from shipworthy.workspace.nodes import YamlFile


class Reached(Protocol):
    """Whoever has an address, and perhaps a key."""

    url: str
    key: str | None
    plain_http: bool
    ca_file: str


def reaching(source: YamlFile, loc: tuple[str, ...], asked: Reached, grants: Grants) -> Iterator[Problem]:
    """Yield what is wrong with an address and the leave for its key."""
    try:
        parts = address.check(asked.url, secret=asked.key is not None, plain_http=asked.plain_http)
    except UsageError as error:
        yield source.problem((*loc, "url"), f"'url': {error}")
        return
    if parts.query:
        yield source.problem((*loc, "url"), "'url' carries a query: paths are put behind it")
    if why := _unreachable(parts.hostname or ""):
        yield source.problem((*loc, "url"), f"'url' leads to {why}: nothing is served there")
    to = place(asked.url)
    for where in [to, *([TRUSTING + to] if asked.ca_file and to else [])]:
        if asked.key is not None and where and not grants.allow_key(asked.key, where):
            said = f"{asked.key!r} is sent to {where} if this file has its way, and you have not allowed it"
            hint = f"if that is right: shipworthy allow key {asked.key} {where}"
            yield source.problem((*loc, "key"), said, hint)


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
