"""What is done so that requirements hold."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.release.wording import count


@section(10, "mitigations", "Mitigations and cybersecurity")
def mitigations(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell controls, guards and the tool policy; a guard's settings stay inside."""
    rows = [
        source.row(
            (f"{one.id}\n{one['title']}", one["status"], listed(one["implements"], "nothing"),
             one["owner"] or "nobody"), one.ref, open=True,
        )
        for one in source.all("control")
    ]  # fmt: skip
    yield from table(("Control", "Status", "Implements", "Owner"), rows)
    for one in source.all("control"):
        if one["process"]:
            yield source.fact(f"{one.id}: {one['process']}", one.ref)
        for name in one["files"]:
            yield source.fact(f"{one.id} is described in {name}, {source.files[name]}.", one.ref, name)
    guards = [
        source.row((one.id, one["use"], listed(one["stages"], "all that it knows"), one["action"] or "its own",
                    one["mode"], one["on_error"], listed(one["implements"], "nothing")), one.ref)
        for one in source.all("guard")
    ]  # fmt: skip
    yield from table(("Guard", "What", "Stages", "Action", "Mode", "If it fails", "Implements"), guards)
    if guards:
        told = f"Guards in front of the model and behind it: {len(guards)}"
        rest = "measured and served are the same pipeline, by digest"
        yield source.fact(f"{told}; {rest}.", *(one.ref for one in source.all("guard")), open=True)
    policies = source.all("policy")
    for policy in policies:
        tools = [
            source.row((name, rule["effect"], "a person is asked" if rule["ask"] else "by the policy"), policy.ref)
            for name, rule in sorted(policy["tools"].items())
        ]
        yield from table(("Tool", "Farthest effect", "Who decides"), tools, "A tool that is not named is refused.")
        named = count(len(policy["tools"]), "tool")
        told = f"A tool policy decides over every call of {named}; others are refused."
        yield source.fact(told, policy.ref, open=True)
    if not (rows or guards or source.all("policy")):
        yield source.gap("No control, no guard and no tool policy is in place.", source.system.ref, open=True)
    served = {one.id for kind in ("control", "guard", "policy") for one in source.all(kind)}
    for one in source.all("requirement"):
        by = [
            o for kind in ("control", "guard", "policy") for o in source.into("requirement", one.id, "implements", kind)
        ]
        live = [o for o in by if o.says.get("status") != "planned" and o.says.get("mode", "enforce") == "enforce"]
        if not live:
            yield source.gap(f"Nothing that is in place implements {one.id}.", one.ref, open=bool(served))
