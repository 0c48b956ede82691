"""Corrected rates of a draw, and a draw as attempts for people."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest
from tests.unit.telemetry.conftest import MASTER, keep, span

from shipworthy.core.alarm_entry import CONTENT_LOOKED as LOOKED
from shipworthy.core.errors import UsageError
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry.attempts import attempts_csv
from shipworthy.telemetry.corrected import JudgedSpan, corrected_rates, read_lines
from shipworthy.telemetry.draw import DrawnSpan, draw_spans
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.keyring import Keyring
from shipworthy.telemetry.whose import Whose


def drawn(stratum: str, many: int, inclusion: float) -> list[DrawnSpan]:
    return [DrawnSpan(f"{stratum}{n:05}", "s", (stratum,), inclusion) for n in range(many)]


def judge(spans: list[DrawnSpan], hits: int, *, severity: int = 0, labels: bool = True) -> list[JudgedSpan]:
    return [
        JudgedSpan(trace=one.trace, span=one.span, called=n < hits, label=n < hits if labels else None,
                   severity=severity if n < hits else 0)
        for n, one in enumerate(spans)
    ]  # fmt: skip


def test_a_rate_is_weighted_by_the_chances_and_by_severity() -> None:
    common, rare = drawn("a", 200, 0.02), drawn("b", 100, 0.5)
    found = corrected_rates([*common, *rare], [*judge(common, 2, severity=3), *judge(rare, 20, severity=2)])
    whole, second, third, weighted = found
    assert [one.severity for one in found] == [0, 2, 3, 0] and weighted.weighted
    assert whole.units == 200 / 0.02 + 100 / 0.5 == 10_200
    assert whole.per == pytest.approx(1e4 * (10_000 * 0.01 + 200 * 0.2) / 10_200)
    assert weighted.per == pytest.approx(30 * second.per + 5 * third.per)
    assert all(one.low < one.per < one.high for one in found)


def test_labels_move_the_rate_and_silence_widens_it() -> None:
    spans = drawn("a", 300, 0.1)
    said = judge(spans, 30)
    wrong = [
        *(JudgedSpan(trace=o.trace, span=o.span, called=True, label=n < 15) for n, o in enumerate(said[:30])),
        *said[30:],
    ]
    assert corrected_rates(spans, wrong)[0].per == pytest.approx(500)
    quiet = corrected_rates(spans, said[:-60])[0]
    assert quiet.lost == 60 and quiet.high > 1e4 * 60 / 300 > corrected_rates(spans, said)[0].high


def test_what_was_not_drawn_has_no_chance(tmp_path: Path) -> None:
    spans = drawn("a", 3, 0.1)
    with pytest.raises(UsageError, match="not drawn"):
        corrected_rates(spans, [JudgedSpan(trace="x", span="y", called=True)])
    with pytest.raises(UsageError, match="twice"):
        corrected_rates(spans, [*judge(spans, 1), *judge(spans, 1)])
    (tmp_path / "judged.jsonl").write_text('{"trace": "a", "span": "b", "called": true}\n{"trace": 1}\n')
    with pytest.raises(UsageError, match=r"judged\.jsonl:2"):
        read_lines(tmp_path / "judged.jsonl", JudgedSpan)


def test_sessions_are_drawn_by_their_last_span_and_become_attempts(tmp_path: Path) -> None:
    spans = [
        (span(n, f"Question {n}", f"Answer {n}", hits=("violation",) if n == 5 else (), started=17 * 10**14 + n),
         Whose("ann", f"talk-{n % 4}"))
        for n in range(1, 13)
    ]  # fmt: skip
    keep(tmp_path / "store", *spans)
    keyring = Keyring(tmp_path / "store", MASTER)
    with FactView(tmp_path / "store") as view, AuditLog(Layout(tmp_path).control_url) as audit:
        found = draw_spans(view, 10, ("feature",), seed=1, sessions=True)
        assert sorted(int(one.span, 16) for one in found.spans) == [9, 10, 11, 12]
        with pytest.raises(UsageError, match="say why"):
            attempts_csv(view, keyring, audit, found.spans, metric="violation", by="ann", reason="why")
        assert not audit.of_kinds(LOOKED)
        gone = [*found.spans, DrawnSpan("0" * 32, "0" * 16, ("help",), 1.0)]
        made = attempts_csv(view, keyring, audit, gone, metric="violation", by="carol", reason="the quarterly audit")
        assert (made.written, made.gone) == (4, 1) and audit.of_kinds(LOOKED)[0].body["spans"] == 5
        rows = list(csv.DictReader(StringIO(made.data.decode())))
        assert {row["request"] for row in rows} == {f"Question {n}" for n in (9, 10, 11, 12)}
        assert len({row["cluster"] for row in rows}) == 4 and {row["hit"] for row in rows} == {"0"}
        judged = [JudgedSpan(trace=one.trace, span=one.span, called=True) for one in found.spans[:3]]
        again = attempts_csv(
            view, keyring, audit, found.spans, judged, metric="harm", by="carol", reason="what it says"
        )
        assert sorted(row["hit"] for row in csv.DictReader(StringIO(again.data.decode()))) == ["", "1", "1", "1"]
    keyring.close()
