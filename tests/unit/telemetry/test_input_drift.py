"""Input drift on the store: it names the column that moved, reads words only for a reason, and raises no alarm."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.unit.telemetry.conftest import MASTER, keep, span
from tests.unit.telemetry.made import FIRST, facts_of, segment

from shipworthy.core.alarm_entry import CONTENT_LOOKED as LOOKED
from shipworthy.core.errors import UsageError
from shipworthy.store.alarms import read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry.drift_report import drift_report
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.keyring import Keyring
from shipworthy.telemetry.whose import Whose

DAY_US = 86_400 * 1_000_000


def test_the_column_that_moved_is_named_first(tmp_path: Path) -> None:
    for day in range(8):
        late = day >= 6
        fields = {"model": "m2" if late else "m1", "input_tokens": 900 if late else 100, "output_tokens": 50}
        segment(tmp_path, f"{day:013d}-d", facts_of(day, 40, 0, **fields))
    with FactView(tmp_path) as view:
        found = drift_report(view, 2, 6, today=date(2026, 10, 9))
        assert {one.column for one in found.columns if one.far} == {"model", "input_tokens"}
        assert found.columns[0].distance == 1 and found.columns[0].before == 240 and found.words is None
        assert "output_tokens" not in {one.column for one in found.columns}, "it is one value"
        with pytest.raises(UsageError, match="nothing from"):
            drift_report(view, 2, 6, today=date(2027, 1, 1))


def test_words_are_read_for_a_reason_that_is_entered(tmp_path: Path) -> None:
    start = int(FIRST.timestamp() * 1e6)
    texts = ["Where is my parcel today?", "Quand arrive ma commande, s'il vous plaît ?"]
    spans = [
        (span(n + 1, f"{texts[n >= 20]} {n}", started=start + (n >= 20) * DAY_US, ended=0), Whose(f"u{n}", f"s{n}"))
        for n in range(40)
    ]
    keep(tmp_path / "store", *spans)
    with FactView(tmp_path / "store") as view, AuditLog(Layout(tmp_path).control_url) as audit:
        keyring = Keyring(tmp_path / "store", MASTER)
        how = {"texts": 20, "opened": (keyring, audit), "by": "carol", "today": date(2026, 10, 3)}
        with pytest.raises(UsageError, match="--reason"):
            drift_report(view, 1, 1, **how)
        assert not audit.of_kinds(LOOKED)
        found = drift_report(view, 1, 1, reason="the refusals of October", **how)
        assert found.words.p < 0.01 and found.words.distance > 0.2
        assert len(audit.of_kinds(LOOKED)) == 2 and not read_alarms(audit).alarms
        keyring.close()
