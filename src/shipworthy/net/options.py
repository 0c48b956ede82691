"""How an endpoint is asked: times, tries, rates and bounds. None of it changes an answer."""

from __future__ import annotations

from msgspec import Struct

from shipworthy.core.errors import UsageError

_POSITIVE = (
    "timeout",
    "silence",
    "longest_wait",
    "concurrency",
    "requests_per_minute",
    "tokens_per_minute",
    "max_bytes",
)


class HttpOptions(Struct, frozen=True, kw_only=True):
    """How an endpoint is asked; none of it changes an answer.

    Attributes:
        timeout: seconds for one try, from connecting to the last byte.
        silence: longest seconds between two events of a stream.
        retries: further tries after 408, 425, 429, 5xx and broken connections.
        longest_wait: seconds; an endpoint that says "retry after" more is given up at once.
        concurrency: requests in flight, None for no limit of the endpoint's own.
        max_bytes: longest answer read.
        proxies: use the proxies that the environment names (HTTPS_PROXY and the like). Off: evaluation text goes where
            it was sent, and nowhere else.
        ca_file: PEM file of the authority that signed the endpoint's certificate, beside the system's own.
        plain_http: allow a key to travel unencrypted to another machine.
    """

    timeout: float = 60.0
    silence: float = 30.0
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
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be more than 0, not {value}")
        if self.retries < 0:
            raise UsageError(f"retries must be 0 or more, not {self.retries}")
