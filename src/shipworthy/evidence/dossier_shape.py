"""The fields of ``dossier/source.json``, and that it is about the same as the rest of a pack. Standard library only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.shape import anything, digest, fields, flag, listed, mapped, name, text, whole

SOURCE = "dossier/source.json"
SECTIONS = 20
FOLDER = "dossier/"
KNOWN = r"dossier/(?:source\.json|index\.html|bom\.cdx\.json|(?:annex-iv|sources)\.md|[01][0-9]-[a-z-]+\.md)"
"""The files of a dossier, as a regular expression."""
_SECTION = re.compile(r"dossier/([01][0-9])-[a-z-]+\.md")

_source = fields(
    {
        "schema": whole(1, 1), "system": name,
        "entities": mapped(mapped(fields(
            {"digest": digest, "file": name, "line": whole(1), "says": mapped(anything)}, closed=True,
        ))),
        "links": listed(fields({"from": name, "field": name, "to": name}, closed=True)),
        "coverage": listed(fields(
            {"journey": name, "risk": name, "critical": flag, "suites": listed(name)}, closed=True,
        )),
        "files": mapped(digest),
        "notes": mapped(fields({"file": name, "text": text, "digest": digest}, closed=True)),
    },
    closed=True,
)  # fmt: skip


def check_source(members: Mapping[str, bytes]) -> str:
    """Hold the dossier's source against what a pack says beside it, without anything but Python.

    Raises:
        IntegrityError: names what says something else; or a file of the dossier is missing, or one too many.
    """
    if SOURCE not in members:
        raise IntegrityError(f"{SOURCE}: missing, and there is a dossier")
    said = json.loads(members[SOURCE])
    _source(said, SOURCE)
    trace = json.loads(members["trace.json"])
    if said["system"] != trace["system"] or list(said["entities"].get("system", ())) != [trace["system"]]:
        raise IntegrityError(f"{SOURCE}: of another system than the decision")
    _same(said, "risk", {risk["id"]: risk.get("severity") for risk in trace["risks"]}, "severity")
    _same(said, "requirement", dict.fromkeys(trace["requirements"]), "")
    for member, data in members.items():
        if member.startswith("suites/") and member.endswith("/suite.json"):
            about = json.loads(data)
            there = said["entities"].get("suite", {}).get(about["id"])
            if there is None or there["says"].get("digest") != about["digest"]:
                raise IntegrityError(f"{SOURCE}: of another suite {about['id']} than was decided on")
    numbers = sorted(int(one[1]) for member in members if (one := _SECTION.fullmatch(member)))
    if numbers != list(range(SECTIONS)):
        raise IntegrityError(f"dossier: has the sections {', '.join(map(str, numbers))}, and not each of 0 to 19 once")
    return f"{SECTIONS} sections, of the system and the suites that were decided on"


def _same(said: Mapping[str, Any], kind: str, told: Mapping[str, Any], field: str) -> None:
    there = said["entities"].get(kind, {})
    if odd := sorted(set(there) ^ set(told)):
        raise IntegrityError(f"{SOURCE}: the {kind} {odd[0]} is not in both, the trace and the dossier")
    for id, value in told.items():
        if field and there[id]["says"].get(field) != value:
            raise IntegrityError(f"{SOURCE}: the {kind} {id} has another {field} than in the trace")
