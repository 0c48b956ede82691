"""What pipelines said, numbers that were kept and jobs that ran stand in the audit log, and a verifier knows them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shipworthy.core.kept_kpi import KeptKpi
from shipworthy.evidence import words
from shipworthy.server.job_entry import JobEnd, claim, enter_end
from shipworthy.store.audit import AuditLog
from shipworthy.store.kept_kpis import keep_kpis, read_kpis
from shipworthy.store.layout import Layout

ONE = KeptKpi("SYS-desk", "groundedness", "2026-11", 0.9, 0.8, None, 9, 10, ">= 90 %", "unsure")


def test_a_verifier_knows_each_of_them(desk):
    desk.says("deploy.ga", "v1", "2026-11-02", tier="high")
    with AuditLog(Layout(desk.root).control_url) as audit:
        keep_kpis(audit, [ONE, ONE._replace(value=None, low=None, hits=None, of=None, met="unknown")])
        entry = claim(audit, "check", datetime(2026, 11, 3, tzinfo=UTC), "shipworthy check", system="SYS-desk")
        enter_end(audit, "check", entry.number, JobEnd(-9, 0.25, "stopped"))
        assert [one.value for one in read_kpis(audit, "SYS-desk")] == [0.9, None]
    with AuditLog(Layout(desk.root).control_url) as audit:
        for entry in audit.entries():
            words.entry(
                {"number": entry.number, "at": entry.at, "kind": entry.kind, "body": entry.body}, "audit-log.jsonl"
            )


@pytest.mark.parametrize("change", [{"value": "0.9"}, {"met": 1}, {"more": 1}])
def test_an_entry_that_keeps_none_is_refused(change):
    from shipworthy.core.kept_kpi import kept_kpi_of

    body = {name: value for name, value in ONE._asdict().items() if name not in ("entry", "at")}
    assert kept_kpi_of(3, "", body)[:3] == ("SYS-desk", "groundedness", "2026-11")
    with pytest.raises(ValueError, match="entry 3 keeps no number"):
        kept_kpi_of(3, "", body | change)
