"""The check of an answer that arrives in pieces: a sentence is held back until it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipworthy.core.events import PolicyEvent
from shipworthy.core.foreign import kind_of
from shipworthy.enforce.policy.answer import settled, without

if TYPE_CHECKING:
    from shipworthy.enforce.policy.session import Session


class AnswerStream:
    """One text of an answer. However it is cut, what comes out is what `without` makes of the whole of it.

    Args:
        session: what the policy knows. Nothing more may be read into it meanwhile.
        shadow: what is found is only recorded; every piece passes as it comes, whatever goes wrong here.

    Attributes:
        events: the policy's words on what was left out, of turn 0.
    """

    def __init__(self, session: Session, *, shadow: bool) -> None:
        self.events: list[PolicyEvent] = []
        self._session, self._shadow, self._held = session, shadow, ""
        self._search = None if shadow else session.search()

    def feed(self, text: str) -> str:
        """Take a piece; return what may leave now."""
        self._held += text
        if self._search is None:
            return text
        whole, self._held = self._held[: (at := settled(self._held))], self._held[at:]
        return self._left(whole)

    def finish(self) -> str:
        """Return what was still held: nothing follows."""
        held, self._held = self._held, ""
        if self._search is not None:
            return self._left(held)
        try:
            self.events += [one.event(0, shadow=True) for one in self._session.steering(held)]
        except Exception as error:
            self.events.append(PolicyEvent(0, "", "deny", "answer", f"its check failed: {kind_of(error)}", shadow=True))
        return ""

    def _left(self, text: str) -> str:
        found = list(self._search.find(text)) if self._search is not None else []
        self.events += [one.event(0, shadow=False) for one in found]
        return without(text, found) if found else text
