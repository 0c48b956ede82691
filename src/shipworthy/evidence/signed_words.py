"""The words and fields of what people sign of a release, and no others. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shipworthy.core import signoff
from shipworthy.evidence.shape import (
    Shape,
    anything,
    digest,
    fields,
    flag,
    listed,
    mapped,
    maybe,
    moment,
    name,
    text,
    whole,
    word,
    wrong,
)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_severity = word("S1", "S2", "S3", "S4")
_WHO: Mapping[str, Shape] = {"at": moment, "by": name, "role": name}


def day(value: Any, where: str) -> None:
    """A day, ``2026-12-31``, or the empty string."""
    if not isinstance(value, str) or (value and not _DAY.fullmatch(value)):
        raise wrong(where, "a day such as 2026-12-31", value)


_RULES = fields(
    {
        "tier": maybe(
            fields(
                {
                    "id": word("low", "medium", "high"), "approvals": whole(1), "approvers": listed(name),
                    "evidence_days": maybe(whole(1)), "accepts": maybe(_severity), "preregistered": flag,
                    "artefacts": listed(name), "criteria": listed(name),
                },
                closed=True,
            )
        ),
        "roles": listed(
            fields({"id": name, "holders": listed(name), **{r: maybe(_severity) for r in signoff.RIGHTS}}, closed=True)
        ),
        "risks": listed(fields({"id": name, "severity": _severity}, closed=True)),
    },
    closed=True,
)  # fmt: skip

_PLACES: Mapping[str, Shape] = {"market": name, "language": name, "jurisdiction": name}
_ABOUT: Mapping[str, Shape] = {
    "system": name, "decision": name, "decision_digest": digest,
    "gate_verdict": word("ship", "no-ship", "inconclusive"), "subject_digest": digest,
}  # fmt: skip

candidate: Shape = fields(
    {"id": name, "created": moment, "spec_digest": digest, "rules": _RULES, **_ABOUT, **_PLACES}, closed=True
)

_BLOCK: Mapping[str, Shape] = {"kind": word(*signoff.BLOCKS), "about": name, "severity": _severity, "reason": text}

_DATASET = fields({"id": name, "version": text, "digest": digest, "samples": whole(1)}, closed=True)

_SAID: Mapping[str, Shape] = {
    signoff.PREREGISTERED: fields(
        {
            "id": name, "system": name, "plan": name, "spec_digest": digest,
            "criteria": listed(
                fields(dict.fromkeys(("id", "requirement", "suite", "severity", "metric", "must"), name), closed=True)
            ),
            "datasets": listed(_DATASET),
            "analysis": mapped(anything), **_WHO,
        },
        closed=True,
    ),
    signoff.APPROVED: fields(
        {"candidate": name, "candidate_digest": digest, "answer": word(*signoff.ANSWERS), "reason": text, **_WHO},
        closed=True,
    ),
    signoff.ACCEPTED: fields(
        {
            "system": name, "on": name, "severity": _severity, "ceiling": _severity, "begins": day, "expires": day,
            "reason": name, "compensating": name, **_WHO,
        },
        closed=True,
    ),
    signoff.DECIDED: fields(
        {
            "verdict": word(*signoff.VERDICTS), "candidate": name, "candidate_digest": digest, **_ABOUT, **_PLACES,
            "criteria": listed(mapped(anything)),
            "registered": listed(
                fields({"run": name, "entry": whole(), "amended": listed(text), "differs": listed(text)}, closed=True)
            ),
            "approvals": listed(
                fields({"entry": whole(1), "by": name, "role": name, "answer": word(*signoff.ANSWERS)}, closed=True)
            ),
            "open": listed(fields(_BLOCK, closed=True)),
            "accepted": listed(fields({**_BLOCK, "entries": listed(whole(1), least=1)}, closed=True)),
            "overridden": listed(fields(_BLOCK, closed=True)),
            "conditions": listed(text), "reason": text, "expires": day, "seen": whole(), **_WHO,
        },
        closed=True,
    ),
}  # fmt: skip


def said(kind: str, value: Any, where: str) -> None:
    """The predicate of a signed entry of some kind."""
    _SAID[kind](value, where)


def bodies() -> dict[str, Shape]:
    """Return the shapes of the bodies of all entries that sign-off is made of."""
    signed: Mapping[str, Shape] = {"payload": text, "keyid": name, "signature": name}
    about = {
        signoff.PREREGISTERED: "preregistration",
        signoff.APPROVED: "candidate",
        signoff.ACCEPTED: "on",
        signoff.DECIDED: "candidate",
    }
    found: dict[str, Shape] = {kind: fields({field: name, **signed}, closed=True) for kind, field in about.items()}
    found[signoff.PROPOSED] = fields({"candidate": name, "payload": text}, closed=True)
    return found
