"""Whether a target can carry what a suite's samples and attacks need: asked before anything is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from shipworthy.core.carries import WORDS, Need, needed, needed_by
from shipworthy.core.records import Sample


class Unmet(NamedTuple):
    """Something that a target does not carry.

    Attributes:
        sample: the first one that needs it; `times` of them do.
        attack: that brings the need, or the empty string where the samples have it by themselves.
    """

    need: Need
    sample: str
    times: int
    attack: str

    def __str__(self) -> str:
        more = f" and {self.times - 1} more" if self.times > 1 else ""
        brings = f"the attack {self.attack!r} on " if self.attack else ""
        return f"{brings}the sample {self.sample!r}{more} needs {WORDS[self.need]}"


HINTS: Mapping[Need, str] = {
    "turns": "a function gets them as a Request, 'http' through 'put: {...: messages}'; or leave the samples out",
    "user": "a function gets it as a Request, 'http' through 'put: {...: user}'; or leave 'user' (facts: 'id') out",
    "documents": "'http' gets them through 'put: {...: documents}'; or leave the suite out",
    "tools": "a function gets them as a Request; or leave the samples out",
    "media": "name a target that takes them, or leave the samples out",
    "world": "put the model into an agent, '{use: agent, model: {use: ...}}', or leave the suite out",
}


def unmet(samples: Sequence[Sample], attacks: Mapping[str, object], carries: frozenset[Need]) -> Iterator[Unmet]:
    """Yield what the samples and the attacks on them need and a target does not carry, each need once.

    Args:
        attacks: built, by name.
    """
    first: dict[Need, Sample] = {}
    count: dict[Need, int] = {}
    alike: dict[frozenset[Need], Sample] = {}
    for sample in samples:
        needs = needed(sample)
        alike.setdefault(needs, sample)
        for need in needs - carries:
            first.setdefault(need, sample)
            count[need] = count.get(need, 0) + 1
    for need, sample in first.items():
        yield Unmet(need, sample.id, count[need], "")
    for name, attack in attacks.items():
        for sample in alike.values():  # one of each sort: an attack is not made on every sample only to be asked
            for need in needed_by(attack, sample) - carries - first.keys():
                first[need] = sample
                yield Unmet(need, sample.id, 1, name)
