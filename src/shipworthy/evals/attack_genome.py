"""How a search varies an attack: a chain of plug-ins is its genome, and each step a gene with parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.attacks import cipher, citation_forging, fake_system, framing, hidden_text, role_play
from shipworthy.attacks import low_resource_language as languages
from shipworthy.core.attack_name import AttackName, ChainStep, parse

LONGEST = 4
"""Steps of one chain."""

GENES: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "base64": {"explain": (True, False)},
    "cipher": {"code": cipher.NAMES, "explain": (True, False)},
    "citation_forging": {"kind": citation_forging.KINDS, "sources": (1, 2, 3)},
    "context_overflow": {"words": (60, 200)},
    "cue_removal": {},
    "fake_system": {"style": sorted(fake_system.STYLES)},
    "framing": {"style": sorted(framing.FRAMES)},
    "hidden_text": {"style": sorted(hidden_text.STYLES)},
    "homoglyph": {"rate": (0.2, 0.5, 1.0)},
    "leetspeak": {"letters": ("aeiost", "ae", "o")},
    "low_resource_language": {"language": sorted(languages.SENTENCES)},
    "many_shot": {"shots": (2, 4, 8)},
    "memory_poisoning": {"via": ("turn", "document")},
    "noise": {"rate": (0.1, 0.3, 0.6)},
    "payload_splitting": {"parts": (2, 4)},
    "prefix_injection": {},
    "refusal_suppression": {"rules": (1, 2, 4)},
    "role_play": {"persona": sorted(role_play.PERSONAS)},
    "rot13": {"explain": (True, False)},
    "suffix": {"kind": ("tokens", "signs", "form"), "length": (6, 12, 24)},
    "zero_width": {"rate": (0.1, 0.5)},
}
"""The genes, with the values of their parameters. Attacks that hold a conversation of their own, that need tools in the
target, or a model, are left out: a query of this search is one conversation of the sample's own length."""


class Genome(Struct, frozen=True):
    """One candidate.

    Attributes:
        sample: id of the sample that it is about.
        steps: of the chain; none asks as it is written.
        draw: the number of the attempt: another one draws other words in the same chain.
    """

    sample: str
    steps: tuple[ChainStep, ...]
    draw: int = 1

    @property
    def attack(self) -> str:
        """The chain's name; ``none`` where it has no step."""
        return str(AttackName(self.steps)) if self.steps else "none"

    @property
    def pattern(self) -> tuple[str, ...]:
        """The chain's plug-ins, without their parameters."""
        return tuple(step.id for step in self.steps)


def genome_of(sample: str, attack: str, draw: int = 1) -> Genome:
    """Return the genome with a chain's name."""
    steps = () if attack == "none" else parse(attack).steps
    return Genome(sample, steps, draw)


def gene(rng: Random) -> ChainStep:
    """Return a step at random, its parameters too."""
    name = rng.choice(list(GENES))
    return ChainStep(name, {key: rng.choice(list(values)) for key, values in GENES[name].items()})


def varied(one: Genome, samples: Sequence[str], rng: Random) -> Genome:
    """Return a genome with one to three changes: a step put in, taken out, changed or moved, another draw or sample."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        one = _moved(one, samples, rng)
    return one


def _moved(one: Genome, samples: Sequence[str], rng: Random) -> Genome:
    steps = list(one.steps)
    move = rng.choice(("put", "put", "take", "change", "swap", "draw", "sample"))
    if move == "put" or not steps:
        steps.insert(rng.randint(0, len(steps)), gene(rng))
        return replace(one, steps=tuple(steps[-LONGEST:]), draw=1)
    at = rng.randrange(len(steps))
    if move == "take":
        del steps[at]
    elif move == "change":
        steps[at] = _other(steps[at], rng)
    elif move == "swap" and len(steps) > 1:
        other = rng.randrange(len(steps))
        steps[at], steps[other] = steps[other], steps[at]
    elif move == "sample":
        return replace(one, sample=rng.choice(list(samples)))
    else:
        return replace(one, draw=one.draw + 1)
    return replace(one, steps=tuple(steps), draw=1)


def _other(step: ChainStep, rng: Random) -> ChainStep:
    free = GENES.get(step.id, {})
    if not free:
        return gene(rng)
    key = rng.choice(list(free))
    return ChainStep(step.id, {**step.params, key: rng.choice(list(free[key]))})


def crossed(one: Genome, other: Genome, rng: Random) -> Genome:
    """Return the beginning of one chain and the end of another, about the first one's sample."""
    head, tail = rng.randint(0, len(one.steps)), rng.randint(0, len(other.steps))
    return Genome(one.sample, (*one.steps[:head], *other.steps[tail:])[:LONGEST])
