"""Where a request goes: an address that carries no credential, and headers that carry none either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from shipworthy.core.errors import UsageError
from shipworthy.core.grants import PLAIN

_SECRET = re.compile(
    r"authorization|cookie|secret|passw|credential|(?:^|[-_])(?:sig|signature)$"
    r"|(?:^|[-_])(?:api|access|auth|subscription|private|x|session|refresh|id)[-_]?(?:key|token)$|^(?:key|token|code)$",
    re.IGNORECASE,
)
"""Names of headers and query parameters that carry a credential."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SAFE = "%/:=&?~+!$,;'@()*[]"


def check(url: str, *, secret: bool, plain_http: bool) -> SplitResult:
    """Return an address in its parts.

    Args:
        secret: a credential is sent with every request.
        plain_http: it may travel unencrypted to another machine.

    Raises:
        UsageError: it is no http address, or carries a credential, or a key would travel in the clear.
    """
    # `urlsplit` takes them out in silence, and another host is asked than the one that is read.
    if _UNSENDABLE.search(url) or "\t" in url:
        raise UsageError("an address holds no control characters: look for line breaks in it")
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
            "or set plain_http: true if that network is yours (which your own leave must say too)"
        )
    return parts


def place(url: str) -> str | None:
    """Return where an http address leads, as a user's leave names it; or None.

    That is its host, and its port where it has one. `PLAIN` stands before it where whoever is on the way could read
    what is sent: that takes leave of its own. It reads the address as `check` does, so that what leave was asked for is
    where the request goes.

    >>> place("https://API.example.com/v1"), place("http://[::1]:8000"), place("http://a.org/v1")
    ('api.example.com', '[::1]:8000', 'plain_http:a.org')
    >>> place("see https://a.org"), place("file:/etc/x")
    (None, None)
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        plain = parts.scheme == "http" and not _loopback(parts.hostname)
        return (PLAIN if plain else "") + origin(parts).partition("://")[2].casefold()
    except ValueError:
        return None


def check_headers(headers: Mapping[str, str]) -> None:
    """Check headers that are sent as they are, and are part of the evidence.

    Raises:
        UsageError: one looks like a credential, or is something that cannot be sent.
    """
    for name, value in headers.items():
        if _SECRET.search(name) or str(value).startswith(("env:", "file:")):
            raise UsageError(
                f"headers: {name} looks like a credential, and headers are part of the evidence: "
                f"give it as `key: env:NAME` with `key_header: {name}`"
            )
        if not _TOKEN.fullmatch(name) or _UNSENDABLE.search(str(value)):
            raise UsageError(f"headers: {name!r} cannot be sent (look for line breaks or blanks in it)")


def origin(parts: SplitResult) -> str:
    """Return scheme, host and port, for messages."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


def encoded(parts: SplitResult) -> str:
    """Return the address in the characters that go over the wire. What is percent-encoded stays as it is.

    Raises:
        UsageError: the host is no name that DNS could hold.
    """
    try:
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except UnicodeError:
        raise UsageError("the address names a host that cannot exist") from None
    target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
    return f"{parts.scheme}://{host}{target}"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
