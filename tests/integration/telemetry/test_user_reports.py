"""Reports of users over HTTP: with a key of their own, once each, and redacted on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.telemetry.test_serve import NEEDS, post, served

from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.signals import read_signals

REPORT = {
    "id": "r-17", "title": "It told me where she lives", "text": "Write to ann.marlow@leak.example.org",
    "severity": "S2", "feature": "chat", "who": "u-4f", "refs": ["trace-1"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _needs() -> None:
    for module in ("duckdb", "zstandard", "opentelemetry.proto"):
        pytest.importorskip(module, reason=NEEDS)


def test_a_report_is_a_signal_and_only_its_own_key_may_send_one(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "system.yaml").write_text("system: {id: SYS-reef, title: Reef, owner: team-reef}\n")
    (folder / "targets.yaml").write_text("targets: {default: {use: replay, file: answers.jsonl}}\n")
    clients = "clients: {app: {key: 'env:APP', may: [send]}, form: {key: 'env:FORM', may: [report]}}"
    with served(folder, clients, APP="app-key-of-the-test-4471", FORM="form-key-of-the-test-4471") as (_, url, _):
        there, form = f"{url}/v1/reports", {"authorization": "Bearer form-key-of-the-test-4471"}
        assert post(there, json.dumps(REPORT).encode())[0] == 401
        assert post(there, json.dumps(REPORT).encode(), authorization="Bearer app-key-of-the-test-4471")[0] == 403
        status, _, body = post(there, json.dumps(REPORT).encode(), **form)
        assert (status, json.loads(body)["new"]) == (202, True)
        status, _, again = post(there, json.dumps(REPORT).encode(), **form)
        assert (status, json.loads(again)) == (202, {"signal": json.loads(body)["signal"], "new": False})
        for wrong in (b"{", b'{"title": ""}', b'{"title": "x", "who": "a.b@example.org"}', b'{"title": "x", "y": 1}'):
            assert post(there, wrong, **form)[0] == 400
    with AuditLog(Layout(folder).control_url) as audit:
        [kept] = read_signals(audit)
    assert (kept.source, kept.system, kept.text) == ("report:form", "SYS-reef", "Write to [redacted:email]")
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"ann.marlow" not in written
