"""Call verbs at set times, from the workspace's `schedule.cron`, or render the file for another scheduler."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.server.job_entry import JobRun


@click.group("schedule", no_args_is_help=True)
def command() -> None:
    """Call verbs at set times, from the workspace's `schedule.cron`, or render the file for another scheduler.

    The file has the form that cron reads, `0 3 * * * eval --suite leak`; the command is a verb of shipworthy, and no
    shell reads it. `TZ=Europe/Berlin` on a line of its own holds for the lines below.
    """


@command.command("list")
@workspace_option
@form_option
def list_(*, workspace: Path, form: str) -> None:
    """List the jobs: when each is due next, and how it ended last."""
    import json

    from shipworthy.cli._tables import table
    from shipworthy.server.crontab import FILE, read_crontab
    from shipworthy.server.job_entry import job_runs
    from shipworthy.server.scheduler import system_of
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    jobs = read_crontab(workspace / FILE)
    layout, now = Layout(workspace), datetime.now(UTC)
    runs: dict[str, list[JobRun]] = {job.name: [] for job in jobs}
    if layout.keeps_control:
        with AuditLog(layout.control_url) as audit:
            runs = job_runs(audit, [job.name for job in jobs], system=system_of(workspace))
    rows: list[dict[str, Any]] = []
    for job in jobs:
        due = next(job.after(now), None)
        last = runs[job.name][-1] if runs[job.name] else None
        rows.append({
            "job": job.name, "cron": job.cron, "zone": job.zone, "command": job.command, "line": job.line,
            "next": "" if due is None else f"{due:%Y-%m-%dT%H:%MZ}", "last": _ended(last),
            "started": last.started if last else "",
        })  # fmt: skip
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    cells = [(r["job"], r["next"], r["last"], f"{r['cron']} {r['zone']}: {r['command']}") for r in rows]
    click.echo(table(("job", "next", "last", "when and what"), cells) if cells else "no job: schedule.cron has none")


@command.command()
@workspace_option
@allow_code_option
@click.option("--longest", default=360.0, show_default=True, metavar="MIN", type=click.FloatRange(min=0.01), help="Minutes after which a job is stopped.")  # fmt: skip  # noqa: E501
@click.option("--until-input-ends", is_flag=True, hidden=True, help="End when standard input does, as under `serve`.")
def run(*, workspace: Path, allow_code: bool, longest: float, until_input_ends: bool) -> int:
    """Start each job when it is due, until told to end (SIGTERM, Ctrl-C). `shipworthy serve` can do it, too.

    Each time counts once, also where two of these run on one control state. What was missed in the last 24 hours is
    made up for, once a job. A job is stopped when this ends.
    """
    import asyncio
    import os
    import signal

    from shipworthy.server.scheduler import Scheduler

    scheduler = Scheduler(workspace, _told, allow_code=allow_code, longest_s=60 * longest)

    async def work() -> None:
        task = asyncio.create_task(scheduler.run())
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, task.cancel)
        if until_input_ends:
            loop.add_reader(0, lambda: None if os.read(0, 1 << 16) else (loop.remove_reader(0), task.cancel()))
        _told(f"{len(scheduler.jobs)} jobs of {workspace / 'schedule.cron'}")
        try:
            await task
        except asyncio.CancelledError:
            _told("ended")

    asyncio.run(work())
    return 0


@command.command()
@click.argument("job")
@workspace_option
@allow_code_option
def now(*, job: str, workspace: Path, allow_code: bool) -> int:
    """Run JOB now, as if it were due, and exit with its code."""
    import asyncio

    from shipworthy.core.errors import UsageError
    from shipworthy.server.crontab import FILE, read_crontab
    from shipworthy.server.scheduler import choose, run_now

    chosen = choose(read_crontab(workspace / FILE), job)
    if chosen.takes_code and not allow_code:
        raise UsageError(f"{chosen.name} says --allow-code, and a file cannot give itself that leave: say it here, too")
    code, file = asyncio.run(run_now(workspace, chosen))
    click.echo(f"{chosen.name} ended with {code}; what it printed: {file}", err=True)
    return code


@command.command()
@click.argument("form", type=click.Choice(["prefect", "airflow", "kubernetes"]))
@click.option("--folder", metavar="DIR", help="Where the workspace will be; where it is if left out.")
@click.option("--image", default="", metavar="IMAGE", help="Of Kubernetes' containers, with shipworthy in it.")
@workspace_option
def render(*, form: Any, folder: str | None, image: str, workspace: Path) -> None:
    """Print the jobs as a Prefect flow, an Airflow DAG or Kubernetes CronJobs, with the same command lines.

    A verdict (0, 1 or 3) is a result there; every other exit code is a failure of the job.
    """
    from shipworthy.server.crontab import FILE, read_crontab
    from shipworthy.server.rendered import render as rendered

    jobs = read_crontab(workspace / FILE)
    click.echo(rendered(jobs, form, folder=folder or str(workspace.resolve()), image=image), nl=False)


def _told(line: str) -> None:
    click.echo(f"schedule: {line}", err=True)


def _ended(last: JobRun | None) -> str:
    if last is None:
        return "never ran"
    if last.code is None:
        return f"started {last.started[:16]}Z, no end was entered"
    said = {0: "done", 1: "no-ship", 3: "inconclusive"}.get(last.code, f"FAILED ({last.code})")
    return f"{said} {last.started[:16]}Z{f', {last.why}' if last.why else ''}"
