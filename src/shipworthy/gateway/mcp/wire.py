"""The two ends of a session, as it sees them: the client that it answers, and the server that it asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from shipworthy.dialects.json_rpc import BadRpc, RpcId, RpcMessage

Hear = Callable[[RpcMessage | BadRpc | None, RpcId | None], Awaitable[None]]
"""Takes in what a server says, one message after the other: None where it will say nothing more. The second is our
request that it belongs to, where that shows."""


class WireBroken(Exception):
    """A server that cannot be reached, or does not take what it is sent. The message is ours."""


class ServerWire(Protocol):
    """A server."""

    lost: str
    """Why nothing more will come; empty while it may."""

    async def start(self, hear: Hear) -> None:
        """Reach it, and pass on what it says from now on; raises `WireBroken`."""

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send it a message; raises `WireBroken`."""

    async def opened(self, version: str) -> None:
        """Take in that the handshake is over, with this revision of the protocol."""

    async def close(self, *, at_once: bool = False) -> None:
        """Let go of it; `at_once` gives it no time to end by itself."""


class ClientWire(Protocol):
    """A client."""

    async def send(self, message: Mapping[str, Any], related: RpcId | None) -> bool:
        """Send it a message of the server's own; say whether there was somebody to take it.

        Args:
            related: the client's request that it belongs to.
        """
