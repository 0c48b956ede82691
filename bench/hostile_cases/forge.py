"""Signing a pack again after its content was changed: what a signer can hand over who is wrong, or who lies."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import Decided, Lab

from shipworthy.core.digests import bytes_digest, canonical, merkle_root
from shipworthy.evidence import archive
from shipworthy.evidence.verify import ATTESTATION, MANIFEST
from shipworthy.store import chain
from shipworthy.store.entry import ORIGIN
from shipworthy.store.line import frame, leaf
from shipworthy.store.shards import log_name, log_origin
from shipworthy.store.signing import sign

DECISION, CRITERIA, AUDIT = "decision.json", "criteria.json", "audit-log.jsonl"


class Forged:
    """A pack that was taken apart. What is changed here is made to hold together again where it is told elsewhere.

    Attributes:
        files: member -> its JSON where it is JSON, else its bytes.
        entries: of the audit log.
        predicate: what the statement says; `statement` the rest of it.
        raw: member -> bytes that take the place of everything, made last.
        late: a change of all bytes before the manifest is made, with nothing put right after it.
    """

    def __init__(self, lab: Lab, decided: Decided) -> None:
        self.lab = lab
        members = archive.read(decided.pack.read_bytes())
        envelope = json.loads(members.pop(ATTESTATION))
        self.statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
        self.predicate: dict[str, Any] = self.statement["predicate"]
        self.manifest: dict[str, Any] = json.loads(members.pop(MANIFEST))
        self.files: dict[str, Any] = {
            name: json.loads(data) if name.endswith(".json") else data for name, data in members.items()
        }
        self.entries = [json.loads(line)["entry"] for line in self.files.pop(AUDIT).splitlines()]
        self.run: str = self.files[DECISION]["runs"][0]
        self.raw: dict[str, bytes] = {}
        self.rechain = True

    @property
    def decision(self) -> dict[str, Any]:
        """What ``decision.json`` holds."""
        found: dict[str, Any] = self.files[DECISION]
        return found

    def result(self, change: Callable[[dict[str, Any]], Any], number: int = 0) -> None:
        """Change one criterion's result wherever it is told."""
        for where in (self.decision["criteria"], self.files[CRITERIA]["criteria"], self.predicate["criteria"]):
            change(where[number])

    def name(self, part: str) -> str:
        """Return the name of a member of the decided run."""
        return f"runs/{self.run}/{part}"

    def records(self, change: Callable[[list[dict[str, Any]]], Any], **manifest: Any) -> None:
        """Change the run's records (a list of attempts of its only shard), and make chain, root and seal anew."""
        self.files[self.name("manifest.json")] |= manifest
        log = self.name(log_name(0))
        bodies = [line[75:] for line in self.files[log].splitlines()]
        timings = [body[: body.index(b',"attempt":')] for body in bodies]
        attempts = [json.loads(leaf(body)) for body in bodies]
        pairs = {id(attempt): timing for attempt, timing in zip(attempts, timings, strict=True)}
        change(attempts)
        head, lines, leaves = log_origin(_bytes(self.files[self.name("manifest.json")]), 0), [], {}
        for attempt in attempts:
            record = json.dumps(attempt, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
            body = pairs.get(id(attempt), timings[0]) + b',"attempt":' + record + b"}"
            head = chain.link(head, body)
            lines.append(frame(head, body))
            leaves[str(attempt.get("id"))] = record
        self.files[log] = b"".join(lines)
        seal = self.files[self.name("seal.json")]
        seal["records"] = len(attempts)
        seal["pack"] = {
            "head": merkle_root([head]),
            "heads": [chain.head_text(head)],
            "merkle": merkle_root([leaves[name] for name in sorted(leaves)]),
        }
        trace = self.files["trace.json"]["records"][self.run]
        for suite in trace:
            trace[suite] = {
                str(a["id"]): bytes_digest(leaves[str(a["id"])]) for a in attempts if a.get("suite") == suite
            }
        self.predicate["runs"][self.run] = seal

    def write(self, *, member_names: Callable[[dict[str, bytes]], Any] | None = None) -> Path:
        """Make audit chain, manifest and signature anew and return the pack's file."""
        decided = _bytes(self.decision) if DECISION not in self.raw else self.raw[DECISION]
        head, lines = ORIGIN, []
        for entry in self.entries:
            if self.rechain and entry["kind"] == "decision.made" and "digest" in entry["body"]:
                entry["body"]["digest"] = bytes_digest(decided)
            text = canonical(entry) if _hashable(entry) else _bytes(entry)
            head = chain.link(head, text)
            lines.append(b'{"hash":"' + head.hex().encode() + b'","entry":' + text + b"}\n")
        files = {name: value if isinstance(value, bytes) else _bytes(value) for name, value in self.files.items()}
        files[AUDIT] = b"".join(lines)
        files |= self.raw
        if member_names is not None:
            member_names(files)
        same = ("id", "system", "gate", "verdict", "created", "reason", "subject_digest", "spec_digest")
        told = {key: self.decision[key] for key in same if isinstance(self.decision, dict) and key in self.decision}
        predicate = {**self.predicate, **told, "decision_digest": bytes_digest(decided)}
        predicate |= {"audit_head": chain.head_text(head)} if self.rechain else {}
        predicate |= self.__dict__.get("said", {})
        self.manifest["files"] = {name: bytes_digest(data) for name, data in files.items()}
        files[MANIFEST] = self.raw.get(MANIFEST) or canonical(self.manifest)
        statement = {**self.statement, "predicate": predicate}
        digest = bytes_digest(files[MANIFEST]).removeprefix("sha256:")
        statement["subject"] = [{"name": MANIFEST, "digest": {"sha256": digest}}]
        files[ATTESTATION] = sign(_bytes(statement | self.__dict__.get("stated", {})), [self.lab.key])
        path = self.lab.place() / "pack.zip"
        path.write_bytes(container(files))
        return path

    def say(self, **predicate: Any) -> None:
        """Have the signed predicate say something of its own, whatever the members say."""
        self.said = predicate

    def state(self, **statement: Any) -> None:
        """Have the signed statement say something of its own."""
        self.stated = statement


def container(files: dict[str, bytes]) -> bytes:
    """Return a pack's container as its writer makes it, whatever the names."""
    try:
        return archive.write(files)
    except ValueError:
        import io
        import zipfile

        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as made:
            for name, data in sorted(files.items()):
                made.writestr(zipfile.ZipInfo(name), data)
        return held.getvalue()


def _hashable(value: Any) -> bool:
    try:
        canonical(value)
    except (ValueError, RecursionError):
        return False
    return True


def _bytes(value: Any) -> bytes:
    """Return canonical JSON; of what has none (NaN, half a surrogate pair), JSON as Python writes it."""
    if _hashable(value):
        return canonical(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
