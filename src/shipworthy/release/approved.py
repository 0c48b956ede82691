"""Who approved that a gate becomes weaker: signed files in the workspace, held against the state before the change.

Whose key is whose, who may approve, and what the worst risk is are read from the workspace as it was: a change cannot
bring the key, or the right, by which it is approved. An approval counts for the change that brings it, and for a time:
one that lay there before was for another change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core import signoff, strict_json
from shipworthy.core.digests import bytes_digest, digest
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.release.signing import Signer, permit, rules_of, text, time_of
from shipworthy.release.weaker import Weakening, entity_of, weakened
from shipworthy.store.authority import check_key
from shipworthy.store.dsse import verify
from shipworthy.store.signing import sign, statement
from shipworthy.store.trust import Trust, person_of
from shipworthy.workspace.load import Workspace

FOLDER = "approvals"
"""Of the workspace, where approvals lie: a file each, reviewed and merged with the change."""
PREDICATE_TYPE = "https://shipworthy.example/attestation/gate-weakening-approval/v1"
MOST_DAYS = 30
"""How long an approval may be waiting for its change to be merged."""
_KEYS = ("what", "was", "now", "before", "after")
_LARGEST = 1 << 20


class WeakerApproval(NamedTuple):
    """One approval that counts.

    Attributes:
        file: its name in the workspace.
        covers: digests of what it approves, see `digest_of`.
        expires: the last day on which it counts, ISO 8601.
    """

    file: str
    by: str
    role: str
    reason: str
    expires: str
    covers: frozenset[str]


def digest_of(one: Weakening, old: Workspace, new: Workspace) -> str:
    """Return the digest by which an approval names a weakening: what, from, to, and all that it says before and after.

    So what is approved is this change: other samples under the same ids, or another text, are another one.
    """
    return digest(_named(one, old, new))


def _named(one: Weakening, old: Workspace, new: Workspace) -> dict[str, str]:
    there = {"before": entity_of(one, old), "after": entity_of(one, new)}
    content = {
        name: "" if node is None else side.graph.digest(node)
        for (name, node), side in zip(there.items(), (old, new), strict=True)
    }
    return {"what": one.what, "was": one.was, "now": one.now, **content}


def approve(
    old: Workspace,
    new: Workspace,
    who: Signer,
    reason: str,
    *,
    code: Sequence[Weakening] = (),
    secrets: Sequence[str] = (),
    now: datetime,
) -> tuple[str, bytes]:
    """Return the name in the workspace and the bytes of a signed approval.

    Args:
        old: the workspace before the change, by whose roles it is approved.
        new: the workspace with it; all that became weaker in it is approved.
        code: Python files that changed, see `code_changes`.

    Raises:
        UsageError: nothing became weaker, the reason is empty, or the role has not the right.
    """
    found = [*weakened(old, new), *code]
    if not found:
        raise UsageError("nothing of the gate became weaker: there is nothing to approve")
    if why := _refusal(rules_of(old), who.by, who.role):
        raise UsageError(why)
    permit(who, rules_of(old), "approve", signoff.worst_risk(rules_of(old)))
    said = {
        "system": old.system.id,
        "weaker": [_named(one, old, new) for one in found],
        "reason": text(reason, "--reason", secrets),
        "at": time_of(now),
        "expires": (now.date() + timedelta(days=MOST_DAYS)).isoformat(),
        "by": who.by,
        "role": who.role,
    }
    subjects = {f"weaker/{number}": digest_of(one, old, new) for number, one in enumerate(found, 1)}
    envelope = sign(statement(subjects, PREDICATE_TYPE, said), [who.key])
    return f"{FOLDER}/weaker-{bytes_digest(envelope)[7:19]}.dsse.json", envelope


def approvals(
    old: Workspace, new: Workspace, trust: Trust | None, today: date, refused: list[str]
) -> list[WeakerApproval]:
    """Return the approvals that a change brings and that count.

    Args:
        old, new: the workspace before the change and with it.
        trust: whose key is whose, from before the change; None where nobody said: no approval counts then.
        refused: is given why a file does not count, for each that does not.
    """
    found = []
    before = {bytes_digest(data) for _, data in _files(old.root)}
    for name, data in _files(new.root):
        try:
            if bytes_digest(data) in before:
                continue  # it was for an earlier change
            if trust is None:
                raise IntegrityError("nobody could sign before this change: there was no signers.json")
            found.append(_read(name, data, trust, old, today))
        except IntegrityError as error:
            refused.append(f"{name}: {error}")
    return found


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted((root / FOLDER).glob("*.dsse.json")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST:
            yield f"{FOLDER}/{path.name}", path.read_bytes()


def _read(name: str, data: bytes, trust: Trust, old: Workspace, today: date) -> WeakerApproval:
    rules, system = rules_of(old), old.system.id
    payload, signers = verify(data.strip(), trust._replace(threshold=1))
    try:
        body = strict_json.loads(payload)
        said, kind = body["predicate"], body["predicateType"]
        covers = frozenset(f"sha256:{one['digest']['sha256']}" for one in body["subject"])
        told = frozenset(digest({key: str(one[key]) for key in _KEYS}) for one in said["weaker"])
        by, role, expires = str(said["by"]), str(said["role"]), date.fromisoformat(said["expires"])
        at, reason, whose = signoff.moment(said["at"]), str(said["reason"]), said["system"]
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"it is no approval of a weaker gate: {error!r}") from None
    if kind != PREDICATE_TYPE or covers != told:
        raise IntegrityError("it is no approval of a weaker gate")
    if whose != system:
        raise IntegrityError(f"it is of the system {whose!r}")
    if len(signers) != 1 or not person_of(signers[0], by):
        raise IntegrityError(f"it says that {by} signed, and the key is {signers[0].owner}'s")
    check_key(signers[0], role, at)
    if why := _refusal(rules, by, role) or signoff.refusal(rules, by, role, "approve", signoff.worst_risk(rules)):
        raise IntegrityError(why)
    if at.date() > today + timedelta(days=1):
        raise IntegrityError(f"it was signed on {at.date()}, a day that is yet to come")
    if not at.date() <= expires <= at.date() + timedelta(days=MOST_DAYS):
        raise IntegrityError(f"it runs until {expires}, and may run {MOST_DAYS} days")
    if today > expires:
        raise IntegrityError(f"it expired on {expires}")
    return WeakerApproval(name, by, role, reason, expires.isoformat(), covers)


def _refusal(rules: Mapping[str, Any], by: str, role: str) -> str:
    """Return why a role's word does not count for this system's gate; empty where it does."""
    tier = rules["tier"]
    if tier is not None and role not in tier["approvers"]:
        return f"{role} is no approver of the tier {tier['id']} (approvers: {', '.join(tier['approvers'])})"
    return ""
