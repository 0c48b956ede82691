"""The files of a pack, made from a workspace: one function a group of members. Everything with text is redacted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, TypedDict

import msgspec

from shipworthy.core import condition
from shipworthy.core.digests import bytes_digest, canonical, leaf_hash, merkle_root
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finding import FindingStep
from shipworthy.core.finding_entry import KINDS as FINDING_KINDS
from shipworthy.core.records import Decision, RunManifest
from shipworthy.core.signoff import DECIDED
from shipworthy.detect.redact import redact, redact_text
from shipworthy.evals.results import Run
from shipworthy.evidence import finding_steps, recount, signed_off
from shipworthy.evidence.told import agreements
from shipworthy.store import chain
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import ORIGIN, Entry, entry_hash
from shipworthy.store.happened import entered
from shipworthy.store.line import encode_attempt, frame, leaf
from shipworthy.store.reading import RecordRow
from shipworthy.store.record_index import RecordIndex
from shipworthy.store.shards import log_name, log_origin
from shipworthy.store.signed import envelope_of
from shipworthy.workspace.load import Workspace

Members = dict[str, bytes]
_UNSAFE = re.compile(r"[^A-Za-z0-9._@-]")


class _Score(TypedDict, total=False):
    metric: str
    hit: bool
    value: float


class _Counted(TypedDict, total=False):
    """What is counted of a record; the rest of it is not kept in memory."""

    id: str
    suite: str
    sample: str
    attack: str
    cluster: str
    content_hash: str
    outcome: str
    severity: str
    scores: list[_Score]


_counted = msgspec.json.Decoder(_Counted)


class RunMembers:
    """One run's files: its records redacted, in chains of their own, sealed to the original ones.

    Redacting changes the bytes, so the original chains cannot be followed inside a pack. `seal.json` therefore names
    heads and root of both: the pack's own can be computed from the pack, the original's are what the audit log recorded
    when the run was finished, and whoever holds the run log can compute them.

    Records are added one by one, in the pass that reads the run; then it is sealed.

    Args:
        manifest: of the run.
        secrets: taken out of every text.

    Attributes:
        suites: suite -> attempt id -> digest of its record here.
    """

    def __init__(self, manifest: RunManifest, secrets: Sequence[str]) -> None:
        subject = msgspec.to_builtins(manifest.subject)
        shown = redact_json(subject, secrets)
        self.manifest, self._secrets = manifest, secrets
        self._subject, self._whole = canonical(shown), shown == subject
        self._manifest = canonical(msgspec.to_builtins(manifest) | {"subject": shown})
        self._heads = [log_origin(self._manifest, shard) for shard in range(manifest.shards)]
        self._lines: list[list[bytes]] = [[] for _ in self._heads]
        self._index = RecordIndex()
        self._records: list[recount.Record] = []
        self.suites: dict[str, dict[str, str]] = {}

    def add(self, row: RecordRow) -> None:
        """Take in one record, redacted; shard by shard, in the order of the log."""
        body = encode_attempt(redact(row.attempt(), self._secrets))
        record = leaf(body)
        self._heads[row.shard] = head = chain.link(self._heads[row.shard], body)
        self._lines[row.shard].append(frame(head, body))
        self._index.add(row.id, row.shard, 0, leaf_hash(record))
        self._records.append(_counted.decode(record))
        self.suites.setdefault(row.suite, {})[row.id] = bytes_digest(record)

    def seal(self, original: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ties these records to the run's own.

        Args:
            original: the audit log's entry about the run.
        """
        return {
            "run": self.manifest.id,
            "records": len(self._records),
            "original": {name: original[name] for name in ("head", "heads", "merkle")},
            "pack": {
                "head": merkle_root(self._heads),
                "heads": [chain.head_text(head) for head in self._heads],
                "merkle": self._index.merkle(),
            },
            "subject": "whole" if self._whole else "redacted",
        }

    def members(self, seal: Mapping[str, Any]) -> Members:
        """Return the run's files."""
        folder = f"runs/{self.manifest.id}"
        return {
            f"{folder}/manifest.json": self._manifest,
            f"{folder}/subject.json": self._subject,
            f"{folder}/seal.json": canonical(seal),
            **{f"{folder}/{log_name(shard)}": b"".join(lines) for shard, lines in enumerate(self._lines)},
        }

    @cached_property
    def records(self) -> list[recount.Record]:
        """What is counted of the records that count, as the verifier will read them."""
        return recount.last_tries(self._records)


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
    """Return ``criteria.json``: each result with the counts per cluster behind it, so that anyone can test it anew.

    ``worst`` are the counts behind the bound that decides: every unscored attempt is bad in them. ``by_attack`` has
    both for each attack by itself.
    """
    filters = {criterion.id: criterion.attack for _, criterion in workspace.criteria()}
    listed = []
    for result in decision.criteria:
        counts: Mapping[str, Sequence[float]] = {}
        worst: Mapping[str, Sequence[float]] = {}
        by_attack = {}
        bad: Literal["high", "low"] = "high" if condition.parse(result.must).side == "upper" else "low"
        if result.rate is not None:
            new, old = result.run, result.baseline_run
            measure = recount.measures(msgspec.to_builtins(manifests[new]), result.suite)[result.metric]
            what = result.suite, measure, filters.get(result.id)
            if result.test == "threshold":
                counts = recount.count(runs[new].records, *what).clusters
                worst = recount.count(runs[new].records, *what, fill=bad).clusters
                for row in result.attacks:
                    own = recount.of_attack(runs[new].records, row.attack), *what[:2], None
                    one, filled = recount.count(*own), recount.count(*own, fill=bad)
                    by_attack[row.attack] = {"counts": _rows(one.clusters), "worst": _rows(filled.clusters)}
            else:
                same = manifests[new].seed == manifests[old].seed
                both = runs[new].records, runs[old].records, *what
                counts = recount.count_paired(*both, same_seed=same).clusters
                worst = recount.count_paired(*both, same_seed=same, fill=bad).clusters
        listed.append(
            msgspec.to_builtins(result)
            | {
                "attack": filters.get(result.id),
                "counts": _rows(counts),
                "worst": _rows(worst),
                "by_attack": by_attack,
            }
        )
    return canonical({"criteria": listed})


