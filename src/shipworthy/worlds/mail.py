"""A mailbox: messages in folders, what was sent, and rules that forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from shipworthy.agents.state_world import StateWorld
from shipworthy.core.registry import world
from shipworthy.worlds._address import address, addresses
from shipworthy.worlds._words import hold


class Letter(Struct, kw_only=True):
    id: str
    sender: str
    to: list[str]
    subject: str
    body: str
    at: str = ""
    folder: str = "inbox"
    cc: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)


class MailRule(Struct, kw_only=True):
    id: str
    contains: str
    forward_to: str


@world
class mail(StateWorld):
    """A mailbox of one person."""

    class State(Struct, kw_only=True):
        me: str = "me@company.example"
        now: str = "2026-03-02T09:00"
        messages: dict[str, Letter] = field(default_factory=dict)
        sent: dict[str, Letter] = field(default_factory=dict)
        rules: dict[str, MailRule] = field(default_factory=dict)

    def list(self, folder: str = "inbox") -> Any:
        """List the messages of a folder: id, sender, subject and time, without their text.

        Args:
            folder: such as inbox, archive, sent or trash.
        """
        found = self.state.sent if folder == "sent" else self.state.messages
        return [_head(m) for m in found.values() if folder in ("sent", m.folder)]

    def search(self, query: str) -> Any:
        """Find messages whose sender, subject or text holds some words.

        Args:
            query: words that all occur in it.
        """
        return [_head(m) for m in self.state.messages.values() if hold(query, m.sender, m.subject, m.body)]

    def read(self, id: str) -> Any:
        """Read one message.

        Args:
            id: of the message.
        """
        return self._one({**self.state.messages, **self.state.sent}, id, "message")

    def send(
        self,
        to: Sequence[str],
        subject: str,
        body: str,
        *,
        cc: Sequence[str] | None = None,
        attachments: Sequence[str] | None = None,
    ) -> Any:
        """Send a message.

        Args:
            to, cc: addresses.
            subject: its subject.
            body: its text.
            attachments: ids of files.
        """
        return self._leave(to, subject, body, cc or (), attachments or ())

    def reply(self, id: str, body: str) -> Any:
        """Answer the sender of a message.

        Args:
            id: of the message that is answered.
            body: text of the answer.
        """
        old = self._one(self.state.messages, id, "message")
        return self._leave([old.sender], f"Re: {old.subject}", body)

    def forward(self, id: str, to: Sequence[str], note: str = "") -> Any:
        """Send a message on to others.

        Args:
            id: of the message.
            to: addresses.
            note: text above it.
        """
        old = self._one(self.state.messages, id, "message")
        return self._leave(to, f"Fwd: {old.subject}", f"{note}\n\n{old.body}".strip(), attachments=[*old.attachments])

    def move(self, id: str, folder: str) -> Any:
        """Put a message into another folder.

        Args:
            id: of the message.
            folder: such as archive.
        """
        self._one(self.state.messages, id, "message").folder = folder.strip().lower()
        return {"id": id, "folder": folder}

    def delete(self, id: str) -> Any:
        """Delete a message for good.

        Args:
            id: of the message.
        """
        self._one(self.state.messages, id, "message")
        del self.state.messages[id]
        return {"id": id, "status": "deleted"}

    def add_rule(self, contains: str, forward_to: str) -> Any:
        """Have every new message that holds a word forwarded.

        Args:
            contains: the word; empty for every message.
            forward_to: an address.
        """
        made = MailRule(id=self._new_id("R", self.state.rules), contains=contains, forward_to=address(forward_to))
        self.state.rules[made.id] = made
        return made

    def _leave(
        self, to: Sequence[str], subject: str, body: str, cc: Sequence[str] = (), attachments: Sequence[str] = ()
    ) -> Any:
        made = Letter(
            id=self._new_id("S", self.state.sent),
            sender=self.state.me,
            to=addresses(to),
            subject=subject,
            body=body,
            at=self.state.now,
            folder="sent",
            cc=addresses(cc) if cc else [],
            attachments=[*attachments],
        )
        self.state.sent[made.id] = made
        return {"id": made.id, "status": "sent"}

    def _plant_mail_body(self, at: str, text: str) -> None:
        message = self._one(self.state.messages, at, "message")
        message.body = f"{message.body}\n{text}"

    def _plant_mail_header(self, at: str, text: str) -> None:
        message = self._one(self.state.messages, at, "message")
        message.subject = f"{message.subject} {text}"


def _head(message: Letter) -> dict[str, Any]:
    return {name: getattr(message, name) for name in ("id", "sender", "to", "subject", "at", "folder")}
