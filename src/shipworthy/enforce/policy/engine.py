"""The policy engine: a policy file compiled to functions and looked up by the tool's name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, MutableSet
from pathlib import Path
from typing import Any

from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError
from shipworthy.core.events import PolicyEvent
from shipworthy.core.messages import ToolCall
from shipworthy.core.records import Request
from shipworthy.enforce.policy.budget import Accounts, Spent
from shipworthy.enforce.policy.checks import Compiled, compiled
from shipworthy.enforce.policy.mediator import Mediator
from shipworthy.enforce.policy.session import Session
from shipworthy.workspace.policies import PolicyFile

VERSION = 3
"""Raised when the same file starts to decide in another way."""


class Policy:
    """A tool policy that decides. One object serves any number of sessions.

    The work of one decision does not depend on the number of tools: a rule is found by its tool's name.

    Args:
        file: what was written.
        shadow: a dry run: every word is said and recorded, and every call runs.
        accounts: what users have spent, where a budget is a user's. Whoever serves users keeps one for all their
            conversations. Left out, every conversation begins with nothing spent, as the attempts of an evaluation
            must: what one of them spends may not decide another.

    Attributes:
        tools: the compiled rules.
        digest: ``sha256:…`` of all that changes a decision: the rules, their defaults, and the engine's version.

    Raises:
        PluginError: a path or a condition of a rule is none; the message names the tool.
        MissingExtra: a rule has a condition and the library for CEL is not installed.
    """

    def __init__(self, file: PolicyFile, *, shadow: bool = False, accounts: Accounts | None = None) -> None:
        self.file, self.shadow, self.accounts = file, shadow, accounts
        self.tools: dict[str, Compiled] = {}
        for name, rule in file.tools.items():
            try:
                self.tools[name] = compiled(name, rule, file.after_flag)
            except PluginError as error:
                raise PluginError(f"{name}: {error}") from None
        self.digest = digest(dict(self.describe()))

    @classmethod
    def read(cls, path: str | Path) -> Policy:
        """Read and compile a policy file.

        Raises:
            WorkspaceError: with file and line of everything that is wrong in it.
        """
        from shipworthy.workspace.read import read_policy

        return cls(read_policy(Path(path)))

    def describe(self) -> Mapping[str, Any]:
        """Return JSON with all that changes a decision: no prose, and no cases."""
        told = self.file.model_dump(mode="json", exclude={"cases": True, "implements": True})
        for rule in told["tools"].values():
            rule.pop("why")
        return {"engine": VERSION, "shadow": self.shadow, "policy": told}

    async def decide(self, call: ToolCall, request: Request) -> PolicyEvent:
        """Return the word on one call of a conversation of which nothing else is known; see `open`."""
        return await self.open(request.user).decide(call, request)

    def open(self, user: str) -> Mediator:
        """Open a conversation of an exchange."""
        return Mediator(self.session(user), shadow=self.shadow)

    def session(
        self,
        user: str = "",
        *,
        accounts: Accounts | None = None,
        spent: defaultdict[str, Spent] | None = None,
        endorsed: MutableSet[tuple[str, str, str]] | None = None,
    ) -> Session:
        """Open a session: one conversation of one user. The rest as for `Session`: what is known of it from before."""
        return Session(self, user, accounts=accounts, spent=spent, endorsed=endorsed)
