"""Alarms in a real rsyslog, over UDP and TCP, sent by the outbox."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from shipworthy.core.alarm import Alarm
from shipworthy.core.alarm_entry import TOLD
from shipworthy.store.alarms import enter_look, new_alarm_id, read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry.outbox import Outbox
from shipworthy.telemetry.output_config import OutputSpec

RSYSLOG = os.environ.get("SHIPWORTHY_RSYSLOG") or shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")
"""The variable may name a copy that was unpacked; its modules are then looked for beside it."""

CONFIG = """\
module(load="imtcp")
module(load="imudp")
input(type="imtcp" port="{port}" address="127.0.0.1")
input(type="imudp" port="{port}" address="127.0.0.1")
template(name="line" type="string" string="%inputname%|%pri-text%|%hostname%|%app-name%|%msgid%|%msg%\\n")
*.* action(type="omfile" file="{out}" template="line")
"""


@pytest.mark.skipif(RSYSLOG is None, reason="no rsyslog on this machine: apt-get install rsyslog")
def test_an_alarm_is_one_line_however_it_is_named(tmp_path: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    out = tmp_path / "out.log"
    (tmp_path / "r.conf").write_text(CONFIG.format(port=port, out=out))
    command = [RSYSLOG, "-n", "-f", str(tmp_path / "r.conf"), "-i", str(tmp_path / "pid")]
    environment = dict(os.environ)
    if libraries := sorted(Path(RSYSLOG).resolve().parents[1].glob("lib/*-linux-gnu/rsyslog")):
        command += ["-M", str(libraries[0])]
        environment["LD_LIBRARY_PATH"] = str(libraries[0].parent)
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with AuditLog(Layout(tmp_path).control_url) as audit:
            told = "too many\nCEF:0|forged|line | a=b"
            made = Alarm(id=new_alarm_id(), kind="rate", stream="harm", day="2026-11-30", told=told, severity=1)
            enter_look(audit, None, [made])
            specs = [
                OutputSpec(id=scheme, kind="syslog", url=f"{scheme}://127.0.0.1:{port}") for scheme in ("tcp", "udp")
            ]
            outbox = Outbox(specs, audit, lambda: "SYS-shop", lambda _: None)

            async def send() -> None:
                until = time.monotonic() + 60
                # TCP first says when it listens: UDP is not answered.
                while not outbox.states["tcp"].sent and time.monotonic() < until:
                    outbox._next.clear()
                    await outbox.send(read_alarms(audit).alarms)
                    await asyncio.sleep(0.1)
                outbox._told.discard(("udp", made.id, "raised"))
                await outbox.send(read_alarms(audit).alarms)
                await outbox.close()

            asyncio.run(send())
            assert {entry.body["output"] for entry in audit.of_kinds(TOLD)} == {"tcp", "udp"}
        until = time.monotonic() + 60
        lines: list[str] = []
        while len({line.split("|")[0] for line in lines}) < 2 and time.monotonic() < until:
            time.sleep(0.1)
            lines = [line for line in out.read_text().splitlines() if made.id in line] if out.exists() else []
        assert {line.split("|")[0] for line in lines} == {"imtcp", "imudp"}
        for line in lines:
            _, level, host, app, kind, message = line.split("|", 5)
            assert (level, host, app, kind) == ("authpriv.crit", "SYS-shop", "shipworthy", "rate")
            assert message.startswith("CEF:0|shipworthy|shipworthy|") and r"CEF:0\|forged\|line" in message
    finally:
        server.kill()
        server.wait()
