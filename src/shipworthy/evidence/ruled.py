"""The rules by which a release was signed off, held against the safety files in the pack: tiers, roles, waivers.

It takes all of shipworthy, as reading YAML does. What the signatures say is checked by `signed_off` without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from shipworthy.core import signoff
from shipworthy.core.errors import IntegrityError, ShipworthyError
from shipworthy.evidence.signed_off import LOG
from shipworthy.evidence.unchanged import INDEX
from shipworthy.evidence.verification import Check
from shipworthy.evidence.written import entities_of, has_sections
from shipworthy.workspace.kinds.role import Role
from shipworthy.workspace.kinds.system import System
from shipworthy.workspace.kinds.tier import Tier
from shipworthy.workspace.kinds.waiver import Waiver


def check_rules(members: Mapping[str, bytes]) -> Check:
    """Hold each candidate's rules, and each acceptance that a decision rests on, against the safety files.

    Args:
        members: of a pack whose sign-off holds otherwise.
    """
    try:
        return Check("rules", True, _hold(members))
    except (ShipworthyError, ValidationError) as error:
        return Check("rules", False, str(error).partition("\n")[0])


def _hold(members: Mapping[str, bytes]) -> str:
    index = json.loads(members[INDEX])
    shown = {name: one for name, one in index.items() if "redacted" in one and has_sections(one)}
    found: dict[str, list[Any]] = {}
    for member, one in shown.items():
        # Also one that redaction changed: a tier, a role or a waiver that it touched is then another one, and refused.
        for kind, _, written in entities_of(members[member], one["path"]):
            found.setdefault(kind.name, []).append(written)
    name = str(found["system"][0].get("tier", System.model_fields["tier"].default))
    tiers: dict[str, Tier] = {tier.id: tier for tier in map(Tier.model_validate, found.get("tier", ()))}
    roles = {role.id: role for role in map(Role.model_validate, found.get("role", ()))}
    waivers = [Waiver.model_validate(one) for one in found.get("waiver", ())]
    entries = [json.loads(line)["entry"] for line in (members["audit-log.jsonl"] + members[LOG]).splitlines()]
    said = {e["number"]: json.loads(e["body"]["payload"]) for e in entries if e["kind"] in signoff.KINDS}
    for entry in entries:
        if entry["kind"] == signoff.PROPOSED:
            _rules(said[entry["number"]], tiers.get(name), roles)
    used = {
        number
        for e in entries if e["kind"] == signoff.DECIDED
        for one in said[e["number"]]["predicate"]["accepted"] for number in one["entries"]
    }  # fmt: skip
    for number in sorted(used):
        _waiver(said[number]["predicate"], waivers)
    return f"tier {name}, {len(roles)} roles and {len(used)} waivers are those of the safety files"


def _rules(candidate: Mapping[str, Any], tier: Tier | None, roles: Mapping[str, Role]) -> None:
    rules, id = candidate["rules"], candidate["id"]
    expected = None if tier is None else tier.model_dump(mode="json", exclude={"text"})
    if rules["tier"] != expected:
        raise IntegrityError(f"{id}: its tier is not that of the safety files")
    written = [
        {"id": role.id, "holders": list(role.holders), **{r: getattr(role.may, r) for r in signoff.RIGHTS}}
        for role in roles.values()
    ]
    if sorted(rules["roles"], key=_id) != sorted(written, key=_id):
        raise IntegrityError(f"{id}: its roles are not those of the safety files")


def _waiver(accepted: Mapping[str, Any], waivers: list[Waiver]) -> None:
    for one in waivers:
        same = (one.accepted_by, one.ceiling, one.begins.isoformat(), one.expires.isoformat())
        told = tuple(accepted[name] for name in ("role", "ceiling", "begins", "expires"))
        on = accepted["on"] in (*one.requirements, *one.risks)
        if on and same == told and signoff.same_person(one.by, accepted["by"]):
            return
    raise IntegrityError(f"the acceptance of {accepted['on']} by {accepted['by']} is no waiver of the safety files")


def _id(one: Mapping[str, Any]) -> str:
    return str(one["id"])
