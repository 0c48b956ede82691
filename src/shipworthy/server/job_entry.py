"""What the audit chain holds of a job: that one was started, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from shipworthy.core.job_entry import ENDED, STARTED
from shipworthy.detect.redact import redact_text
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry


class JobRun(NamedTuple):
    """One run of a job.

    Attributes:
        due: the time that it was for, ISO 8601, UTC; empty where somebody asked for it.
        command: as one would type it.
        code: what it exited with; None while it runs, or where it was cut off.
        seconds: that it took.
        why: it was stopped.
    """

    job: str
    due: str
    started: str
    command: str
    entry: int
    code: int | None = None
    seconds: float = 0.0
    why: str = ""


def claim(audit: AuditLog, job: str, due: datetime, command: str, *, system: str = "") -> Entry | None:
    """Enter that a job is started, unless it was already for this time; then None. Of two machines one wins.

    Args:
        command: redacted before it is kept.
        system: id of the system whose workspace the job is of: several may share one control state.

    Raises:
        StoreError: the database cannot be written.
    """
    when = _text(due)
    with audit.appending() as appender:
        for entry in appender.about(job):
            if entry.kind == STARTED and entry.body.get("due") == when and _is_of(entry, system):
                return None
        return appender.append(STARTED, _start(job, when, command, system), key="job")


def enter_start(audit: AuditLog, job: str, command: str, *, system: str = "") -> Entry:
    """Enter that a job is started because somebody asked for it. Arguments as for `claim`.

    Raises:
        StoreError: the database cannot be written.
    """
    return audit.append(STARTED, _start(job, "", command, system), key="job")


def _start(job: str, due: str, command: str, system: str) -> dict[str, str]:
    return {"job": job, "due": due, "command": redact_text(command), "system": system}


def _is_of(entry: Entry, system: str) -> bool:
    return bool(entry.body.get("system", "") == system)


class JobEnd(NamedTuple):
    """How a job ended: what it exited with, the seconds that it took, and why it was stopped, if it was."""

    code: int
    seconds: float
    why: str = ""


def enter_end(audit: AuditLog, job: str, entry: int, end: JobEnd) -> None:
    """Enter how a job ended. `entry` is that of its start.

    Raises:
        StoreError: the database cannot be written.
    """
    body = {"job": job, "start": entry, "code": end.code, "seconds": round(end.seconds, 3), "why": end.why}
    audit.append(ENDED, body, key="job")


def job_runs(audit: AuditLog, jobs: Iterable[str], *, system: str = "") -> dict[str, list[JobRun]]:
    """Return the runs of some jobs of a system's workspace, oldest first. The chain is not verified here."""
    found: dict[str, list[JobRun]] = {}
    for name in jobs:
        runs: dict[int, JobRun] = {}
        for entry in audit.about(name):
            body = entry.body
            if entry.kind == STARTED and _is_of(entry, system):
                runs[entry.number] = JobRun(name, str(body["due"]), entry.at, str(body["command"]), entry.number)
            elif entry.kind == ENDED and (run := runs.get(int(body["start"]))) is not None:
                runs[run.entry] = run._replace(
                    code=int(body["code"]), seconds=float(body["seconds"]), why=str(body["why"])
                )
        found[name] = list(runs.values())
    return found


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
