"""What is kept of a system before anything is changed: one sealed file, named by its digest.

Facts and digests, and texts that were redacted when they were written: nothing in it is read from a live conversation.
The AI Act asks that a system is not altered in a way that affects a later evaluation of causes before the authority is
told (Article 73): so this comes before the first lever.
"""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.digests import bytes_digest, canonical, file_digest
from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError
from shipworthy.detect.redact import redact_json, redact_text
from shipworthy.gateway import levers as gateway_levers
from shipworthy.gateway.active import Active
from shipworthy.gateway.config import read_levers
from shipworthy.incidents.incident import Incident, NewEvent
from shipworthy.incidents.named_file import write_private
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.traffic import read as read_traffic
from shipworthy.workspace.kinds.lever import Lever
from shipworthy.workspace.load import Workspace

FOLDER = "incidents"
"""Under ``.shipworthy/``: a folder for each incident."""
TRAFFIC = "traffic"
_LAST = 500
"""Requests of a gateway whose facts are kept."""
_LARGEST = 256 << 20


class KeptSnapshot(NamedTuple):
    """A snapshot: its file, its digest, and what was not there to be kept, a sentence each."""

    path: Path
    digest: str
    missing: tuple[str, ...]


def take_snapshot(
    workspace: Workspace,
    layout: Layout,
    audit: AuditLog,
    incident: Incident,
    by: str,
    *,
    gateways: Sequence[Path] = (),
    telemetry: Path | None = None,
    secrets: Sequence[str] = (),
    now: datetime | None = None,
) -> tuple[KeptSnapshot, NewEvent]:
    """Keep the state of a system in one file, and return it with what is to be entered.

    Args:
        gateways: files of gateways beside those that the workspace's levers name.
        telemetry: folder of a store of telemetry; its facts are counted.

    Raises:
        StoreError: it cannot be written.
        IntegrityError: the audit log is not what was written: that is evidence of its own, and is told.
    """
    moment = now or datetime.now(UTC)
    missing: list[str] = []
    verified = audit.verify()
    members: dict[str, Any] = {
        "incident.json": {
            "id": incident.id, "taken": moment.isoformat(timespec="seconds"),
            "events": [msgspec.to_builtins(event) for event in incident.events],
        },
        "workspace.json": _workspace(workspace, secrets),
        "audit.json": {"entries": verified.entries, "head": verified.head},
        "runs.json": _runs(layout),
    }  # fmt: skip
    named = (one.gateway for one in workspace.entities(Lever).values() if one.gateway is not None)
    files = dict.fromkeys([*(workspace.root / name for name in named), *gateways])
    for number, file in enumerate(files, 1):
        members[f"gateways/{number:02}.json"] = _gateway(file, missing, secrets)
    if not files:
        missing.append("no gateway: no lever of the workspace names a gateway's file, and none was named")
    members["telemetry.json"] = _telemetry(telemetry, missing)
    missing = [redact_text(one, secrets) for one in missing]
    members["missing.json"] = missing
    data = _sealed(members)
    digest = bytes_digest(data)
    path = snapshot_file(layout, incident.id, digest)
    write_private(path, data, "the snapshot")
    event = NewEvent(
        what="snapshot", by=by, about=digest, outcome="kept",
        detail={"bytes": len(data), "members": len(members), "missing": missing},
    )  # fmt: skip
    return KeptSnapshot(path, digest, tuple(missing)), event


def snapshot_file(layout: Layout, incident: str, digest: str) -> Path:
    """Return where a snapshot of an incident is."""
    return layout.state / FOLDER / incident / f"{digest.removeprefix('sha256:')}.tar"


def read_snapshot(layout: Layout, incident: str, digest: str) -> Mapping[str, Any]:
    """Return the members of a snapshot, held against its digest.

    Args:
        digest: ``sha256:<64 hex>``, as the audit log holds it.

    Raises:
        IntegrityError: the file is gone, or is not what was entered.
    """
    path = snapshot_file(layout, incident, digest)
    try:
        data = path.read_bytes()
    except OSError as error:
        said = f"the audit log holds this snapshot, and it cannot be read: {error.strerror}"
        raise IntegrityError(f"{path}: {said}") from error
    if len(data) > _LARGEST or bytes_digest(data) != digest:
        raise IntegrityError(f"{path} is not what the audit log holds: it was changed since")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        return {one.name: msgspec.json.decode(_content(archive, one)) for one in archive.getmembers()}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return b"null" if file is None else file.read()


