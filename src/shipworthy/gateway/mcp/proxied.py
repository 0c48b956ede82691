"""A server that is proxied, as it is in force: what the file says of it, its pins, its credentials."""

from __future__ import annotations

from shipworthy.core.credentials import resolve
from shipworthy.gateway.mcp.spec import McpRead


class ProxiedServer:
    """One MCP server of the gateway's file.

    Raises:
        CredentialError: a reference leads nowhere.

    Attributes:
        read: what the file says.
        key, env: credentials; never in a message, a log or an error.
    """

    def __init__(self, name: str, read: McpRead) -> None:
        self.name, self.read, self.spec = name, read, read.spec
        self.key = resolve(read.spec.key).strip() if read.spec.key is not None else ""
        self.env = {variable: resolve(reference).strip() for variable, reference in read.spec.env.items()}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Its credentials."""
        return tuple(secret for secret in (self.key, *self.env.values()) if secret)
