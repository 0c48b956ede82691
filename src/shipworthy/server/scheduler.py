"""The scheduler: starts each job when it is due, once, as a process of its own, and enters how it ended.

What was due while nothing ran is made up for once, if it was within `CATCH_UP`. A job that still runs when it is due
again is left alone. Nothing of a job's is read but its exit code; what it prints is kept in a file.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from shipworthy.core.errors import ShipworthyError, UsageError
from shipworthy.server.crontab import FILE, Job, read_crontab
from shipworthy.server.job_entry import JobEnd, claim, enter_end, enter_start, job_runs
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.system_id import system_id

CATCH_UP = timedelta(hours=24)
"""How long ago a time may be that was missed, and is made up for."""
LONGEST_S = 6 * 3600.0
"""Seconds that a job may take; then it is asked to end, and killed `GRACE_S` later."""
GRACE_S = 30.0
KEPT = 20
"""Outputs kept of each job."""
LOGS = "schedule"
_LOOK_S = 30.0
"""Seconds between two looks at the file, which may have changed."""
STOPPED = 124
"""The code entered for a job that was stopped, as `timeout` has it."""

NO_START = 126
"""The code entered for a job that could not be started, as a shell has it."""


class Scheduler:
    """Runs the jobs of a workspace.

    Args:
        workspace: its folder, with ``schedule.cron``.
        tell: is given a line for each start and end.
        allow_code: whether jobs may say ``--allow-code``: a file of the workspace cannot give itself that leave.
        clock: gives the time.
        longest_s: seconds that a job may take.

    Raises:
        UsageError, WorkspaceError: the file is missing or wrong, or a job asks for code without leave.
    """

    def __init__(
        self, workspace: Path, tell: Callable[[str], None], *, allow_code: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC), longest_s: float = LONGEST_S,
    ) -> None:  # fmt: skip
        self.workspace, self._tell, self._allow_code = workspace, tell, allow_code
        self._clock, self._longest_s = clock, longest_s
        self._layout = Layout(workspace)
        self._running: dict[str, asyncio.Task[int]] = {}
        self.jobs = self._read()
        self._said = ""

    def _read(self) -> tuple[Job, ...]:
        jobs = read_crontab(self.workspace / FILE)
        if not self._allow_code and (asking := next((job for job in jobs if job.takes_code), None)) is not None:
            raise UsageError(
                f"{self.workspace / FILE}:{asking.line}: the job says --allow-code, and a file of the workspace cannot "
                "give itself that leave: say --allow-code to whatever runs the schedule"
            )
        return jobs

    async def run(self) -> None:
        """Run until cancelled; jobs that run then are asked to end, and waited for."""
        looked = self._clock() - CATCH_UP
        first = True
        try:
            while True:
                now = self._clock()
                self._again()
                await self._start_due(looked, now, missed=first)
                looked, first = now, False
                await asyncio.sleep(self._wait(now))
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _wait(self, now: datetime) -> float:
        nexts = [next(job.after(now), None) for job in self.jobs]
        soonest = min((due for due in nexts if due is not None), default=now + timedelta(seconds=_LOOK_S))
        return max(0.05, min(_LOOK_S, (soonest - self._clock()).total_seconds()))

    def _again(self) -> None:
        """Take the file as it is now; one that is wrong changes nothing, and is said once."""
        try:
            self.jobs = self._read()
            self._said = ""
        except ShipworthyError as error:
            if str(error) != self._said:
                self._said = str(error)
                self._tell(f"{error}\nthe jobs stay as they were")

    async def _start_due(self, after: datetime, now: datetime, *, missed: bool) -> None:
        for job in self.jobs:
            due = job.due_between(after, now)
            if due is None:
                continue
            if missed and self._ran_since(job, due):
                continue
            if job.name in self._running:
                self._tell(f"{job.name} is due and still runs: left alone")
                continue
            try:
                self._begin(job, due)
            except ShipworthyError as error:
                self._tell(f"{job.name} could not be started: {error}")

    def _ran_since(self, job: Job, due: datetime) -> bool:
        with AuditLog(self._layout.control_url) as audit:
            runs = job_runs(audit, [job.name], system=system_of(self.workspace))[job.name]
        # A job that never ran was not missed: the file may be new.
        return not runs or any(datetime.fromisoformat(run.started) >= due for run in runs)

    def _begin(self, job: Job, due: datetime) -> None:
        with AuditLog(self._layout.control_url) as audit:
            entry = claim(audit, job.name, due, job.command, system=system_of(self.workspace))
        if entry is None:
            return
        self._tell(f"{job.name} starts: {job.command}")
        task = asyncio.create_task(self._work(job, due, entry.number))
        self._running[job.name] = task
        task.add_done_callback(lambda _: self._running.pop(job.name, None))

    async def _work(self, job: Job, due: datetime, entry: int) -> int:
        try:
            end = await call(job, self.workspace, log_file(self._layout, job, due), self._longest_s)
        except OSError as error:
            end = JobEnd(NO_START, 0.0, f"it could not be started: {error.strerror or error}")
        try:
            with AuditLog(self._layout.control_url) as audit:
                enter_end(audit, job.name, entry, end)
        except ShipworthyError as error:
            self._tell(f"the end of {job.name} could not be entered: {error}")
        self._tell(f"{job.name} ended with {end.code} after {end.seconds:.1f} s{f': {end.why}' if end.why else ''}")
        return end.code


async def run_now(workspace: Path, job: Job, *, longest_s: float = LONGEST_S) -> tuple[int, Path]:
    """Run one job now, entered as any; returns its exit code and the file with what it printed.

    Raises:
        StoreError: it cannot be entered.
    """
    layout = Layout(workspace)
    with AuditLog(layout.control_url) as audit:
        entry = enter_start(audit, job.name, job.command, system=system_of(workspace))
        file = log_file(layout, job, datetime.now(UTC))
        end = await call(job, workspace, file, longest_s)
        enter_end(audit, job.name, entry.number, end)
    return end.code, file


def system_of(workspace: Path) -> str:
    """Return the id of the system that a workspace is about; empty where it gives none."""
    try:
        return system_id(workspace)
    except ShipworthyError:
        return ""


def log_file(layout: Layout, job: Job, due: datetime) -> Path:
    """Return where a run's output is kept."""
    return layout.state / LOGS / job.name / f"{due.astimezone(UTC):%Y%m%dT%H%M%SZ}.log"