def _sealed(members: Mapping[str, Any]) -> bytes:
    """Return the members as one file, the same to the byte for the same content."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:", format=tarfile.USTAR_FORMAT) as archive:
        for name, value in sorted(members.items()):
            data = canonical(value) + b"\n"
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), 0o444, 0
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def _workspace(workspace: Workspace, secrets: Sequence[str]) -> dict[str, Any]:
    return {
        "system": workspace.system.id,
        "tier": workspace.system.tier,
        "files": {one.path: one.sha256 for one in workspace.files},
        "targets": sorted(workspace.targets),
        "levers": redact_json([one.model_dump(mode="json") for one in workspace.entities(Lever).values()], secrets),
    }


def _runs(layout: Layout) -> dict[str, Any]:
    runs = layout.run_ids()[-20:]
    found: dict[str, Any] = {"newest": runs, "decision": None}
    if decisions := layout.decision_ids():
        decision = layout.load_decision(decisions[-1])
        found["decision"] = {
            "id": decision.id, "verdict": decision.verdict, "runs": list(decision.runs),
            "spec_digest": decision.spec_digest, "subject_digest": decision.subject_digest,
        }  # fmt: skip
    return found


def _gateway(file: Path, missing: list[str], secrets: Sequence[str]) -> dict[str, Any]:
    """Return the configuration, the guards and the levers of a gateway, and the facts of its newest requests."""
    found: dict[str, Any] = {"file": file.name}
    try:
        config = read_levers(file)
        pulled = gateway_levers.read(config.state)
        found["files"] = {one.name: file_digest(one) for one in config.files if one.is_file()}
        found["pulled"] = redact_json([msgspec.to_builtins(one) for one in pulled], secrets)
        bare: dict[str, Any] = {"upstreams": {}, "clients": {}, "mcp": {}}
        state = Active(config._replace(spec=config.spec.model_copy(update=bare), mcp={}), pulled)
        found["active"] = {
            name: value for name, value in state.describe().items() if name not in ("upstreams", "clients", "mcp")
        } | {"guards": state.digest}
        history = config.state / gateway_levers.HISTORY
        found["history"] = redact_json(_lines(history), secrets) if history.is_file() else []
    except (ShipworthyError, OSError) as error:
        missing.append(f"gateway {file.name}: {error}")
        return found
    folder = config.state / TRAFFIC
    if not folder.is_dir():
        missing.append(f"gateway {file.name}: it has no traffic log here")
        return found
    try:
        lines = [one.served for one in read_traffic(folder)]
    except ShipworthyError as error:
        missing.append(f"gateway {file.name}: its traffic log cannot be read: {error}")
        return found
    found["requests"] = len(lines)
    found["endings"] = dict(Counter(one.ending for one in lines))
    found["newest"] = [
        {"id": one.id, "at": one.timing.started, "ending": one.ending, "guards": one.guards, "levers": list(one.levers),
         "prompt": one.prompt, "index": one.index, "status": one.status}
        for one in lines[-_LAST:]
    ]  # fmt: skip
    return found


def _lines(path: Path) -> list[Any]:
    found = []
    for line in path.read_bytes().splitlines()[-_LAST:]:
        try:
            found.append(msgspec.json.decode(line))
        except msgspec.DecodeError:
            found.append("a line that is no JSON")
    return found


def _telemetry(directory: Path | None, missing: list[str]) -> list[dict[str, Any]]:
    if directory is None:
        missing.append("telemetry: no store was named (--telemetry DIR)")
        return []
    from shipworthy.telemetry.facts import FactView

    try:
        with FactView(directory, threads=1) as view:
            rows = view.query(
                "SELECT day::VARCHAR, feature, severity::VARCHAR, count(*)::BIGINT, sum(violation::INT)::BIGINT,"
                " sum(pii::INT)::BIGINT, sum(refusal::INT)::BIGINT FROM facts"
                " GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3 LIMIT 2000"
            )
    except UsageError as error:
        missing.append(f"telemetry: {error}")
        return []
    names = ("day", "feature", "severity", "spans", "violations", "pii", "refusals")
    return [dict(zip(names, row, strict=True)) for row in rows]