def _rows(counts: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: list(row) for name, row in sorted(counts.items())}


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
            "agreement": agreements(suite),
            "max_error_rate": suite.max_error_rate,
            "icc": suite.icc,
            "refs": list(suite.refs),
            "license": suite.license,
        }
        # Id, version, attacks and metric stand in the run's manifest, too, and are names of ours: kept as they are.
        told = {key: redact_json(about[key], secrets) for key in ("title", "scorers", "agreement", "refs", "license")}
        found[f"suites/{name}/suite.json"] = canonical(about | told)
    return found


def workspace_files(workspace: Workspace, secrets: Sequence[str]) -> Members:
    """Return the workspace's YAML, redacted, and an index with the SHA-256 of every file that was read.

    Samples, cards and code are in the index alone: the records hold the conversations, and each suite has its card. So
    is a YAML file with the samples of a private suite in it.

    Raises:
        IntegrityError: a file is no longer what was read.
    """
    suites = workspace.suites.values()
    withheld = {suite.source.resolve() for suite in suites if suite.content == "private" and suite.source}
    found: Members = {}
    index: dict[str, dict[str, Any]] = {}
    for file in workspace.files:
        entry: dict[str, Any] = {"path": file.path, "sha256": file.sha256}
        if file.meaning:
            entry["meaning"] = file.meaning
        parts = file.path.split("/")
        name = "workspace/" + "/".join(_UNSAFE.sub("_", part.lstrip(".") or "_") for part in parts)
        while name in index:
            name += "_"
        is_shown = file.path.endswith((".yaml", ".yml")) and not parts[-1].startswith("samples.")
        if is_shown and (workspace.root / file.path).resolve() not in withheld:
            original = (workspace.root / file.path).read_bytes()
            if bytes_digest(original) != file.sha256:
                raise IntegrityError(f"{file.path}: changed while the pack was built: build it again")
            found[name] = redact_text(original.decode("utf-8", "replace"), secrets).encode()
            entry["redacted"] = found[name] != original
        index[name] = entry
    found["workspace/index.json"] = canonical(index)
    return found


def findings(audit: AuditLog, until: int, secrets: Sequence[str]) -> Members:
    """Return ``findings.json``: every step of every finding, by its entry, as it was recorded; none, nothing.

    Args:
        until: number of the last entry.
        secrets: taken out of every text; a row that this changes is left out, and its entry stays.
    """
    steps = []
    for one in entered(audit, dict.fromkeys(FINDING_KINDS, FindingStep), until=until):
        same = redact(one.row, secrets) == one.row
        steps.append({"entry": one.entry, "row": msgspec.to_builtins(one.row) if same else None})
    return {finding_steps.MEMBER: canonical({"steps": steps})} if steps else {}


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
        lines.append(_line(entry, head.hex()))
    return b"".join(lines), chain.head_text(head)


def sign_off(entries: Sequence[Entry], after: int, decision: str) -> Members:
    """Return what people signed of a decision: the audit log up to the last of their decisions on it; none, nothing.

    Args:
        entries: the whole log, verified.
        after: number of the gate's decision, with which the pack's other extract ends.
    """
    decided = [e for e in entries if e.kind == DECIDED and signed_off.decided_on(e.body, decision)]
    if not decided:
        return {}
    tail = [e for e in entries if after < e.number <= decided[-1].number]
    found = {signed_off.LOG: b"".join(_line(entry, entry.hash) for entry in tail)}
    for number, entry in enumerate(decided, 1):
        found[signed_off.member_name(number)] = envelope_of(entry.body, f"audit log: entry {entry.number}")
    return found


def _line(entry: Entry, head: str) -> bytes:
    value = {"number": entry.number, "at": entry.at, "kind": entry.kind, "body": entry.body}
    return b'{"hash":"' + head.encode() + b'","entry":' + canonical(value) + b"}\n"
