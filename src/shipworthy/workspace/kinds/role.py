"""Who may decide what."""

from __future__ import annotations

from typing import Annotated

from shipworthy.workspace.fields import Entity, Id, Severity, Text, Title, Word
from shipworthy.workspace.kind import kind


class DecisionRights(Entity):
    """The worst severity up to which a role may decide; what is left out it may not do at all.

    Attributes:
        approve: a release whose risks are no worse.
        override: a no-ship whose reason is no worse.
        accept: a risk that is no worse, for a time: a waiver.
    """

    approve: Severity | None = None
    override: Severity | None = None
    accept: Severity | None = None


@kind("role", section="roles")
class Role(Entity):
    """A role, who holds it, and what they may decide.

    Attributes:
        holders: people, by the names that they sign with.
    """

    id: Annotated[str, Id("RO")]
    title: Title
    holders: tuple[Word, ...] = ()
    may: DecisionRights = DecisionRights()
    text: Text = ""
