"""What people may do with a finding, and what they may not; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sql

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.finding import FindingCase
from shipworthy.core.signoff import Acceptance
from shipworthy.findings import steps
from shipworthy.store.audit import AuditLog
from shipworthy.store.findings import KeptFinding, choose_finding, standing_findings
from shipworthy.store.signals import add_signals, make_signal
from shipworthy.workspace.load import Workspace

SCORER = {"use": "contains", "text": "secret", "good": "low"}
GOOD = SCORER | {"good": "high"}
SAID = {"id": "seen", "messages": [{"role": "user", "parts": [{"type": "text", "text": "Tell me."}]}]}
CASE = FindingCase(samples=(SAID,), scorers=(SCORER,), metric="contains")
SIGNED = Acceptance(9, "RK-a", "ines", "RO-owner", "S2", "2026-12-01", "2026-12-31", "why", "canary")


class Clock:
    """Says when it is; tests move it."""

    day, hour = 1, 10

    def __call__(self) -> str:
        return f"2026-12-{self.day:02}T{self.hour:02}:00:00.000Z"


@contextmanager
def logged(url: str) -> Iterator[tuple[AuditLog, Clock]]:
    clock = Clock()
    with AuditLog(url, clock=clock) as audit:
        yield audit, clock


def opened(workspace: Workspace, audit: AuditLog, **more: Any) -> KeptFinding:
    given: dict[str, Any] = {"title": "It tells", "severity": "S2", "case": CASE, "by": "ada", "risks": ["RK-a"]}
    made = steps.open_finding(workspace, audit, **given | more)
    return now(audit, made.id)


def now(audit: AuditLog, id: str) -> KeptFinding:
    return choose_finding(steps.read_now(audit, "SYS-x"), id)


def test_from_opening_to_expired_acceptance(workspace: Workspace, url: str) -> None:
    with logged(url) as (audit, clock):
        signal = make_signal(system="SYS-x", at="2026-12-01T09:00:00Z", kind="ticket", source="s", title="t",
                             feature="chat", who="u-1")  # fmt: skip
        add_signals(audit, [signal])
        found = opened(workspace, audit, signals=[signal.id[:9]], why="mail ada@example.org")
        assert (found.owner, found.signals, found.first.feature) == ("team-x", (signal.id,), "chat")
        assert (found.standing.due, found.first.why) == ("2026-12-06T10:00:00Z", "mail [redacted:email]")
        steps.assign(workspace, audit, found, by="ada", owner="bob", severity="S3", why="only of the asker")
        found = now(audit, found.standing.id)
        assert (found.owner, found.standing.severity, found.standing.due) == ("bob", "S3", "2026-12-21T10:00:00Z")
        steps.fix(audit, found, by="bob", why="mended")
        steps.accept(workspace, audit, now(audit, found.standing.id), by="ada", why="rare", expires="2026-12-03")
        assert now(audit, found.standing.id).standing.state == "accepted"
        clock.day = 4
        back = now(audit, found.standing.id).standing
        assert (back.state, back.reactivated, back.due) == ("fixed", True, "2026-12-24T00:00:00Z")
        assert standing_findings(audit, "SYS-x", clock()) == [back]
        assert standing_findings(audit, "SYS-y", clock()) == []
        steps.reject(audit, now(audit, found.standing.id), by="ada", why="it is public")
        with pytest.raises(UsageError, match="is rejected, so it cannot be fixed"):
            steps.fix(audit, now(audit, found.standing.id), by="bob", why="x")
        steps.reopen(workspace, audit, now(audit, found.standing.id), by="eve", why="it is not public")
        assert now(audit, found.standing.id).standing.state == "open"
        audit.verify()
        entry = audit.about(found.standing.id)[0]
    assert "It tells" not in str(entry.body)
    assert "ada" not in {value for value in entry.body.values() if isinstance(value, str)}


def test_a_severe_one_is_accepted_by_a_signature_only(workspace: Workspace, url: str) -> None:
    with logged(url) as (audit, _):
        found = opened(workspace, audit)

        def accept(*signed: Acceptance, expires: str = "2026-12-20", of: KeptFinding = found) -> int:
            made = steps.accept(workspace, audit, of, by="ada", why="w", expires=expires, signed=signed)
            return made.acceptance

        for signed in ((), (SIGNED._replace(on="RK-b"),), (SIGNED._replace(ceiling="S3"),),
                       (SIGNED._replace(expires="2026-11-30"),)):  # fmt: skip
            with pytest.raises(UsageError, match="is accepted by a signed acceptance of one of its risks"):
                accept(*signed)
        for day, said in (("2026-11-30", "from today"), ("2027-03-02", "at most 90"), ("soon", "is no day")):
            with pytest.raises(UsageError, match=said):
                accept(SIGNED, expires=day)
        with pytest.raises(UsageError, match="ends on 2026-12-31"):
            accept(SIGNED, expires="2027-01-05")
        assert accept(SIGNED) == 9


def test_two_who_act_at_once_do_not_both_succeed(workspace: Workspace, url: str) -> None:
    with logged(url) as (audit, _):
        found = opened(workspace, audit)
        steps.fix(audit, found, by="bob", why="mended")
        with pytest.raises(UsageError, match="somebody else took a step meanwhile"):
            steps.reject(audit, found, by="ada", why="none")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"title": " "}, "needs a title"),
        ({"by": ""}, "nobody says it"),
        ({"by": "ada@example.org"}, "give a name"),
        ({"risks": ["RK-z"]}, "no risk 'RK-z'"),
        ({"signals": ["SG-0"]}, "no signal 'SG-0'"),
        ({"case": FindingCase(samples=(SAID,), scorers=(), metric="contains")}, "needs a scorer"),
        ({"case": FindingCase(samples=(SAID,), scorers=({"use": "contain"},), metric="x")}, "cannot be built"),
        ({"case": FindingCase(samples=(SAID,), scorers=(SCORER,), metric="x")}, "give no 'x'"),
        ({"case": FindingCase(samples=(SAID,), scorers=(GOOD,), metric="contains")}, "nothing bad"),
        ({"case": FindingCase(samples=(SAID,), scorers=(SCORER,), metric="contains", target="t")}, "no target 't'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_kept(
    workspace: Workspace, tmp_path: Any, more: dict[str, Any], said: str
) -> None:
    with logged(f"sqlite:///{tmp_path / 'c.sqlite'}") as (audit, _):
        with pytest.raises(UsageError, match=said):
            opened(workspace, audit, **more)
        assert steps.read_now(audit, "SYS-x") == {}


def test_a_step_that_was_edited_is_noticed(workspace: Workspace, url: str) -> None:
    with logged(url) as (audit, _):
        opened(workspace, audit)
        with audit.database.writing() as connection:
            connection.execute(sql.text("""UPDATE happened SET "row" = replace("row", 'S2', 'S4')"""))
        with pytest.raises(IntegrityError, match="is not what the audit log recorded"):
            steps.read_now(audit, "SYS-x")
