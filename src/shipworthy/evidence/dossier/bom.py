"""Of what the system is made, as CycloneDX 1.6: an AI bill of materials in JSON.

What the files do not say is not made up: a component without a version has none here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from shipworthy import __version__
from shipworthy.core.digests import PREFIX, bytes_digest
from shipworthy.evidence.dossier.frameworks import DISCLAIMER
from shipworthy.evidence.dossier.gather import SOURCE
from shipworthy.evidence.dossier.source import DossierSource, ToldEntity
from shipworthy.evidence.sections.wording import percent

BOM = "dossier/bom.cdx.json"
SPEC = "1.6"

_TYPES = {
    "model": "machine-learning-model", "dataset": "data", "index": "data", "store": "data", "prompt": "data",
    "memory": "data", "skill": "data",
}  # fmt: skip
_SENSITIVITY = {"personal": "personal", "special": "special category", "credential": "credential"}


def bill_of_materials(source: DossierSource) -> dict[str, Any]:
    """Return the bill of materials of a system."""
    system, made = source.system, source.decision
    digest = bytes_digest(source.members[SOURCE])
    models = [one for one in source.all("component") if one["kind"] == "model"]
    parts = [_component(one, source, results=len(models) == 1) for one in source.all("component")]
    parts += [_dataset(one) for one in source.all("suite")]
    parts += [_guard(one) for one in source.all("guard")]
    ids = {one["bom-ref"] for one in parts}
    uses = [
        {"ref": one.ref, "dependsOn": sorted({id for id in one["sends_to"] if id in ids})}
        for one in source.all("component")
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        # Made of what it says: the same members give the same bytes.
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, digest + (made.id if made else ''))}",
        "version": 1,
        "metadata": {
            **({"timestamp": made.created} if made is not None else {}),
            "tools": {"components": [{"type": "application", "name": "shipworthy", "version": __version__}]},
            "component": _system(source),
            "properties": [{"name": "shipworthy:notice", "value": DISCLAIMER}],
        },
        "components": parts,
        "services": [_service(one, source) for one in source.all("subprocessor")],
        "dependencies": [{"ref": system.ref, "dependsOn": sorted(ids)}, *uses],
    }


def _system(source: DossierSource) -> dict[str, Any]:
    one, made = source.system, source.decision
    found: dict[str, Any] = {"type": "application", "bom-ref": one.ref, "name": one["title"]}
    if one["purpose"]:
        found["description"] = one["purpose"]
    if made is not None:
        found["version"] = made.subject_digest.removeprefix(PREFIX)[:16]
        found["hashes"] = [_hash(made.subject_digest)]
    return found | {"properties": [*_properties(one), {"name": "shipworthy:owner", "value": one["owner"]}]}


def _component(one: ToldEntity, source: DossierSource, *, results: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": _TYPES.get(one["kind"], "application"), "bom-ref": one.ref, "name": one["title"],
        "properties": [*_properties(one), {"name": "shipworthy:kind", "value": one["kind"]}],
    }  # fmt: skip
    if one["text"]:
        found["description"] = one["text"]
    if one["pinned"] is not None:
        found["properties"].append({"name": "shipworthy:pinned", "value": "true" if one["pinned"] else "false"})
    if one["run_by"]:
        found["supplier"] = {"name": source.title("subprocessor", one["run_by"])}
    if record := one.says.get("record"):
        found |= _provenance(record)
        found["properties"] += [
            {"name": "shipworthy:updates", "value": record["updates"]},
            {"name": "shipworthy:assessed", "value": f"{record['on']} until {record['until']} by {record['by']}"},
        ]
    if found["type"] == "machine-learning-model":
        found["modelCard"] = _model_card(source, results=results)
    if found["type"] == "data":
        found["data"] = [{"type": "configuration" if one["kind"] == "prompt" else "dataset", "name": one["title"]}]
    return found


def _provenance(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is on record of a part: what nobody wrote is left out."""
    found: dict[str, Any] = {}
    if record["version"]:
        found["version"] = record["version"]
    if record["license"]:
        found["licenses"] = [{"license": {"name": record["license"]}}]
    if record["digest"]:
        found["hashes"] = [_hash(record["digest"])]
    if record["source"].startswith("https://"):
        found["externalReferences"] = [{"type": "distribution", "url": record["source"]}]
    return found


def _model_card(source: DossierSource, *, results: bool) -> dict[str, Any]:
    """Return a model's card; what was measured stands in it only where it is the one model of the system."""
    limits = [f"{one.id}: {one.must}, {one.verdict}" for one in source.results.values() if one.verdict != "ship"]
    cases = [journey["title"] for journey in source.all("journey")]
    considered: dict[str, Any] = {}
    if cases:
        considered["useCases"] = cases
    if limits:
        considered["technicalLimitations"] = limits
    metrics = [
        {
            "type": one.metric, "value": percent(one.rate), "slice": one.suite,
            "confidenceInterval": {"lowerBound": percent(one.low), "upperBound": percent(one.high)},
        }
        for one in source.results.values()
        if results and one.rate is not None and not one.is_value and one.test == "threshold"
    ]  # fmt: skip
    card: dict[str, Any] = {}
    if metrics:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    if considered:
        card["considerations"] = considered
    return card


def _dataset(one: ToldEntity) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "data", "bom-ref": one.ref, "name": one["title"], "version": one["version"],
        "hashes": [_hash(one["digest"])], "scope": "excluded", "properties": _properties(one),
        "data": [{"type": "dataset", "name": f"evaluation set of {one['samples']:,} samples"}],
    }  # fmt: skip
    if re.fullmatch(r"[A-Za-z0-9.+-]+", one["license"] or ""):
        found["licenses"] = [{"license": {"name": one["license"]}}]
    return found


def _guard(one: ToldEntity) -> dict[str, Any]:
    return {
        "type": "application", "bom-ref": one.ref, "name": f"guard {one['use']}", "version": __version__,
        "properties": [*_properties(one), {"name": "shipworthy:mode", "value": one["mode"]}],
    }  # fmt: skip


def _service(one: ToldEntity, source: DossierSource) -> dict[str, Any]:
    data = [d for id in one["data"] if (d := source.get("data", id)) is not None]
    found: dict[str, Any] = {
        "bom-ref": one.ref, "name": one["title"], "x-trust-boundary": True, "properties": _properties(one),
    }  # fmt: skip
    if data:
        found["data"] = [
            {
                "flow": "inbound",
                "classification": _SENSITIVITY.get(d["sensitivity"], d["sensitivity"]),
                "name": d["title"],
            }
            for d in data
        ]
    return found


def _properties(one: ToldEntity) -> list[dict[str, str]]:
    return list(_pairs(one))


def _pairs(one: ToldEntity) -> Iterator[dict[str, str]]:
    yield {"name": "shipworthy:source", "value": one.place}
    yield {"name": "shipworthy:digest", "value": one.digest}


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest.removeprefix(PREFIX)}
