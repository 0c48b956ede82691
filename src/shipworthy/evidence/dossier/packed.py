"""The dossier in a pack: made from the pack's other members, so that a verifier can make it again and compare."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError, ShipworthyError
from shipworthy.evidence.dossier.bom import BOM, bill_of_materials
from shipworthy.evidence.dossier.gather import SOURCE, cleared, entity_says
from shipworthy.evidence.dossier.paper import DOSSIER, View, contents, papers
from shipworthy.evidence.dossier.render import page_html, plain_markdown, tree
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.rendered import renderer
from shipworthy.evidence.unchanged import INDEX
from shipworthy.evidence.verification import Check
from shipworthy.evidence.verify import ATTESTATION, MANIFEST
from shipworthy.evidence.written import entities_of, has_sections

FOLDER = "dossier/"
PAGE = "dossier/index.html"


def dossier_members(members: Mapping[str, bytes], view: View) -> dict[str, bytes]:
    """Return the dossier of a pack: a page of all sections, a file for each, and the bill of materials.

    Args:
        members: the pack's, with ``dossier/source.json``; a dossier that is there already is not looked at.
        view: ``internal`` or ``regulator``.

    Raises:
        IntegrityError: they do not hold what it needs.
    """
    ours = {
        name: data
        for name, data in members.items()
        if (not name.startswith(FOLDER) or name == SOURCE) and name not in (MANIFEST, ATTESTATION)
    }
    source = DossierSource(ours)
    parts = contents(source, papers()[DOSSIER], view)
    document = tree(f"Dossier: {source.system['title']}", subtitle(source, view), parts, verdict(source))
    return {
        PAGE: page_html(document).encode(),
        BOM: canonical(bill_of_materials(source)),
        **{f"{FOLDER}{part.name}.md": plain_markdown(part).encode() for part in parts},
    }


def subtitle(source: DossierSource, view: View) -> str:
    """Return the line below a document's title."""
    made = source.decision
    decided = f"{made.id} · {made.created}" if made is not None else "no decision yet"
    return f"{source.system.id} · {decided} · {view} view"


def verdict(source: DossierSource) -> str:
    """Return the gate's verdict; empty where there is none yet."""
    return "" if source.decision is None else source.decision.verdict


def check_dossier(members: Mapping[str, bytes]) -> Check:
    """Hold the dossier of a pack against its other members: made again, and its entities read from the safety files.

    Args:
        members: of a pack that holds together otherwise.
    """
    try:
        manifest = json.loads(members[MANIFEST])
        entities = _hold_entities(members)
        if (by := manifest.get("rendered_by")) is not None and by != renderer():
            return Check(
                "dossier", True, f"not compared: rendered by {by!r}, and this is {renderer()!r}", compared=False
            )
        again = dossier_members(members, manifest.get("view", "internal"))
    except ShipworthyError as error:
        return Check("dossier", False, str(error))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return Check("dossier", False, f"{SOURCE}: no dossier is made of it ({type(error).__name__}: {error})")
    there = {name for name in members if name.startswith(FOLDER)} - {SOURCE}
    if odd := sorted(there ^ set(again)) or sorted(name for name in again if members[name] != again[name]):
        return Check("dossier", False, f"{odd[0]}: not what {renderer()} makes of the members inside")
    return Check("dossier", True, f"{len(again)} files made again: the same bytes; {entities} entities as written")


def _hold_entities(members: Mapping[str, bytes]) -> int:
    """Hold what the source says of each entity against the safety files; those that redaction changed are left out."""
    said = json.loads(members[SOURCE])["entities"]
    index, held = json.loads(members[INDEX]), 0
    for name, entry in index.items():
        if entry.get("redacted", True) or not has_sections(entry):
            continue
        for kind, id, text in entities_of(members[name], entry["path"]):
            if kind.written not in ("list", "single") or kind.name == "facts":
                continue
            there = said.get(kind.name, {}).get(id)
            expected = cleared(entity_says(kind.name, kind.model.model_validate(text)), ())
            if there is None or canonical(there["says"]) != canonical(expected):
                raise IntegrityError(f"{SOURCE}: what it says of the {kind.name} {id} is not what {entry['path']} says")
            if there["file"] != Path(entry["path"]).as_posix():
                raise IntegrityError(f"{SOURCE}: the {kind.name} {id} stands in {entry['path']}, and not there")
            held += 1
    return held
