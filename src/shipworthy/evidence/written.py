"""The safety files in a pack, read again and held against what the pack says of them: trace, report and specification.

It takes all of shipworthy, as rendering does. A file that redaction changed cannot be read as it was, and is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError, PluginError, ShipworthyError
from shipworthy.evidence.unchanged import INDEX, not_to_the_byte
from shipworthy.evidence.verification import Check
from shipworthy.workspace.fields import Entity
from shipworthy.workspace.files import meaning_of
from shipworthy.workspace.kind import Kind, sections
from shipworthy.workspace.kinds.plan import FULL, part_meaning, split_part
from shipworthy.workspace.kinds.requirement import Requirement
from shipworthy.workspace.kinds.risk import Risk
from shipworthy.workspace.kinds.system import System
from shipworthy.workspace.meaning import meaning
from shipworthy.workspace.nodes import parse_yaml
from shipworthy.workspace.read import read_sections
from shipworthy.workspace.scalars import for_digest

_ELSEWHERE = ("suites/", "guards", "policy")
"""Files that hold no sections: a suite's meaning is its digest; guards and tool policy are part of the subject."""


def check_written(members: Mapping[str, bytes]) -> Check:
    """Hold trace and specifications against the safety files of a pack.

    Args:
        members: of a pack that holds together otherwise.
    """
    try:
        index = json.loads(members[INDEX])
        shown = {name: entry for name, entry in index.items() if "redacted" in entry}
        lost = sorted(entry["path"] for entry in shown.values() if entry["redacted"] and has_sections(entry))
        found = {
            (kind.name, id): written
            for name, entry in shown.items()
            if not entry["redacted"] and has_sections(entry)
            for kind, id, written in entities_of(members[name], entry["path"])
        }
        _hold(found, members, whole=not lost)
        _hold_settings(members, shown)
    except ShipworthyError as error:
        return Check("files", False, str(error))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return Check("files", False, f"workspace: not the files of a workspace ({type(error).__name__}: {error})")
    but = f", but for {', '.join(lost)}: redacted, so not compared" if lost else ""
    return Check("files", True, f"trace and specifications say what the safety files in the pack say{but}")


def has_sections(entry: Mapping[str, Any]) -> bool:
    return not str(entry["path"]).startswith(_ELSEWHERE)


def entities_of(data: bytes, path: str) -> Iterator[tuple[Kind, str, Any]]:
    """Yield what a file defines: kind, id and text."""
    value = parse_yaml(data.decode("utf-8-sig"), Path(path)).value
    for section, written in value.items():
        kind = sections().get(section)
        if kind is None or written is None:
            continue
        if kind.written == "single":
            default = kind.model.model_fields["id"].default if "id" in kind.model.model_fields else kind.name
            yield kind, str(written.get("id", default)), written
        elif kind.written == "list":
            yield from ((kind, one["id"], one) for one in written)


def _hold_settings(members: Mapping[str, bytes], shown: Mapping[str, Any]) -> None:
    """Hold the meaning of each file that is not, to the byte, what was decided on against what was recorded of it."""
    recorded = {file["path"]: file for file in json.loads(members["decision.json"])["files"]}
    if not (other := not_to_the_byte(members)):
        return
    sources = {
        entry["path"]: parse_yaml(members[name].decode("utf-8-sig"), Path(entry["path"]))
        for name, entry in shown.items()
        if not entry["redacted"] and has_sections(entry)
    }
    draft = read_sections(sources.values())
    for path in other:
        if path not in sources:
            raise IntegrityError(f"{path}: not the file that was decided on, and redacted, so nothing else shows of it")
        try:
            same = meaning_of(sources[path], draft) == recorded[path]["meaning"]
        except PluginError as error:
            hint = "verify it where that plug-in is, or pack the files that were decided on"
            raise IntegrityError(f"{path}: not the file that was decided on, and {error}: {hint}") from error
        if not same:
            raise IntegrityError(f"{path}: not what was decided on: more than operational settings was changed")


def _hold(found: Mapping[tuple[str, str], Any], members: Mapping[str, bytes], *, whole: bool) -> None:
    trace = json.loads(members["trace.json"])
    told = {("risk", risk["id"]): risk for risk in trace["risks"]}
    told |= {("requirement", id): text for id, text in trace["requirements"].items()}
    for key, written in found.items():
        _hold_told(key, written, trace, told)
    if whole and (odd := sorted(set(told) - set(found))):
        raise IntegrityError(f"trace.json: the safety files have no {odd[0][0]} {odd[0][1]}")
    for name in sorted(name for name in members if name.startswith("specs/")):
        for kind, entities in json.loads(members[name])["entities"].items():
            model = next((one.model for one in sections().values() if one.name == kind), None)
            for id, said in entities.items():
                if model is None or (not whole and _meant(kind, id, model, found) is None):
                    continue  # a suite, whose digest says what it is; or it stands in a file that was redacted
                if canonical(_meant(kind, id, model, found)) != canonical(said):
                    raise IntegrityError(f"{name}: its {kind} {id} is not that of the safety files")


def _meant(kind: str, id: str, model: type[Entity], found: Mapping[tuple[str, str], Any]) -> Any:
    """Return the meaning of an entity by the safety files; of one suite of a plan, which is written nowhere, too."""
    whole, suite = split_part(id) if kind == "plan" else (id, "")
    if suite and whole == FULL:
        return part_meaning(None, suite)
    if (kind, whole) not in found:
        return None
    said = meaning(model, for_digest(found[kind, whole]))
    return part_meaning(said, suite) if suite else said


def _hold_told(key: tuple[str, str], written: Any, trace: Mapping[str, Any], told: Mapping[Any, Any]) -> None:
    """Hold what the trace says of one entity, which the report repeats, against its text."""
    kind, id = key
    try:
        if kind == "system":
            system = System.model_validate(written)
            same = (trace["system"], trace["title"], trace["owner"]) == (system.id, system.title, system.owner)
        elif kind == "risk":
            risk, said = Risk.model_validate(written), told.get(key, {})
            same = (said.get("title"), said.get("severity")) == (risk.title, risk.severity)
            same &= [said.get("journeys"), said.get("refs")] == [list(risk.journeys), list(risk.refs)]
        elif kind == "requirement":
            requirement = Requirement.model_validate(written)
            same = told.get(key) == requirement.text
            leads = {r["id"] for r in trace["risks"] if id in {one["id"] for one in r["requirements"]}}
            same &= leads == set(requirement.mitigates)
        else:
            return
    except ValidationError:
        raise IntegrityError(f"workspace: the {kind} {id} is none that could have been decided on") from None
    if not same:
        raise IntegrityError(f"trace.json: what it says of the {kind} {id} is not what the safety files say")
