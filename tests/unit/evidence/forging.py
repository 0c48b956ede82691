"""Packs that a signer made anew after changing what is inside: what somebody hands over who is wrong, or who lies."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.evidence import archive
from shipworthy.evidence.unchanged import attested
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, PACK_VERSION
from shipworthy.store import chain
from shipworthy.store.entry import ORIGIN
from shipworthy.store.signing import sign, statement


def resigned(case: Any, edit: Callable[[dict[str, Any]], Any], **predicate: Any) -> bytes:
    """Return a pack with JSON members changed, and manifest and signature made anew."""
    members = archive.read(case.pack)
    parsed: dict[str, Any] = {n: json.loads(d) for n, d in members.items() if n.endswith(".json") and n != ATTESTATION}
    parsed |= {name: data for name, data in members.items() if name not in parsed and name != ATTESTATION}
    edit(parsed)
    del parsed[MANIFEST]
    files = {name: value if isinstance(value, bytes) else canonical(value) for name, value in parsed.items()}
    listed = {name: bytes_digest(data) for name, data in files.items()}
    files[MANIFEST] = canonical({"files": listed, "version": PACK_VERSION})
    old = json.loads(base64.b64decode(json.loads(members[ATTESTATION])["payload"]))
    decision = parsed["decision.json"]
    said = old["predicate"] | attested(decision) | {"decision_digest": bytes_digest(files["decision.json"])}
    said |= {"runs": {run: parsed[f"runs/{run}/seal.json"] for run in old["predicate"]["runs"]}} | predicate
    files[ATTESTATION] = sign(
        statement({MANIFEST: bytes_digest(files[MANIFEST])}, old["predicateType"], said), [case.key]
    )
    return archive.write(files)


def relogged(case: Any, change: Callable[[dict[str, Any], list[dict[str, Any]]], Any]) -> bytes:
    """Return a pack with members and entries of the audit log changed, and its chain, manifest and signature anew."""
    heads: list[str] = []

    def edit(files: dict[str, Any]) -> None:
        entries = [json.loads(line)["entry"] for line in files["audit-log.jsonl"].splitlines()]
        change(files, entries)
        head, lines = ORIGIN, []
        for entry in entries:
            head = chain.link(head, canonical(entry))
            lines.append(b'{"hash":"' + head.hex().encode() + b'","entry":' + canonical(entry) + b"}\n")
        files["audit-log.jsonl"] = b"".join(lines)
        heads.append(chain.head_text(head))

    resigned(case, edit)  # once, for the head
    return resigned(case, edit, audit_head=heads[0])