async def call(job: Job, workspace: Path, file: Path, longest_s: float) -> JobEnd:
    """Call a job's verb in a process group of its own; returns how it ended."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for old in sorted(file.parent.glob("*.log"))[: -(KEPT - 1) or None]:
        old.unlink(missing_ok=True)
    began = monotonic()
    words = (sys.executable, "-m", "shipworthy", *job.words)
    with file.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *words, cwd=workspace, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        try:
            code = await asyncio.wait_for(process.wait(), longest_s)
            return JobEnd(code if code >= 0 else 128 - code, monotonic() - began)
        except TimeoutError:
            await _end(process)
            return JobEnd(STOPPED, monotonic() - began, f"stopped after {longest_s:,.0f} s")
        except asyncio.CancelledError:
            await _end(process)
            return JobEnd(STOPPED, monotonic() - began, "stopped: the scheduler ended")


async def _end(process: asyncio.subprocess.Process) -> None:
    for sign, wait in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), wait)
            return  # within the block: where it did not end in time, the next signal follows


def choose(jobs: Sequence[Job], wanted: str) -> Job:
    """Return a job by its name.

    Raises:
        UsageError: there is none.
    """
    from shipworthy.core.errors import did_you_mean

    for job in jobs:
        if job.name == wanted:
            return job
    raise UsageError(f"there is no job {wanted!r}: {did_you_mean(wanted, [job.name for job in jobs])}")
