"""A server that is proxied, as it is in force: its pins, its policy, and what users have spent under it."""

from __future__ import annotations

from shipworthy.core.credentials import resolve
from shipworthy.enforce.policy.budget import Accounts
from shipworthy.enforce.policy.engine import Policy
from shipworthy.gateway.mcp.spec import McpRead


class ProxiedServer:
    """One MCP server of the gateway's file.

    Raises:
        CredentialError: a reference leads nowhere.
        PluginError: the policy cannot be compiled.

    Attributes:
        read: what the file says.
        policy: stands before the calls of every session; None where there is none.
        key, env: credentials; never in a message, a log or an error.
    """

    def __init__(self, name: str, read: McpRead) -> None:
        self.name, self.read, self.spec = name, read, read.spec
        self.key = resolve(read.spec.key).strip() if read.spec.key is not None else ""
        self.env = {variable: resolve(reference).strip() for variable, reference in read.spec.env.items()}
        self.policy: Policy | None = None
        if read.policy is not None:
            self.policy = Policy(read.policy, shadow=read.spec.policy_mode == "shadow", accounts=Accounts())

    @property
    def secrets(self) -> tuple[str, ...]:
        """Its credentials."""
        return tuple(secret for secret in (self.key, *self.env.values()) if secret)
