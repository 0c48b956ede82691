"""A finding: a failure that was demonstrated, who mends it by when, and what shows that it is mended.

These are the rows; `core.finding_entry` is about the entries of the audit chain that hold their digests. (What a guard
returns is a `Finding`, too: a span of text. That one is in `core.protocols`.)
"""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import Struct

from shipworthy.core.severity import Severity
from shipworthy.core.text import Content, Name

FindingStepName = Literal[
    "opened", "linked", "assigned", "accepted", "rejected", "fixed", "promoted", "verified", "closed", "reopened"
]

_ID = re.compile(r"FD-\d{8}-[0-9a-f]{8}")


class FindingCase(Struct, frozen=True, kw_only=True):
    """What shows a finding: a sample, a target and scorers, to be run by the evaluation engine.

    Attributes:
        samples: as suites have them, redacted; the first is what was seen, the others are variants of it.
        target: of the workspace; empty for the system under test.
        scorers: as suites write them: ``{"use": …, …}``; the first metric of the first is the one that is looked at
            unless `metric` names another.
        metric: whose hit is the failure.
        tries, hits: how often it was tried before it was reported, and how often it failed; 0 where nobody counted.
    """

    samples: tuple[dict[str, Any], ...]
    scorers: tuple[dict[str, Any], ...]
    metric: Name
    target: Name = ""
    tries: int = 0
    hits: int = 0


class FindingStep(Struct, frozen=True, kw_only=True):
    """One thing that happened to a finding. Append-only; `core.finding_entry.standings` says where that leaves it.

    Attributes:
        id: ``FD-`` and the day, and 8 hex digits.
        step: what happened.
        by: who did it, or ``shipworthy`` where a run did; `why` in their words, redacted.
        severity: that it has from here on.
        due: when its remediation must have been verified, ISO 8601, UTC.
        owner: who is to mend it.
        title, feature, signals, risks, refs: of what was opened or linked. `signals` are ids; `risks` ids of the
            workspace; `refs` tickets and other places.
        reproduction: of what was opened.
        expires: of an acceptance, its last day; `acceptance` the entry of the signed acceptance that it rests on.
        run, suite, suite_digest, subject_digest, tries, hits, limit: of a re-run, what was run on what, how often it
            was tried and failed, and the rate that the passing re-run rules out with 95 % confidence.
    """

    id: Name
    system: Name
    step: FindingStepName
    by: Content
    severity: Severity
    why: Content = ""
    due: Name = ""
    owner: Content = ""
    title: Content = ""
    feature: Name = ""
    signals: tuple[Name, ...] = ()
    risks: tuple[Name, ...] = ()
    refs: tuple[Content, ...] = ()
    reproduction: FindingCase | None = None
    expires: Name = ""
    acceptance: int = 0
    run: Name = ""
    suite: Name = ""
    suite_digest: Name = ""
    subject_digest: Name = ""
    tries: int = 0
    hits: int = 0
    limit: float = 0.0


def is_finding_id(text: str) -> bool:
    """Return whether a text is a finding's id."""
    return _ID.fullmatch(text) is not None
