"""The findings in a pack: which of them stood in the way, worked out again, and their rows. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.digests import digest
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finding_entry import KINDS, FindingStanding, blocking, standings
from shipworthy.evidence.packed import member, read_json
from shipworthy.evidence.shape import anything, fields, listed, mapped, maybe, whole

Json = Mapping[str, Any]

MEMBER = "findings.json"
"""The rows of all steps up to the decision, each beside the number of the entry that recorded it; null where redaction
took something out of a row."""

_SHAPE = fields(
    {"steps": listed(fields({"entry": whole(1), "row": maybe(mapped(anything))}, closed=True))}, closed=True
)


def read_standings(entries: Sequence[Json], at: str, system: str) -> list[FindingStanding]:
    """Return where findings stand, by the lines of an audit log, checked before."""
    told = [(one["number"], one["at"], one["kind"], one["body"]) for one in entries]
    return list(standings(told, at, system).values())


def check(decision: Json, entries: Sequence[Json]) -> list[FindingStanding]:
    """Hold the findings that a decision names against the audit log; return where all of them stood.

    Args:
        entries: of the audit log, those that the decision was made on.

    Raises:
        IntegrityError: others stood in the way.
    """
    at = str(decision["created"])
    standing = read_standings(entries, at, str(decision["system"]))
    wanted = [{**one._asdict(), "reason": one.reason} for one in blocking(standing, at)]
    if wanted != list(decision.get("findings", ())):
        raise IntegrityError("decision.json: the findings that stood in the way are not those in the audit log")
    return standing


def check_rows(members: Mapping[str, bytes], entries: Sequence[Json], until: int) -> str:
    """Hold the rows of findings in a pack against the entries that recorded them; return what there is, in words.

    Args:
        entries: of the whole audit log in the pack; rows are there of those up to `until`.

    Raises:
        IntegrityError: a row is missing, is one too many, or is not what was recorded.
    """
    recorded = {one["number"]: one["body"] for one in entries if one["kind"] in KINDS and one["number"] <= until}
    if MEMBER not in members:
        if recorded:
            raise IntegrityError(f"{MEMBER}: missing, and the audit log has {len(recorded):,} steps of findings")
        return ""
    said = read_json(MEMBER, member(members, MEMBER))
    _SHAPE(said, MEMBER)
    if [one["entry"] for one in said["steps"]] != sorted(recorded):
        raise IntegrityError(f"{MEMBER}: not the steps that the audit log has, each once")
    withheld = 0
    for one in said["steps"]:
        if one["row"] is None:
            withheld += 1
        elif not _fits(one["row"], recorded[one["entry"]]):
            raise IntegrityError(f"{MEMBER}: the step of entry {one['entry']} is not what the audit log recorded")
    lost = f", {withheld:,} without their words" if withheld else ""
    return f"{len(recorded):,} steps of {len({body['id'] for body in recorded.values()}):,} findings{lost}"


def _fits(row: Json, body: Json) -> bool:
    """Say whether a row is the one that an entry recorded, and says what the entry's facts say."""
    told = {name: value for name, value in body.items() if name != "row"}
    return digest(row) == body["row"] and told == {name: row.get(name) for name in told}
