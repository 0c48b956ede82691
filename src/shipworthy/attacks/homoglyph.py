"""Swap Latin letters for Cyrillic ones that look the same.

Goal: change what filters and tokenisers see without changing what a person sees.
Source: Boucher et al. 2022, "Bad Characters: Imperceptible NLP Attacks", arXiv:2106.09898; the pairs are among
    Unicode's confusables (UTS #39).
Tags: atlas:AML.T0068@5.6 atlas:AML.T0074@5.6 owasp-llm:LLM01@2025

>>> import random
>>> from shipworthy.core.records import Sample, say
>>> sample = Sample(id="a", messages=(say("user", "cope"),))
>>> changed = homoglyph(rate=1.0).change(sample, random.Random(0)).messages[0].text
>>> changed == "cope", len(changed), [hex(ord(c)) for c in changed]
(False, 4, ['0x441', '0x43e', '0x440', '0x435'])
"""

from __future__ import annotations

from random import Random

from shipworthy.attacks._params import share
from shipworthy.attacks._text import nothing_in
from shipworthy.core.protocols import Rewrite, rewrite_last_user
from shipworthy.core.records import Sample
from shipworthy.core.registry import attack

LOOK_ALIKES = dict(zip("aceijopsxyABCEHIJKMOPSTX", "асеіјорѕхуАВСЕНІЈКМОРЅТХ", strict=True))


def encode(text: str, rate: float, rng: Random) -> str:
    """Return the text with each letter that has a look-alike swapped with probability `rate`; at least one of them."""
    changed = "".join(LOOK_ALIKES[c] if c in LOOK_ALIKES and rng.random() < rate else c for c in text)
    if changed != text or not (places := [i for i, c in enumerate(text) if c in LOOK_ALIKES]):
        return changed
    at = rng.choice(places)
    return text[:at] + LOOK_ALIKES[text[at]] + text[at + 1 :]


@attack
def homoglyph(rate: float = 0.5) -> Rewrite:
    """Swap letters of the last user turn.

    Args:
        rate: the probability, above 0 and at most 1, that a letter with a look-alike is swapped.

    Raises:
        PluginError: `rate` is out of range.
    """
    rate = share("homoglyph", "rate", rate)

    def change(sample: Sample, rng: Random) -> Sample:
        return rewrite_last_user(sample, lambda text: encode(text, rate, rng))

    return Rewrite(
        "homoglyph",
        change,
        {"rate": rate},
        inapplicable=lambda sample: nothing_in(
            sample, lambda text: not LOOK_ALIKES.keys().isdisjoint(text), "no letter with a look-alike"
        ),
    )
