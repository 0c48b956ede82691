"""The catalogue of AI threats that comes with shipworthy: what may be done to systems like yours, and when.

It describes, and never instructs: what an attacker needs, which parts it concerns, where public catalogues describe
it, what helps, and which of our suites tests it. An entry that nothing of ours tests says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.workspace.draft import in_order
from shipworthy.workspace.nodes import read_yaml
from shipworthy.workspace.parties import Capability, Party
from shipworthy.workspace.policies import Effect
from shipworthy.workspace.taxonomies import ref_problem
from shipworthy.workspace.validate import validate

FOLDER = Path(__file__).parent.parent / "library" / "threats"

THREATS = "of AI threats"
"""What messages call it."""

Vector = Literal[
    "direct-injection", "indirect-injection", "poisoning", "supply-chain", "extraction", "misuse", "overload",
    "intrusion", "accident",
]  # fmt: skip
"""How a threat is carried out."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TestedBy(_Part):
    """What of ours measures it."""

    suite: str
    metric: str


class Precondition(_Part):
    """What must be so of a component, and of the system around it. What a workspace does not say counts as so.

    Attributes:
        writers: any of them can change what it holds.
        effect: its calls reach as far as any of these.
        holds: it keeps or passes on data of any of these sensitivities.
        run_by_others: somebody else runs it.
        unpinned: its version is not fixed.
        also: the system has a component of any of these kinds, too.
        several: the system has more than one component of its kind.
        tiers: the system is in one of these.
    """

    writers: tuple[Party, ...] = ()
    effect: tuple[Effect, ...] = ()
    holds: tuple[str, ...] = ()
    run_by_others: bool = False
    unpinned: bool = False
    also: tuple[str, ...] = ()
    several: bool = False
    tiers: tuple[str, ...] = ()


class CatalogueThreat(_Part):
    """One entry.

    Attributes:
        id: ``AIT-`` and words; it never changes.
        preconditions: in words, for people; `when` the part of them that a workspace can tell.
        components: the kinds of component it applies to.
        capability: what it takes to carry it out.
        tested_by: a suite of the library and its metric; None where nothing of ours tests it, and `untested` says why.
    """

    id: str = Field(pattern=r"^AIT-[a-z0-9]+(-[a-z0-9]+)*$")
    title: str = Field(min_length=8, max_length=100)
    text: str = Field(min_length=40, max_length=400)
    vector: Vector
    preconditions: tuple[str, ...] = Field(min_length=1)
    components: tuple[str, ...] = Field(min_length=1)
    when: Precondition = Precondition()
    capability: Capability
    refs: tuple[str, ...] = Field(min_length=1)
    controls: tuple[str, ...] = Field(min_length=1)
    tested_by: TestedBy | None = None
    untested: str = ""

    @model_validator(mode="after")
    def _one_or_the_other(self) -> CatalogueThreat:
        if (self.tested_by is None) != bool(self.untested):
            raise ValueError("says either what tests it, or why nothing does")
        return self


@cache
def catalogue() -> Mapping[str, CatalogueThreat]:
    """Return the entries by id, in the order of the files.

    Raises:
        WorkspaceError: an entry is broken; the files come with shipworthy, so that is a fault of ours.
    """
    found: dict[str, CatalogueThreat] = {}
    problems: list[Problem] = []
    for path in sorted(FOLDER.glob("*.yaml")):
        source = read_yaml(path)
        for index in range(len(source.value["threats"])):
            loc = ("threats", index)
            entry = validate(CatalogueThreat, source, loc, problems)
            if entry is None:
                continue
            problems += [source.problem((*loc, "refs"), *wrong) for ref in entry.refs if (wrong := ref_problem(ref))]
            if entry.id in found:
                problems.append(source.problem((*loc, "id"), f"{entry.id} is there twice"))
            found[entry.id] = entry
    if problems:
        raise WorkspaceError(in_order(problems))
    return found
