"""What a policy of the house asks for."""

from __future__ import annotations

from typing import Annotated

from shipworthy.workspace.fields import Entity, Id, TaxonomyRef, Text, Title
from shipworthy.workspace.kind import kind
from shipworthy.workspace.unlinked import unlinked

_check = unlinked(
    "clause",
    by="requirement",
    field="clauses",
    message="no requirement carries out the clause {}",
    hint="name it under 'clauses' of a requirement",
)


@kind("clause", section="clauses", check=_check)
class Clause(Entity):
    """A clause of a policy: what an organisation, a contract or a law asks of the system."""

    id: Annotated[str, Id("POL")]
    title: Title
    source: Text = ""
    refs: tuple[TaxonomyRef, ...] = ()
    text: Text = ""
