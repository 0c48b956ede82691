"""The specification that a pack holds, as its decision names it. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.packed import member, read_member
from shipworthy.evidence.recount import PackedRun
from shipworthy.evidence.specified import Specified


def plans_of(members: Mapping[str, bytes]) -> list[str]:
    """Return the plans whose specification a pack holds: what each of them reaches in the safety files."""
    names = sorted(name for name in members if name.startswith("specs/"))
    return [name.removeprefix("specs/").removesuffix(".json") for name in names]


def gates_of(members: Mapping[str, bytes]) -> list[Mapping[str, Any]]:
    """Return the gate, as each specification has it; `read_specs` checks that they are the ones that were named."""
    specs = (read_member(members, f"specs/{plan}.json") for plan in plans_of(members))
    return [gate for spec in specs for gate in spec["entities"].get("gate", {}).values()]


def read_specs(members: Mapping[str, bytes], decision: Mapping[str, Any], runs: Mapping[str, PackedRun]) -> Specified:
    """Return what was specified, held against the decision, the manifests of its runs, and what is said of the suites.

    Args:
        decision: ``decision.json``.
        runs: those of the pack, by id.

    Raises:
        IntegrityError: the decision names another specification, or a run was made under another one.
    """
    plans = plans_of(members)
    specs = {plan: bytes_digest(member(members, f"specs/{plan}.json")) for plan in plans}
    distinct = sorted(set(specs.values()))
    # One specification has its own digest; several have that of their sorted list.
    named = distinct[0] if len(distinct) == 1 else bytes_digest(json.dumps(distinct, separators=(",", ":")).encode())
    if named != decision["spec_digest"]:
        raise IntegrityError("specs: not what the decision's spec_digest names")
    specified = Specified({plan: read_member(members, f"specs/{plan}.json") for plan in plans})
    decided = [runs[name].manifest for name in decision["runs"]]
    if not decided or {manifest["plan"] for manifest in decided} != set(specs):
        raise IntegrityError("specs: not the plans of the decision's runs")
    for manifest in decided:
        if manifest["spec_digest"] != specs[manifest["plan"]]:
            raise IntegrityError(f"decision.json: the run {manifest['id']} was made under another specification")
        if manifest["subject_digest"] != decision["subject_digest"]:
            raise IntegrityError(f"decision.json: the run {manifest['id']} measured another subject")
    for id, run in runs.items():
        if run.manifest["plan"] in specs and run.manifest["spec_digest"] == specs[run.manifest["plan"]]:
            specified.hold(run.manifest, f"runs/{id}/manifest.json")
            specified.hold_scores(run.manifest, run.records, f"runs/{id}")
    for name in sorted(members):
        if name.startswith("suites/") and name.endswith("/suite.json"):
            specified.hold_suite(read_member(members, name), name)
    return specified
