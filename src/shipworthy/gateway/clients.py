"""Who may ask, and how much: keys, roles and limits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from shipworthy.core.credentials import resolve
from shipworthy.core.errors import UsageError
from shipworthy.gateway.listening import ClientSpec, fits
from shipworthy.gateway.refusal import HttpRefusal

FEWEST = 16
"""Characters of a client's key."""


class Throttle:
    """How often something may be begun, in one worker: a bucket that fills with time and holds ten seconds' worth.

    Args:
        rate: a minute, in all workers.
        share: of it that this worker has: one divided by the number of workers.
    """

    def __init__(self, rate: float, share: float = 1.0) -> None:
        self.rate, self._per_second = rate, rate * share / 60
        self._most = max(1.0, rate * share / 6)
        self._tokens, self._filled = self._most, time.monotonic()

    def take(self, said: str) -> None:
        """Count one in.

        Raises:
            Refusal: it is one too many; says so, and when another may come.
        """
        now = time.monotonic()
        self._tokens = min(self._most, self._tokens + (now - self._filled) * self._per_second)
        self._filled = now
        if self._tokens < 1:
            wait = (1 - self._tokens) / self._per_second
            raise HttpRefusal(429, "rate_limit_error", said, code="rate_limit", retry_s=wait)
        self._tokens -= 1


class GatewayClient:
    """One client, in one worker.

    Args:
        name: as the gateway's file calls it; empty for whoever asks where no keys are asked for.
        share: of its limits that this worker has: one divided by the number of workers.
    """

    def __init__(self, name: str, spec: ClientSpec | None, share: float = 1.0) -> None:
        self.name, self._spec = name, spec
        per_minute = spec.requests_per_minute if spec is not None else None
        self._throttle = Throttle(per_minute, share) if per_minute is not None else None
        self._places = max(1, round(spec.concurrency * share)) if spec is not None else None
        self._flying = 0

    @property
    def operates(self) -> bool:
        """Whether it may read the details of ``/health``."""
        return self._spec is None or self._spec.role == "operator"

    def may_ask(self, model: str) -> bool:
        """Say whether it may ask for a model."""
        return self._spec is None or fits(model, self._spec.models)

    def may_use(self, server: str) -> bool:
        """Say whether it may use an MCP server."""
        return self._spec is None or fits(server, self._spec.mcp)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take one request's place.

        Raises:
            Refusal: it asks too often, or too much at one time.
        """
        if self._places is not None and self._flying >= self._places:
            said = f"this key has {self._places} requests in flight, as many as it may"
            raise HttpRefusal(429, "rate_limit_error", said, code="concurrency", retry_s=1.0)
        if self._throttle is not None:
            self._throttle.take("this key asks more often than it may")
        self._flying += 1
        try:
            yield
        finally:
            self._flying -= 1


class Clients:
    """All of them, by the digest of their key: what is compared is no secret, and takes the same time whatever it is.

    Raises:
        CredentialError: a reference leads nowhere.
        UsageError: a key is too short to be one, or two clients have the same.
    """

    def __init__(self, specs: Mapping[str, ClientSpec], workers: int = 1) -> None:
        self._known: dict[bytes, GatewayClient] = {}
        for name, spec in specs.items():
            key = resolve(spec.key).strip()
            if len(key) < FEWEST or not key.isascii() or not key.isprintable() or " " in key:
                raise UsageError(
                    f"the key of the client {name!r} ({spec.key}) is no key: it needs {FEWEST} characters or more, "
                    "ASCII, no blanks"
                )
            hashed = sha256(key.encode()).digest()
            if hashed in self._known:
                raise UsageError(f"the clients {self._known[hashed].name!r} and {name!r} have the same key")
            self._known[hashed] = GatewayClient(name, spec, 1 / workers)
        self._anyone = GatewayClient("", None) if not specs else None

    @property
    def asks_for_keys(self) -> bool:
        """Whether a key is needed."""
        return self._anyone is None

    def find(self, key: str) -> GatewayClient | None:
        """Return whose key it is; None where it is nobody's."""
        if self._anyone is not None:
            return self._anyone
        return self._known.get(sha256(key.encode("utf-8", "surrogateescape")).digest())
