"""Who signs, in which role, and how what they say enters the audit chain."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core import signoff
from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.detect.redact import redact_text
from shipworthy.store.audit import AuditLog
from shipworthy.store.authority import check_key
from shipworthy.store.dsse import PAYLOAD_TYPE, pae
from shipworthy.store.entry import Entry
from shipworthy.store.signed import SignedEntry, read_signed
from shipworthy.store.signing import SigningKey, statement
from shipworthy.store.trust import Trust, load_trust
from shipworthy.workspace.load import Workspace

SIGNERS = "signers.json"
"""The trust file of a workspace that says whose key is whose, until when, and for which roles; reviewed like code."""
LONGEST = 2_000
"""Characters of a reason: an entry stays for ever."""


class Signer(NamedTuple):
    """Somebody who signs now: the key, whose it is by the trust file, and the role."""

    key: SigningKey
    by: str
    role: str


def signers_of(root: Path, file: Path | None = None) -> Trust:
    """Return the trust file of a workspace.

    Raises:
        UsageError: there is none, or it is none.
    """
    path = file or root / SIGNERS
    if not path.exists():
        raise UsageError(
            f"{path}: there is no such file, so nobody can sign a release off\n"
            "Write it with `shipworthy keys trust PUBLIC...`, and give each key its `roles`, such as RO-safety"
        )
    return load_trust(path)


def signer(key: SigningKey, role: str, trust: Trust, rules: Mapping[str, Any], now: datetime, *, where: str) -> Signer:
    """Return who signs with a key, if the key may be used in this role now, and its owner holds the role.

    Args:
        where: the trust file, for messages.

    Raises:
        UsageError: says why not, and where that is written.
    """
    known = next((one for one in trust.keys if one.keyid == key.public.keyid), None)
    if known is None:
        raise UsageError(f"{where}: lists no key {key.public.keyid[:12]}; it is of {key.public.owner}, by its own word")
    try:
        check_key(known, role, now)
    except IntegrityError as error:
        raise UsageError(f"{where}: {error}") from None
    if why := signoff.refusal(rules, known.owner, role):
        raise UsageError(f"{place_of(rules, role)}{why}")
    return Signer(key, known.owner, role)


def permit(who: Signer, rules: Mapping[str, Any], right: str, severity: str) -> None:
    """Refuse what somebody's role has not the right to.

    Raises:
        UsageError: says what it may, and where that is written.
    """
    if why := signoff.refusal(rules, who.by, who.role, right, severity):
        raise UsageError(f"{place_of(rules, who.role)}{why}")


def place_of(rules: Mapping[str, Any], role: str) -> str:
    """Return ``file:line: `` of a role, where rules know it; rules of a candidate do not."""
    places: Mapping[str, str] = rules.get("places", {})
    return f"{places[role]}: " if role in places else ""


def rules_of(workspace: Workspace) -> dict[str, Any]:
    """Return what a release is decided by, as JSON: the system's tier, the roles, the risks."""
    graph = workspace.graph
    tier = graph.find("tier", workspace.system.tier)
    return {
        "tier": None if tier is None else {
            "id": tier.entity.id, "approvals": tier.entity.approvals, "approvers": list(tier.entity.approvers),
            "evidence_days": tier.entity.evidence_days, "accepts": tier.entity.accepts,
            "preregistered": tier.entity.preregistered, "artefacts": list(tier.entity.artefacts),
            "criteria": list(tier.entity.criteria),
        },
        "roles": [
            {"id": name, "holders": list(node.entity.holders),
             **{right: getattr(node.entity.may, right) for right in signoff.RIGHTS}}
            for name, node in graph.of_kind("role").items()
        ],
        "risks": [{"id": risk.id, "severity": risk.severity} for risk in workspace.risks.values()],
    }  # fmt: skip


def placed_rules(workspace: Workspace) -> dict[str, Any]:
    """Return `rules_of`, with the file and line of each role for messages."""
    roles = workspace.graph.of_kind("role")
    return rules_of(workspace) | {"places": {name: f"{node.file}:{node.line}" for name, node in roles.items()}}


def text(value: str, what: str, secrets: Sequence[str], *, empty: bool = False) -> str:
    """Return a text as it may be kept for ever.

    Raises:
        UsageError: it is empty, or too long.
    """
    value = value.strip()
    if not value and not empty:
        raise UsageError(f"{what} is empty: say it in a sentence, for whoever reads this in a year")
    if len(value) > LONGEST:
        raise UsageError(f"{what} has {len(value):,} characters, and may have {LONGEST:,}: an entry of the log stays")
    return redact_text(value, secrets)


def signed_body(
    kind: str,
    about: Mapping[str, str],
    subject: Mapping[str, str],
    said: Mapping[str, Any],
    *,
    who: Signer,
    now: datetime,
) -> dict[str, str]:
    """Return the body of a signed entry.

    Args:
        about: the field by which the entry is found again, and its value.
        subject: of the statement: name -> ``sha256:<64 hex>``.
        said: the predicate, without who says it and when.
    """
    predicate = {**said, "at": time_of(now), "by": who.by, "role": who.role}
    payload = statement(subject, signoff.PREDICATES[kind], predicate)
    signature = base64.b64encode(who.key.sign(pae(PAYLOAD_TYPE, payload))).decode()
    return {**about, "payload": payload.decode(), "keyid": who.key.public.keyid, "signature": signature}


def predicate_of(entry: Entry) -> dict[str, Any]:
    """Return what a signed entry says, its signature not checked: for one that stands in a chain that was."""
    said: dict[str, Any] = json.loads(str(entry.body["payload"]))["predicate"]
    return said


def decided_candidates(audit: AuditLog) -> dict[str, dict[str, Any]]:
    """Return what was decided on each candidate: the first word, for a candidate is decided once."""
    found: dict[str, dict[str, Any]] = {}
    for entry in audit.of_kinds(signoff.DECIDED):
        said = predicate_of(entry)
        found.setdefault(said["candidate"], said)
    return found


def signed_entries(entries: Iterable[Entry], trust: Trust, refused: list[str]) -> list[SignedEntry]:
    """Return the signed entries that count, each signature checked.

    An entry stays for ever, and a key may be revoked: what does not count is left out, as if it had never been said.

    Args:
        refused: is given why an entry does not count, for each that does not.
    """
    found = []
    for one in entries:
        try:
            found.append(read_signed(one.number, one.at, one.kind, one.body, trust))
        except IntegrityError as error:
            refused.append(str(error))
    return found


def check_clock(audit: AuditLog, now: datetime) -> None:
    """Refuse to sign by a clock that was set back.

    Raises:
        UsageError: an entry of the audit log is from later.
    """
    latest = max((entry.at for entry in audit.entries()), default="")
    if latest and signoff.set_back(latest, time_of(now)):
        raise UsageError(
            f"this machine's clock shows {time_of(now)}, and the audit log has an entry of {latest}: the clock was set "
            "back. Put it right; a signature is worth what its time is worth"
        )


def log_at(url: str, now: datetime) -> AuditLog:
    """Return the audit log, whose entries are given this time: what is signed and its entry are of one moment."""
    return AuditLog(url, clock=lambda: now.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def time_of(now: datetime) -> str:
    """Return a time as statements have it."""
    return now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def text_of(value: Mapping[str, Any]) -> str:
    """Return JSON as the canonical text that a digest is of."""
    return canonical(value).decode()
