"""Release candidates: a subject that a gate decided on, and where it is to be released."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shipworthy.core import signoff, strict_json
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError, UsageError, did_you_mean
from shipworthy.core.records import Decision
from shipworthy.release.signing import check_clock, log_at, rules_of, text_of, time_of
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry
from shipworthy.store.layout import Layout
from shipworthy.store.register import DECISION_MADE, decision_digest
from shipworthy.workspace.load import Workspace

_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,.+_-]{0,79}")


class ReleaseCandidate(NamedTuple):
    """What is proposed for release.

    Attributes:
        said: as it was entered: system, decision, digests, market, language, jurisdiction, rules.
        digest: of it, ``sha256:<64 hex>``: what people sign.
        entry: of the audit chain.
    """

    id: str
    said: Mapping[str, Any]
    digest: str
    entry: int

    @property
    def rules(self) -> Mapping[str, Any]:
        """What it is decided by: tier, roles, risks, as they were when it was proposed."""
        rules: Mapping[str, Any] = self.said["rules"]
        return rules


def propose(
    workspace: Workspace,
    layout: Layout,
    decision: Decision,
    *,
    market: str,
    language: str,
    jurisdiction: str,
    now: datetime,
) -> ReleaseCandidate:
    """Enter a candidate in the audit chain.

    Args:
        decision: of the gate, whatever its verdict: what blocks is said by `status`.
        market, language, jurisdiction: where it is to be released, to whom, and under whose law.

    Raises:
        UsageError: a place is none; or the clock was set back.
        IntegrityError: the audit log is not what was written, or does not hold this decision.
        StoreError: it cannot be written.
    """
    for name, value in (("--market", market), ("--language", language), ("--jurisdiction", jurisdiction)):
        if not _PLACE.fullmatch(value):
            raise UsageError(f"{name} {value!r}: letters, digits and ' ,.+_-', such as EU, de, or EU AI Act")
    with log_at(layout.control_url, now) as audit:
        audit.verify()
        check_clock(audit, now)
        check_recorded(audit, decision)
        said = {
            "id": f"REL-{now:%Y%m%dT%H%M%S}Z-{secrets.token_hex(3)}",
            "created": time_of(now),
            "system": decision.system,
            "decision": decision.id,
            "decision_digest": decision_digest(decision),
            "gate_verdict": decision.verdict,
            "subject_digest": decision.subject_digest,
            "spec_digest": decision.spec_digest,
            "market": market,
            "language": language,
            "jurisdiction": jurisdiction,
            "rules": rules_of(workspace),
        }
        entry = audit.append(
            signoff.PROPOSED, {"candidate": str(said["id"]), "payload": text_of(said)}, key="candidate"
        )
    return _candidate(entry)


def check_recorded(audit: AuditLog, decision: Decision) -> Entry:
    """Return the entry of a gate's decision.

    Raises:
        IntegrityError: the audit log does not hold it as it is.
    """
    for entry in audit.about(decision.id):
        if entry.kind == DECISION_MADE and entry.body.get("digest") == decision_digest(decision):
            return entry
    raise IntegrityError(
        f"{decision.id}: the audit log does not hold this decision as it is; the workspace, or its log, was put back "
        "or edited. `shipworthy gate` decides again"
    )


def candidates(audit: AuditLog) -> list[ReleaseCandidate]:
    """Return every candidate, oldest first.

    Raises:
        IntegrityError: one is not what was entered.
    """
    return [_candidate(entry) for entry in audit.of_kinds(signoff.PROPOSED)]


def choose(audit: AuditLog, wanted: str) -> ReleaseCandidate:
    """Return a candidate: by its id, the beginning of one, or ``latest``.

    Raises:
        UsageError: there is none, or there are several.
        IntegrityError: it is not what was entered.
    """
    known = {one.id: one for one in candidates(audit)}
    if not known:
        raise UsageError("there is no candidate here yet: `shipworthy release propose` makes one")
    if wanted == "latest":
        return list(known.values())[-1]
    found = [one for id, one in known.items() if wanted and id.startswith(wanted)]
    if len(found) == 1 or wanted in known:
        return known[wanted] if wanted in known else found[0]
    if found:
        raise UsageError(f"{wanted!r} could be any of these candidates: {', '.join(one.id for one in found)}")
    raise UsageError(f"there is no candidate {wanted!r}: {did_you_mean(wanted, list(known))}")


def _candidate(entry: Entry) -> ReleaseCandidate:
    try:
        payload = str(entry.body["payload"]).encode()
        said = strict_json.loads(payload)
        if said["id"] != entry.body["candidate"]:
            raise ValueError("it names another one")
        return ReleaseCandidate(said["id"], said, bytes_digest(payload), entry.number)
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"audit log: entry {entry.number} is no candidate ({error})") from None
