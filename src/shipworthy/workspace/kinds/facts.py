"""What is so of the product, said once: what it must keep to itself, what it may say, who uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, model_validator

from shipworthy.core.credentials import is_reference, weakness
from shipworthy.workspace.check_reference import check_reference
from shipworthy.workspace.fields import Entity, Loc, Word
from shipworthy.workspace.kind import kind
from shipworthy.workspace.scalars import source_text

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph

FIX = "facts: {secrets: [{name: passcode, value: env:NAME}]}"
"""What is written into ``system.yaml`` where a suite finds no secret."""


def _reference(value: str) -> str:
    if not is_reference(value):  # it is not repeated: it may be the secret
        raise ValueError("must be a reference, 'env:NAME' or 'file:PATH', never the value itself")
    return value


def _canary(value: str) -> str:
    if is_reference(value):
        raise ValueError("a reference stands under 'value' or 'values': a canary is written out")
    if wrong := weakness(value):
        raise ValueError(f"a canary {wrong}: it could not be told from ordinary text")
    return value


Reference = Annotated[str, BeforeValidator(source_text), AfterValidator(_reference)]
Canary = Annotated[Word, AfterValidator(_canary)]


class Secret(Entity):
    """One thing the product must never tell: a canary (planted or invented), or a reference to the real value."""

    name: Word
    canary: Canary | None = None
    value: Reference | None = None

    @model_validator(mode="after")
    def _one(self) -> Secret:
        if (self.canary is None) == (self.value is None):
            raise ValueError(
                "a secret needs either 'canary' (an invented value) or 'value' (a reference to a real one)"
            )
        return self

    @property
    def written(self) -> str:
        """The canary, or the reference."""
        return self.canary if self.canary is not None else str(self.value)


class Person(Entity):
    """Somebody the product knows: who may ask, and what it holds on them."""

    id: Word | None = None
    name: Word
    canaries: tuple[Canary, ...] = ()
    values: tuple[Reference, ...] = ()

    @property
    def personal(self) -> tuple[str, ...]:
        """The values that are theirs alone: canaries and references."""
        return (*self.canaries, *self.values)


def _referred(said: ProductFacts) -> Iterator[tuple[Loc, str]]:
    """Yield each reference to a real value once, with the first place that it stands at."""
    found: dict[str, Loc] = {}
    for index, secret in enumerate(said.secrets):
        if secret.value:
            found.setdefault(secret.value, ("secrets", index, "value"))
    for index, person in enumerate(said.users):
        for number, value in enumerate(person.values):
            found.setdefault(value, ("users", index, "values", number))
    for reference, loc in found.items():
        yield loc, reference


def _check(facts: Placed[ProductFacts], draft: Draft, graph: Graph) -> None:
    said = facts.entity
    known: set[tuple[str, str]] = set()
    for index, person in enumerate(said.users):
        own = {("name", person.name), *([("id", person.id)] if person.id else [])}
        if own & known:
            draft.problems.append(facts.problem(("users", index), f"the user {person.name!r} is listed twice"))
        known |= own
    for loc, reference in _referred(said):
        check_reference(facts, loc, reference, draft)
    canaries = {secret.canary for secret in said.secrets}
    for index, value in enumerate(said.may_say):
        if value in canaries:
            draft.problems.append(facts.problem(("may_say", index), "a secret is listed among what may be said"))


@kind("facts", section="facts", written="single", check=_check)
class ProductFacts(Entity):
    """What suites need to know of the product. A suite's digest covers what of it stands in its samples and scorers.

    Attributes:
        secrets: that must never leave; suites look for all of them.
        users: who may ask, with their personal data, which only they may see.
        may_say: values that look like personal data and may be said, such as the address of the office.
        persona: the name that the product goes by.
        languages: that it speaks, as ISO 639-1 codes; all if left out.
    """

    secrets: tuple[Secret, ...] = ()
    users: tuple[Person, ...] = ()
    may_say: tuple[Word, ...] = ()
    persona: Word | None = None
    languages: tuple[Word, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        """Every reference to a real value, secret or personal."""
        values = (
            *(secret.value for secret in self.secrets if secret.value),
            *(v for p in self.users for v in p.values),
        )
        return tuple(dict.fromkeys(values))
