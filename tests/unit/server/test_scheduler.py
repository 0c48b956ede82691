"""The scheduler: each time once, what was missed made up for, what lasts too long stopped, nobody's leave taken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.job_entry import STARTED
from shipworthy.server.crontab import read_crontab
from shipworthy.server.job_entry import JobEnd, claim, enter_end, job_runs
from shipworthy.server.scheduler import STOPPED, Scheduler, call, run_now
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout

MINUTELY = "* * * * * schema\n"


@pytest.fixture
def at(tmp_path):
    (tmp_path / "schedule.cron").write_text(MINUTELY)
    return tmp_path


def audit(root) -> AuditLog:
    return AuditLog(Layout(root).control_url)


def runs(root):
    with audit(root) as log:
        return job_runs(log, ["schema"])["schema"]


async def until(scheduler: Scheduler, what, seconds: float = 60.0) -> None:
    """Run a scheduler until something is so."""
    task, end = asyncio.create_task(scheduler.run()), monotonic() + seconds
    while not what() and monotonic() < end and not task.done():
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert what()


def test_what_is_due_is_called_once_and_its_end_is_entered(at):
    clock = datetime(2026, 11, 30, 12, 0, 30, tzinfo=UTC)
    told: list[str] = []
    # The first look finds a job that never ran: nothing was missed. A minute later it is due.
    moments = iter([clock, clock, clock])

    def tick() -> datetime:
        return next(moments, clock + timedelta(minutes=1))

    asyncio.run(until(Scheduler(at, told.append, clock=tick), lambda: any("ended with" in line for line in told)))
    [one] = runs(at)
    assert (one.code, one.due, one.command) == (0, "2026-11-30T12:01:00Z", "shipworthy schema")
    [kept] = (at / ".shipworthy" / "schedule" / "schema").glob("*.log")
    assert kept.stat().st_size


def test_a_job_that_cannot_be_started_is_entered_as_ended(at):
    clock = datetime(2026, 11, 30, 12, 0, 30, tzinfo=UTC)
    moments = iter([clock, clock, clock])
    (at / ".shipworthy").mkdir()
    (at / ".shipworthy" / "schedule").write_text("in the way")
    told: list[str] = []
    scheduler = Scheduler(at, told.append, clock=lambda: next(moments, clock + timedelta(minutes=1)))
    asyncio.run(until(scheduler, lambda: any("ended with 126" in line for line in told)))
    assert [(one.code, one.why[:25]) for one in runs(at)] == [(126, "it could not be started: ")]


def test_of_two_schedulers_one_calls_it(at):
    due = datetime(2026, 11, 30, 12, tzinfo=UTC)
    with audit(at) as log:
        assert claim(log, "schema", due, "shipworthy schema") is not None
        assert claim(log, "schema", due, "shipworthy schema") is None
        assert len([entry for entry in log.about("schema") if entry.kind == STARTED]) == 1


def test_two_systems_on_one_control_state_each_have_their_jobs(at):
    due = datetime(2026, 11, 30, 12, tzinfo=UTC)
    with audit(at) as log:
        assert claim(log, "schema", due, "shipworthy schema", system="SYS-a") is not None
        second = claim(log, "schema", due, "shipworthy schema --by ada@example.org", system="SYS-b")
        assert second is not None
        enter_end(log, "schema", second.number, JobEnd(4, 1.0))
        codes = {of: [one.code for one in job_runs(log, ["schema"], system=of)["schema"]] for of in ("SYS-a", "SYS-b")}
        assert codes == {"SYS-a": [None], "SYS-b": [4]}
        assert "ada@example.org" not in str([entry.body for entry in log.entries()])


def test_what_was_missed_is_made_up_for_once(at):
    with audit(at) as log:
        first = claim(log, "schema", datetime(2020, 1, 1, tzinfo=UTC), "shipworthy schema")
        enter_end(log, "schema", first.number, JobEnd(0, 1.0))
    (at / "schedule.cron").write_text("0 3 * * * schema\n")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    told: list[str] = []
    asyncio.run(
        until(Scheduler(at, told.append, clock=lambda: tomorrow), lambda: any("ended" in line for line in told))
    )
    assert [one.due[11:] for one in runs(at)[1:]] == ["03:00:00Z"]


def test_a_job_that_lasts_too_long_is_stopped(at):
    [job] = read_crontab(at / "schedule.cron")
    end = asyncio.run(call(job, at, at / "out.log", 0.01))
    assert end.code == STOPPED and "stopped after" in end.why


def test_somebody_may_ask_for_a_job(at):
    [job] = read_crontab(at / "schedule.cron")
    code, file = asyncio.run(run_now(at, job))
    assert code == 0 and file.stat().st_size
    [one] = runs(at)
    assert (one.code, one.due) == (0, "")


def test_a_file_cannot_give_itself_leave(at):
    (at / "schedule.cron").write_text("@daily eval --allow-code\n")
    with pytest.raises(UsageError, match=r"schedule\.cron:1: the job says --allow-code"):
        Scheduler(at, print)
    assert Scheduler(at, print, allow_code=True).jobs


def test_a_file_that_becomes_wrong_changes_nothing_and_is_said_once(at):
    told: list[str] = []
    scheduler = Scheduler(at, told.append)
    (at / "schedule.cron").write_text("nonsense\n")
    scheduler._again()
    scheduler._again()
    assert [job.name for job in scheduler.jobs] == ["schema"]
    assert len(told) == 1 and "the jobs stay as they were" in told[0]
