"""The files of a pack, made from a workspace: one function a group of members. Everything with text is redacted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.digests import bytes_digest, canonical, merkle_root
from shipworthy.core.records import Decision, RunManifest
from shipworthy.detect.redact import redact, redact_text
from shipworthy.evals.results import Run
from shipworthy.evidence import recount
from shipworthy.store import chain
from shipworthy.store.audit import ORIGIN, Entry, entry_hash
from shipworthy.store.line import encode_attempt, frame
from shipworthy.store.line import leaf as leaf_of
from shipworthy.workspace.load import Workspace

Members = dict[str, bytes]
_UNSAFE = re.compile(r"[^A-Za-z0-9._@-]")


class RunMembers:
    """One run's files: its records redacted, in a chain of their own, sealed to the original one.

    Redacting changes the bytes, so the original chain cannot be followed inside a pack. `seal.json` therefore names
    both heads and roots: the pack's own can be computed from the pack, the original's is what the audit log recorded
    when the run was finished, and whoever holds the run log can compute it.

    Args:
        run: the run.
        secrets: taken out of every text.
        original: the audit log's entry about the finished run.
    """

    def __init__(self, run: Run, secrets: Sequence[str], original: Mapping[str, Any]) -> None:
        folder = f"runs/{run.id}"
        subject = msgspec.to_builtins(run.manifest.subject)
        shown = redact_json(subject, secrets)
        manifest = canonical(msgspec.to_builtins(run.manifest) | {"subject": shown})
        head, lines, self.leaves = chain.origin(manifest), list[bytes](), dict[str, bytes]()
        self.suites: dict[str, dict[str, str]] = {}
        for attempt in run.attempts(superseded=True):
            body = encode_attempt(redact(attempt, secrets))
            head = chain.link(head, body)
            lines.append(frame(head, body))
            leaf = leaf_of(body)
            self.leaves[attempt.id] = leaf
            self.suites.setdefault(attempt.suite, {})[attempt.id] = bytes_digest(leaf)
        seal = {
            "run": run.id,
            "records": len(lines),
            "original": {"head": original["head"], "merkle": original["merkle"]},
            "pack": {
                "head": chain.head_text(head),
                "merkle": merkle_root([self.leaves[i] for i in sorted(self.leaves)]),
            },
            "subject": "whole" if shown == subject else "redacted",
        }
        self.seal = seal
        self.members: Members = {
            f"{folder}/manifest.json": manifest,
            f"{folder}/subject.json": canonical(shown),
            f"{folder}/attempts.jsonl": b"".join(lines),
            f"{folder}/seal.json": canonical(seal),
        }

    @cached_property
    def records(self) -> list[recount.Record]:
        """The records that count, as the verifier will read them."""
        return recount.last_tries(msgspec.json.decode(leaf) for leaf in self.leaves.values())


def redact_json(value: Any, secrets: Sequence[str]) -> Any:
    """Return a JSON value with its texts redacted; digests, which are not text, stay."""
    if isinstance(value, str):
        return value if re.fullmatch(r"sha256:[0-9a-f]{64}", value) else redact_text(value, secrets)
    if isinstance(value, dict):
        return {key: redact_json(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(inner, secrets) for inner in value]
    return value


def criteria(
    workspace: Workspace, decision: Decision, runs: Mapping[str, RunMembers], manifests: Mapping[str, RunManifest]
) -> bytes:
    """Return ``criteria.json``: each result with the counts per cluster behind it, so that anyone can test it anew."""
    filters = {criterion.id: criterion.attack for _, criterion in workspace.criteria()}
    listed = []
    for result in decision.criteria:
        counts: Mapping[str, Sequence[float]] = {}
        if result.rate is not None:
            new, old = result.run, result.baseline_run
            measure = recount.measures(msgspec.to_builtins(manifests[new]), result.suite)[result.metric]
            what = result.suite, measure, filters.get(result.id)
            if result.test == "threshold":
                counts = recount.count(runs[new].records, *what).clusters
            else:
                same = manifests[new].seed == manifests[old].seed
                counts = recount.count_paired(runs[new].records, runs[old].records, *what, same_seed=same).clusters
        listed.append(
            msgspec.to_builtins(result)
            | {"attack": filters.get(result.id), "counts": {name: list(row) for name, row in sorted(counts.items())}}
        )
    return canonical({"criteria": listed})


def suites(workspace: Workspace, runs: Sequence[Run], secrets: Sequence[str]) -> Members:
    """Return each used suite's card and what identifies it."""
    found: Members = {}
    for name in sorted({use.id for run in runs for use in run.manifest.suites}):
        suite = workspace.suites.get(name)
        if suite is None:
            continue  # Only a baseline used it; its identity stands in that run's manifest.
        found[f"suites/{name}/card.md"] = redact_text(suite.card, secrets).encode()
        about = {
            "id": suite.id,
            "version": suite.version,
            "title": suite.title,
            "content": suite.content,
            "metric": suite.metric,
            "digest": suite.digest,
            "samples": len(suite.samples),
            "attempts": suite.attempts,
            "attacks": [use.name for use in suite.attacks],
            "scorers": [use.name for use in suite.scorers],
            "max_error_rate": suite.max_error_rate,
            "icc": suite.icc,
            "refs": list(suite.refs),
            "license": suite.license,
        }
        found[f"suites/{name}/suite.json"] = canonical(redact_json(about, secrets))
    return found


def workspace_files(root: Path, secrets: Sequence[str]) -> Members:
    """Return the workspace's YAML, redacted, and an index with the SHA-256 of every file as it was.

    Samples are left out: their digest is in the suite's, and their conversations are in the records.
    """
    found: Members = {}
    index: dict[str, dict[str, Any]] = {}
    for path in sorted([*root.rglob("*.yaml"), *root.rglob("*.yml")]):
        parts = path.relative_to(root).parts
        if any(part.startswith(".") for part in parts) or path.name.startswith("samples.") or not path.is_file():
            continue
        original = path.read_bytes()
        shown = redact_text(original.decode("utf-8", "replace"), secrets).encode()
        name = "workspace/" + "/".join(_UNSAFE.sub("_", part) for part in parts)
        while name in found:
            name += "_"
        found[name] = shown
        index[name] = {"path": "/".join(parts), "sha256": bytes_digest(original), "redacted": shown != original}
    found["workspace/index.json"] = canonical(index)
    return found


def audit_extract(entries: Iterator[Entry], until: int) -> tuple[bytes, str]:
    """Return the audit log's first entries as chained lines, and the head at the last of them.

    Args:
        until: number of the last entry.
    """
    head, lines = ORIGIN, []
    for entry in entries:
        if entry.number > until:
            break
        head = entry_hash(head, entry.number, entry.at, entry.kind, entry.body)
        value = {"number": entry.number, "at": entry.at, "kind": entry.kind, "body": entry.body}
        lines.append(b'{"hash":"' + head.hex().encode() + b'","entry":' + canonical(value) + b"}\n")
    return b"".join(lines), chain.head_text(head)
