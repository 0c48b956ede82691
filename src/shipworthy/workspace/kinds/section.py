"""What only people can say of a section of the dossier: its text, or why it does not apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import model_validator

from shipworthy.workspace.fields import Entity, Id, Text, Title, Word
from shipworthy.workspace.inside import missing_file
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph

SECTIONS = 20
"""Of a dossier, numbered from 00."""

_ALWAYS = {0: "what was decided", 1: "what the system is", 19: "what the pack holds"}
"""Sections that apply to every system."""

_MADE_OF = {
    2: ("component",), 3: ("data",), 4: ("threat", "risk"), 6: ("requirement",), 8: ("criterion",),
    10: ("control", "guard", "policy"), 14: ("monitor",), 15: ("lever", "escalation"), 16: ("waiver",), 18: ("role",),
}  # fmt: skip
"""What a section is made of: where there is any, it applies."""


def number_of(section: str) -> int:
    """Return the number in a section's id: of ``SEC-05`` 5; -1 where it has none that there is."""
    digits = section.removeprefix("SEC-")
    return int(digits) if len(digits) == 2 and digits.isascii() and digits.isdigit() and int(digits) < SECTIONS else -1


def _check(said: Placed[DossierEntry], draft: Draft, graph: Graph) -> None:
    one = said.entity
    number = number_of(one.id)
    if number < 0:
        hint = f"the sections are SEC-00 to SEC-{SECTIONS - 1}: `shipworthy documents list --sections`"
        draft.problems.append(said.problem(("id",), f"a dossier has no section {one.id!r}", hint))
    elif one.not_applicable is not None:
        there = [f"{kind} {name}" for kind in _MADE_OF.get(number, ()) for name in graph.of_kind(kind)]
        why = f"it tells {_ALWAYS[number]}" if number in _ALWAYS else f"there is the {there[0]}" if there else ""
        if why:
            hint = "take 'not_applicable' out, or what it is made of"
            draft.problems.append(said.problem(("not_applicable",), f"{one.id} applies: {why}", hint))
    for index, name in enumerate(one.files):
        if why := missing_file(draft.root, name):
            hint = "a path inside the workspace, such as docs/trade-offs.md"
            draft.problems.append(said.problem(("files", index), f"{one.id} refers to {name!r}: {why}", hint))


@kind("section", section="dossier", check=_check)
class DossierEntry(Entity):
    """What people say of one section of the dossier (`shipworthy documents`), beside what is worked out.

    Attributes:
        id: ``SEC-00`` to ``SEC-19``.
        not_applicable: why there is nothing to say: the end of a sentence that begins with "because".
        text: what there is to say.
        files: paths inside the workspace that hold more: named in the dossier with their digests.
        by: who says so.
        public: whether it may stand in what customers are given.
    """

    id: Annotated[str, Id("SEC")]
    not_applicable: Title | None = None
    text: Text = ""
    files: tuple[Word, ...] = ()
    by: Word
    public: bool = False

    @model_validator(mode="after")
    def _one(self) -> DossierEntry:
        said = bool(self.text.strip() or self.files)
        if said and self.not_applicable is not None:
            raise ValueError("says that it does not apply, and something of it: one of the two")
        if not said and self.not_applicable is None:
            raise ValueError("says nothing: write 'text', name 'files', or say why it is 'not_applicable'")
        return self
