"""The schedule as processes: beside `shipworthy serve`, and gone with it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

import pytest

from shipworthy.server.job_entry import JobEnd, JobRun, claim, enter_end, job_runs
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout

if any(find_spec(name) is None for name in ("duckdb", "zstandard")):
    pytest.skip("the extra serve is not installed: make setup installs it", allow_module_level=True)


def wait(what: Callable[[], object], seconds: float = 90.0) -> None:
    end = monotonic() + seconds
    while not what():
        assert monotonic() < end, "it did not happen in time"
        sleep(0.1)


def ran(root: Path) -> list[JobRun]:
    with AuditLog(Layout(root).control_url) as audit:
        return [one for one in job_runs(audit, ["schema"])["schema"] if one.due[:4] != "2020" and one.code is not None]


def schedulers(root: Path) -> list[int]:
    """Return the processes that run this workspace's schedule."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "schedule" in words and str(root) in words:
            found.append(int(entry.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are found in /proc, which is not here")
def test_serve_runs_the_schedule_and_takes_it_along(tmp_path, monkeypatch):
    (tmp_path / "schedule.cron").write_text("* * * * * schema\n")
    (tmp_path / "serve.yaml").write_text(
        f"listen: 127.0.0.1:0\nschedule: true\nstate: store\nkey_file: store.key\nworkspace: {tmp_path}\n"
    )
    with AuditLog(Layout(tmp_path).control_url) as audit:  # one that ran before: what is due now was missed
        first = claim(audit, "schema", datetime(2020, 1, 1, tzinfo=UTC), "shipworthy schema")
        enter_end(audit, "schema", first.number, JobEnd(0, 1.0))
    serve = (sys.executable, "-m", "shipworthy", "serve", "--config", str(tmp_path / "serve.yaml"))
    process = subprocess.Popen(serve, cwd=tmp_path)
    try:
        wait(lambda: ran(tmp_path))
        assert ran(tmp_path)[0].code == 0
        assert schedulers(tmp_path)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait(lambda: not schedulers(tmp_path))
    finally:
        process.kill()
        process.wait()
