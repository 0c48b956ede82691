"""A sentinel: a few fixed probes that a target answered once, and every look at whether it still answers alike.

These are the rows; `core.sentinel_entry` is about the entries of the audit chain that hold their digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from shipworthy.core.text import Content, Name

Verdict = Literal["unchanged", "changed", "unanswered"]


class ProbeAnswer(Struct, frozen=True, omit_defaults=True):
    """One answer to a probe, redacted and cut.

    Attributes:
        probe: its id; `number` of the answer among all to this probe, from 0, in the order of asking.
        text: what was said; empty where it was an error.
        error: its class, where there was one. It is no answer, and stands for none.
        model, fingerprint: as the provider names what answered.
    """

    probe: Name
    number: int
    text: Content = ""
    error: Name = ""
    model: Content = ""
    fingerprint: Content = ""


class SentinelLook(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One look: the enrolment, or a later one.

    Attributes:
        number: 0 for the enrolment.
        at: when it was made, ISO 8601, UTC.
        answers: of all probes.
        capital: of the test after it; 1 at the enrolment.
        verdict: of the test and of the provider's own words; ``unanswered`` where less than half answered.
        announced: names and fingerprints that the provider had not given at the enrolment.
    """

    number: int
    at: Name
    answers: tuple[ProbeAnswer, ...]
    capital: float = 1.0
    verdict: Verdict = "unchanged"
    announced: tuple[Content, ...] = ()


class SentinelPlan(Struct, frozen=True, kw_only=True):
    """What a sentinel asks, and how sure it wants to be. Fixed at the enrolment.

    Attributes:
        id: ``SEN-`` and a sortable time stamp with random tail.
        target: name of the target in the workspace; `declared` the digest of how it is written there.
        probes: id -> the user's message.
        repeats: answers to each probe at the enrolment; `again` at each later look.
        alpha: probability, in (0, 1), that it ever raises an alarm although nothing changes.
        seed: of the ties that are broken at random, and of the requests' seeds.
    """

    id: Name
    system: Name
    target: Name
    declared: Name
    probes: Mapping[str, Content]
    repeats: int
    again: int
    alpha: float
    seed: int


def uniform(plan: SentinelPlan, probe: str, number: int) -> float:
    """Return the number in (0, 1) that breaks the ties of an answer: fixed by the enrolment, before it is given."""
    found = sha256(f"{plan.seed}\0tie\0{probe}\0{number}".encode()).digest()
    return (int.from_bytes(found[:6]) + 0.5) / 2**48


def request_seed(plan: SentinelPlan, probe: str, number: int) -> int:
    """Return the seed of a request, in [0, 2**31): another one each time, or a target that heeds it would give one
    answer again and again, whose likeness says nothing."""
    return int.from_bytes(sha256(f"{plan.seed}\0ask\0{probe}\0{number}".encode()).digest()[:4]) >> 1
