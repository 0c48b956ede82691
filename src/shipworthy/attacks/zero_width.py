"""Put invisible characters between the letters.

Goal: split the words that filters and tokenisers match, while the text looks untouched.
Source: Boucher et al. 2022, "Bad Characters: Imperceptible NLP Attacks", arXiv:2106.09898.
Tags: atlas:AML.T0068@5.6 owasp-llm:LLM01@2025

>>> import random
>>> from shipworthy.core.records import Sample, say
>>> sample = Sample(id="a", messages=(say("user", "cope"),))
>>> changed = zero_width(rate=1.0).change(sample, random.Random(0)).messages[0].text
>>> len(changed), "".join(c for c in changed if c not in INVISIBLE)
(7, 'cope')
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

from shipworthy.attacks._params import share
from shipworthy.attacks._text import nothing_in
from shipworthy.core.protocols import Rewrite, rewrite_last_user
from shipworthy.core.records import Sample
from shipworthy.core.registry import attack

# Zero width space, non-joiner, joiner, word joiner, no-break space.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def encode(text: str, rate: float, rng: Random) -> str:
    """Return the text with an invisible character between two letters or digits with probability `rate`.

    At least one, where two stand side by side.
    """
    out: list[str] = []
    for before, after in zip(" " + text[:-1], text, strict=True) if text else ():
        if before.isalnum() and after.isalnum() and rng.random() < rate:
            out.append(rng.choice(INVISIBLE))
        out.append(after)
    if len(out) == len(text) and (seams := _seams(text)):
        out.insert(rng.choice(seams), rng.choice(INVISIBLE))
    return "".join(out)


def _seams(text: str) -> list[int]:
    """Return the places between two letters or digits."""
    return [i for i, (before, after) in enumerate(pairwise(text), 1) if before.isalnum() and after.isalnum()]


@attack
def zero_width(rate: float = 0.3) -> Rewrite:
    """Split the words of the last user turn.

    Args:
        rate: the probability, above 0 and at most 1, that two neighbouring letters are parted.

    Raises:
        PluginError: `rate` is out of range.
    """
    rate = share("zero_width", "rate", rate)

    def change(sample: Sample, rng: Random) -> Sample:
        return rewrite_last_user(sample, lambda text: encode(text, rate, rng))

    return Rewrite(
        "zero_width",
        change,
        {"rate": rate},
        inapplicable=lambda sample: nothing_in(sample, _seams, "no two letters or digits side by side"),
    )
