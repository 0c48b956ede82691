"""A tracker of issues, whichever it is: what is read of an issue, and what is done to one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from shipworthy.core.credentials import is_reference
from shipworthy.core.errors import StoreError, TargetError, UsageError
from shipworthy.net.answer import HttpAnswer, describe_error
from shipworthy.net.endpoint import Endpoint
from shipworthy.net.options import HttpOptions


class TrackedIssue(NamedTuple):
    """An issue of a tracker.

    Attributes:
        key: its id there, such as ``42`` or ``HELP-7``; `url` where people read it.
        closed: whether the tracker calls it done.
        created: ISO 8601, UTC.
        author: a code for who wrote it; no name.
    """

    key: str
    title: str
    text: str
    url: str
    created: str
    closed: bool
    labels: tuple[str, ...] = ()
    author: str = ""


class Tracker(Protocol):
    """A tracker: `name` such as ``github:owner/repo`` is the source of its signals and stands in references to it."""

    name: str

    def issues(self, label: str) -> list[TrackedIssue]:
        """Return its issues, open and closed, that have a label; all if it is empty."""

    def issue(self, key: str) -> TrackedIssue:
        """Return one issue."""

    def create(self, title: str, text: str, labels: Sequence[str]) -> TrackedIssue:
        """Make an issue."""

    def comment(self, key: str, text: str) -> None:
        """Add a comment."""

    def set_closed(self, key: str, closed: bool) -> None:
        """Close an issue, or open it again."""


class TrackerClient:
    """Asks a tracker's REST API, with a key that is a reference.

    Args:
        base: its address, without a slash at its end.
        headers: of every request.
        credential: header -> (reference, prefix).
        options: how it is asked.

    Raises:
        UsageError: the key is none by reference, or would travel in the clear.
    """

    def __init__(
        self,
        base: str,
        headers: dict[str, str],
        credential: dict[str, tuple[str, str]],
        options: HttpOptions | None = None,
    ) -> None:
        for reference, _ in credential.values():
            if not is_reference(reference):
                raise UsageError("the key of a tracker is a reference to it, env:NAME or file:PATH, and never the key")
        self._base, self._headers, self._credential = base, headers, credential
        self._options = options or HttpOptions(timeout=30.0, retries=2)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the tracker answers, as JSON.

        Raises:
            StoreError: it cannot be reached, or answers with an error, which is named without its words.
        """

        async def once() -> HttpAnswer:
            # What changes something is asked once: an answer that was lost must not make a second issue.
            options = self._options if method == "GET" else msgspec.structs.replace(self._options, retries=0)
            endpoint = Endpoint(
                f"{self._base}{path}", options, headers=self._headers, credentials=dict(self._credential)
            )
            try:
                return await endpoint.ask(body, method=method)
            finally:
                await endpoint.close()

        try:
            answer = asyncio.run(once())
        except TargetError as error:
            raise StoreError(f"the tracker {self._base} cannot be asked: {error}") from None
        if answer.status >= 300 or not (answer.is_json or answer.status == 204):
            raise StoreError(
                f"the tracker {self._base} answered {method} {path.partition('?')[0]} with {answer.status}: "
                f"{describe_error(answer)}"
            )
        return answer.body
