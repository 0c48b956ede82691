"""What a dossier takes from a workspace: every entity, its links and places, as JSON with everything private taken out.

A pack holds it as one member. What a pack holds already (the decision, runs, records, the audit log) is not in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shipworthy.core.digests import canonical, file_digest
from shipworthy.core.notes import WrittenNote
from shipworthy.evidence.members import redact_json
from shipworthy.workspace.coverage import coverage
from shipworthy.workspace.graph import Node
from shipworthy.workspace.kinds.section import DossierEntry
from shipworthy.workspace.load import Workspace

SOURCE = "dossier/source.json"
SCHEMA = 1

_TOLD_APART = {"system": ("components",), "requirement": ("criteria",), "guard": ("params",), "target": ("params",)}
"""Fields that are not repeated: parts are entities of their own; parameters may hold prompts and canaries."""


def gather(workspace: Workspace, secrets: Sequence[str], notes: Mapping[str, WrittenNote]) -> bytes:
    """Return ``dossier/source.json``.

    Args:
        secrets: taken out of every text, with personal data and credentials.
        notes: what people wrote into a document that was made before, by the section's name.
    """
    graph = workspace.graph
    entities: dict[str, dict[str, Any]] = {}
    for node in graph.nodes.values():
        if node.key.kind != "pipeline":
            entities.setdefault(node.key.kind, {})[node.id] = {
                "digest": graph.digest(node),
                "file": _relative(node.file, workspace.root),
                "line": node.line,
                "says": cleared(_says(node), secrets) | _whole(node),
            }
    links = sorted({(f"{e.source.kind}:{e.source.id}", e.field, f"{e.target.kind}:{e.target.id}") for e in graph.edges})
    value = {
        "schema": SCHEMA,
        "system": workspace.system.id,
        "entities": entities,
        "links": [{"from": one, "field": field, "to": other} for one, field, other in links],
        "coverage": [
            {"journey": cell.journey, "risk": cell.risk, "critical": cell.critical, "suites": list(cell.suites)}
            for cell in coverage(graph)
        ],
        "files": {name: file_digest(workspace.root / name) for name in sorted(set(_named(workspace)))},
        "notes": {
            name: {"file": note.file, "digest": note.digest, "text": cleared(note.text, secrets)}
            for name, note in notes.items()
        },
    }
    return canonical(value)


def _says(node: Node) -> dict[str, Any]:
    """Return what an entity says, its defaults too, without what may not be repeated."""
    kind, entity = node.key.kind, node.entity
    if kind == "suite":
        return suite_says(entity)
    if kind == "facts":
        return {
            "persona": entity.persona, "languages": list(entity.languages), "secrets": len(entity.secrets),
            "users": len(entity.users),
        }  # fmt: skip
    if kind == "policy":
        return {
            "tools": {name: {"effect": rule.effect, "ask": rule.ask} for name, rule in entity.tools.items()},
            "implements": list(entity.implements),
        }
    return entity_says(kind, entity)


def _whole(node: Node) -> dict[str, str]:
    """Return what a part is written inside, where that is told apart from it."""
    return {"requirement": node.parent.id} if node.key.kind == "criterion" and node.parent else {}


def entity_says(kind: str, entity: Any) -> dict[str, Any]:
    """Return what an entity of a kind that is a section's says; the verifier asks it of a file in the pack, too."""
    return dict(entity.model_dump(mode="json", exclude=set(_TOLD_APART.get(kind, ()))))


def suite_says(suite: Any) -> dict[str, Any]:
    """Return what identifies a suite; none of its samples."""
    return {
        "version": suite.version, "title": suite.title, "content": suite.content, "metric": suite.metric,
        "digest": suite.digest, "samples": len(suite.samples), "attacks": [use.use for use in suite.attacks],
        "scorers": [use.use for use in suite.scorers], "license": suite.license, "refs": list(suite.refs),
    }  # fmt: skip


def cleared(value: Any, secrets: Sequence[str]) -> Any:
    """Redact texts; what has the form of a day is none."""
    if isinstance(value, dict):
        return {key: cleared(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [cleared(inner, secrets) for inner in value]
    is_day = isinstance(value, str) and len(value) == 10 and value[4:8:3] == "--"
    return value if is_day else redact_json(value, secrets)


def _named(workspace: Workspace) -> Iterator[str]:
    for entry in workspace.entities(DossierEntry).values():
        yield from entry.files
    for node in workspace.graph.of_kind("control").values():
        yield from node.entity.files


def _relative(file: Path, root: Path) -> str:
    """Return a file's path in the workspace; of one that comes with shipworthy its name alone."""
    path = Path(os.path.relpath(file, root)).as_posix()
    return f"library/{file.name}" if path.startswith("..") else path
