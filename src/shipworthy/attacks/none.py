"""Ask as it is written: the baseline that every other attack is measured against.

Goal: the rate without an attacker's effort; the difference to it is what an attack adds.
Source: field practice (a control arm), e.g. HarmBench's "direct request" (Mazeika et al. 2024, arXiv:2402.04249).
Tags: atlas:AML.T0065@5.6

>>> import random
>>> from shipworthy.core.records import Sample, say
>>> sample = Sample(id="a", messages=(say("user", "Hello"),))
>>> none().change(sample, random.Random(0)) is sample
True
"""

from __future__ import annotations

from shipworthy.core.protocols import Rewrite
from shipworthy.core.registry import attack


@attack
def none() -> Rewrite:
    """Change nothing."""
    return Rewrite("none", lambda sample, rng: sample)
