"""The tool policy as a stage of the gateway: opened anew for each request, from what the request says of its past."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from shipworthy.core.events import PolicyEvent
from shipworthy.core.messages import ToolCall
from shipworthy.core.records import Request
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.retold import Retold
from shipworthy.gateway.refusal import HttpRefusal
from shipworthy.gateway.spent import SpentBook

if TYPE_CHECKING:
    from collections.abc import Mapping as Headers

    from shipworthy.enforce.policy.session import Session

HEADER = "x-shipworthy-session"
"""Names a client's conversation: what was used and endorsed in it counts in all of its requests."""

Beat = Callable[[], Awaitable[object]]
"""Tells a client that waits that it still does."""


class PolicyAsker(NamedTuple):
    """Whose request it is, as far as a policy and a person have to know.

    Attributes:
        client: by its key; empty where none is asked for. Budgets of users are its.
        session: as the client calls its conversation; empty where it does not say.
        request: the id of its record, ``GR-…``.
        until: the event loop's time at which the request ends.
        beat: is called now and then while a person is waited for; None where nothing can be told.
    """

    client: str
    session: str
    request: str
    until: float
    beat: Beat | None = None


class PolicyStage:
    """One policy in force; one object for all requests of a worker.

    Args:
        policy: decides; in shadow where its file was made so.
        book: of what was used and endorsed, for budgets.

    Attributes:
        digest: of the policy: the one that an evaluation of it has.
    """

    def __init__(self, policy: Policy, book: SpentBook) -> None:
        self.policy, self._book = policy, book
        self.digest = policy.digest

    def open(self, asker: PolicyAsker) -> OpenedPolicy:
        """Return the policy for one request."""
        return OpenedPolicy(self.policy, self._book, asker)


class OpenedPolicy:
    """A policy for one conversation of one client, as the exchange takes it; see `ToolPolicy`."""

    def __init__(self, policy: Policy, book: SpentBook, asker: PolicyAsker) -> None:
        self._policy, self._book, self._asker = policy, book, asker

    def describe(self) -> Mapping[str, Any]:
        return self._policy.describe()

    def open(self, user: str) -> StagedConversation:
        """Open the conversation."""
        return StagedConversation(self._policy, self._book, self._asker)

    async def decide(self, call: ToolCall, request: Request) -> PolicyEvent:
        """Return the word on one call of a conversation of which nothing else is known."""
        return await self.open(request.user).decide(call, request)


class StagedConversation(Retold):
    """One request's conversation. What counts beyond the request, budgets and endorsements, is read before each word on
    a call and kept after it."""

    def __init__(self, policy: Policy, book: SpentBook, asker: PolicyAsker) -> None:
        self._page = book.page(asker.client, asker.session, policy)
        session: Session = self._page.session(policy, asker.client)
        super().__init__(session, shadow=policy.shadow)

    async def decide(self, call: ToolCall, request: Request) -> PolicyEvent:
        """Return the policy's word on a call."""
        try:
            self.hear(request)  # before others have to wait
            with self._page.held():
                return await super().decide(call, request)
        except Exception as error:
            return self.unheeded(error, call, request)

    async def answered(self, call: ToolCall, granted: ToolCall | None) -> None:
        """Take in a person's word on a call."""
        with self._page.held():
            await super().answered(call, granted)


def session_of(headers: Headers[str, str]) -> str:
    """Return how a client calls its conversation; empty where it does not say.

    Raises:
        HttpRefusal: it is no name.
    """
    named = headers.get(HEADER, "")
    if named and not re.fullmatch(r"[!-~]{1,200}", named):
        said = f"{HEADER} is up to 200 visible ASCII characters"
        raise HttpRefusal(400, "invalid_request_error", said, field=HEADER)
    return named
