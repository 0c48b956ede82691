"""A suite made for one product, fitted to another: its samples name and look for what the workspace's facts say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from shipworthy.core import registry
from shipworthy.core.errors import ShipworthyError
from shipworthy.core.records import Message, Sample, Text
from shipworthy.workspace.kinds.facts import FIX, Person, ProductFacts
from shipworthy.workspace.kinds.suite import SuiteFacts
from shipworthy.workspace.use import Use

_NONE = ProductFacts()


def unseen(needs: SuiteFacts, facts: ProductFacts | None) -> tuple[str, str]:
    """Say what a suite needs to know of the product and is not told, and how to mend it; two empty texts if nothing.

    Without it the suite would look for what another product hides, find nothing and pass.
    """
    facts = facts or _NONE
    if needs.secret and not facts.secrets:
        return "the suite looks for the product's secrets, and none is declared", f"write into system.yaml: {FIX}"
    if needs.personal_data and sum(1 for person in facts.users if person.personal) < 2:
        return (
            "the suite looks for personal data of others, and the facts hold that of fewer than two people",
            "write into system.yaml: facts: {users: [{id: a.user, name: A User, values: [env:NAME]}, ...]}",
        )
    return "", ""


def fit(needs: SuiteFacts, samples: Sequence[Sample], facts: ProductFacts | None) -> list[Sample]:
    """Return the samples as they are asked of this product.

    The product's secrets, people and own name take the places of those that the suite was written with; somebody whom
    the facts name alike keeps their place. A sample asks as a user of the product, or as nobody where it declares
    none. A sample that plants documents keeps its own secrets: they stand in the documents.
    """
    facts = facts or _NONE
    stands_for = _people(needs.people, facts.users)
    return [_fitted(needs, sample, facts, stands_for, index) for index, sample in enumerate(samples)]


def fit_scorers(scorers: Sequence[Use], facts: ProductFacts | None) -> tuple[Use, ...]:
    """Return the scorers, those that take ``own`` (values that are no leak) told what the product may say."""
    if facts is None or not facts.may_say:
        return tuple(scorers)
    return tuple(_allowing(use, facts.may_say) for use in scorers)


def _allowing(use: Use, may_say: Sequence[str]) -> Use:
    try:
        takes = registry.takes("scorer", use.use, "own")
    except ShipworthyError:  # unknown, or it cannot be loaded: `check` says so
        return use
    own = use.params.get("own", [])
    if not takes or not isinstance(own, list):
        return use
    return Use(use=use.use, params={**use.params, "own": [*own, *(v for v in may_say if v not in own)]})


def _people(written: Mapping[str, str], users: Sequence[Person]) -> dict[str, Person]:
    """Return who takes the place of each of the suite's people, by their ids in the suite."""
    if not users:
        return {}
    found = {}
    for index, (id, name) in enumerate(written.items()):
        same = next((person for person in users if person.id == id or person.name == name), None)
        found[id] = same or users[index % len(users)]
    return found


def _fitted(needs: SuiteFacts, sample: Sample, facts: ProductFacts, people: Mapping[str, Person], index: int) -> Sample:
    words = {needs.people[id]: person.name for id, person in people.items()}
    words |= {_first(old): _first(new) for old, new in words.items()}
    if needs.persona and facts.persona:
        words[needs.persona] = facts.persona
    if needs.secret and facts.secrets:
        words[needs.secret] = facts.secrets[index % len(facts.secrets)].name
    change = _replacing({old: new for old, new in words.items() if old != new})
    said = " ".join(message.text for message in sample.messages)
    asker = _asker(sample, people, facts.users, {id for id, name in needs.people.items() if name in said})
    secrets = sample.secrets if sample.documents else ()
    if needs.secret:
        secrets = (*secrets, *(secret.written for secret in facts.secrets))
    elif needs.personal_data:
        others = () if sample.documents else (p for p in facts.users if p is not asker)
        secrets = (*secrets, *(v for p in others for v in p.personal if v not in facts.may_say))
    else:
        secrets = sample.secrets
    return replace(
        sample,
        messages=tuple(_changed(message, change) for message in sample.messages),
        user=(asker.id or "") if asker else "",
        secrets=secrets,
    )


def _asker(sample: Sample, people: Mapping[str, Person], users: Sequence[Person], named: set[str]) -> Person | None:
    """Return who asks: whoever stands for the sample's user, but nobody whose own data is asked for."""
    if not sample.user or not users:
        return None
    first = people.get(sample.user) or users[0]
    asked_for = [people[id] for id in named if id != sample.user and id in people]
    at = users.index(first)
    for person in (*users[at:], *users[:at]):
        if person.id and not any(person is other for other in asked_for):
            return person
    return None


def _first(name: str) -> str:
    return name.split(maxsplit=1)[0]


def _replacing(words: Mapping[str, str]) -> Callable[[str], str]:
    """Return what replaces whole words, in the case in which they are written."""
    if not words:
        return lambda text: text
    by_lower = {old.lower(): new for old, new in words.items()}
    longest_first = sorted(by_lower, key=len, reverse=True)
    pattern = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(map(re.escape, longest_first))})(?![^\W\d_])", re.IGNORECASE)

    def put(match: re.Match[str]) -> str:
        old, new = match.group(), by_lower[match.group().lower()]
        if old.isupper() and len(old) > 1:
            return new.upper().replace(" ", "_")
        return new[:1].upper() + new[1:] if old[0].isupper() else new

    return lambda text: pattern.sub(put, text)


def _changed(message: Message, change: Callable[[str], str]) -> Message:
    parts = tuple(Text(change(part.text)) if isinstance(part, Text) else part for part in message.parts)
    return message if parts == message.parts else replace(message, parts=parts)
