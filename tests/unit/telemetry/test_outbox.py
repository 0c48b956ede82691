"""Outputs: told once, again after a failure, also by the next process; one that fails holds up no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from shipworthy.core.alarm import Alarm
from shipworthy.core.alarm_entry import TOLD
from shipworthy.core.errors import WorkspaceError
from shipworthy.store.alarms import close_alarm, enter_look, new_alarm_id, read_alarms
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.telemetry.config import read_serve
from shipworthy.telemetry.outbox import Outbox
from shipworthy.telemetry.output_config import OutputSpec

SECRET = "T0KEN-of-the-hook"


@pytest.fixture
def audit(tmp_path: Path):
    with AuditLog(Layout(tmp_path).control_url) as made:
        yield made


def alarm(audit: AuditLog, **fields) -> Alarm:
    made = {"id": new_alarm_id(), "kind": "rate", "stream": "harm", "day": "2026-11-30", "told": "too many"} | fields
    (entered,) = enter_look(audit, None, [Alarm(**made)])
    return entered


class Hook:
    """A server that answers with the statuses it is given, then 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[dict] = []
        self.url = ""

    async def __aenter__(self) -> Hook:
        async def answer(request: web.Request) -> web.Response:
            status = self.statuses.pop(0) if self.statuses else 200
            if status == 200:
                self.got.append(json.loads(await request.read()))
            return web.Response(status=status, text="ok")

        app = web.Application()
        app.router.add_post("/{any:.*}", answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/hooks/{SECRET}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


def box(audit: AuditLog, said: list[str], *specs: dict) -> Outbox:
    made = [
        OutputSpec.model_validate({"id": f"o{place}", "kind": "webhook"} | spec) for place, spec in enumerate(specs)
    ]
    return Outbox(made, audit, lambda: "SYS-x", said.append)


def run(work: Callable[[Hook], object]) -> None:
    async def go() -> None:
        async with Hook() as hook:
            await work(hook)

    asyncio.run(go())


def test_each_is_told_once_and_that_it_was_closed(audit: AuditLog, monkeypatch) -> None:
    said: list[str] = []

    async def work(hook: Hook) -> None:
        monkeypatch.setenv("HOOK_URL", hook.url)
        first = alarm(audit)
        for _ in range(2):
            for again in range(2):  # another process, another outbox
                outbox = box(audit, said, {"url": "env:HOOK_URL"})
                await outbox.send(read_alarms(audit).alarms)
                await outbox.send(read_alarms(audit).alarms)
                await outbox.close()
                del again
            if read_alarms(audit).alarms[0].open:
                close_alarm(audit, first, by="carol", reason="mended")
        assert [one["event"] for one in hook.got] == ["alarm.raised", "alarm.closed"]
        assert len(audit.of_kinds(TOLD)) == 2 and not said

    run(work)


def test_a_failure_is_said_once_tried_again_and_holds_up_no_other(audit: AuditLog, monkeypatch) -> None:
    said: list[str] = []

    async def work(hook: Hook) -> None:
        monkeypatch.setenv("HOOK_URL", hook.url)
        alarm(audit)
        hook.statuses = [503]
        outbox = box(audit, said, {"url": "env:HOOK_URL"}, {"url": "http://127.0.0.1:9/x", "timeout_s": 5})
        await outbox.send(read_alarms(audit).alarms)
        assert not hook.got and outbox.states["o0"].waiting == 1
        assert outbox.states["o0"].failed == "it answered with status 503"
        await outbox.send(read_alarms(audit).alarms)
        assert not hook.got, "not before its time"
        outbox._next.clear()
        await outbox.send(read_alarms(audit).alarms)
        assert len(hook.got) == 1 and outbox.states["o0"].failed == ""
        assert outbox.states["o1"].failures == 2 and outbox.states["o1"].failed.startswith("no connection")
        assert [line for line in said if "works again" in line] == ["output o0 works again"]
        assert len([line for line in said if line.startswith("output o1")]) == 1
        assert SECRET not in "".join(said) and "127.0.0.1" not in "".join(said)
        await outbox.close()

    run(work)


def test_what_an_output_is_told_can_be_chosen(audit: AuditLog, monkeypatch) -> None:
    async def work(hook: Hook) -> None:
        monkeypatch.setenv("HOOK_URL", hook.url)
        alarm(audit, severity=3), alarm(audit, severity=1, stream="b"), alarm(audit, stream="c")
        alarm(audit, severity=2, kind="vendor", stream="d")
        outbox = box(audit, [], {"url": "env:HOOK_URL", "least": "S2", "kinds": ["rate"]})
        await outbox.send(read_alarms(audit).alarms)
        assert [one["alarm"]["stream"] for one in hook.got] == ["b"]
        await outbox.close()

    run(work)


def test_a_key_never_travels_in_the_clear_to_another_machine(audit: AuditLog, monkeypatch) -> None:
    said: list[str] = []

    async def work(_: Hook) -> None:
        monkeypatch.setenv("HOOK_URL", f"http://chat.example/{SECRET}")
        alarm(audit)
        outbox = box(audit, said, {"url": "env:HOOK_URL"})
        await outbox.send(read_alarms(audit).alarms)
        assert "unencrypted" in said[0] and SECRET not in said[0]
        await outbox.close()

    run(work)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("outputs: [{id: a, kind: webhook, url: 'https://a.example'}]", "no such section"),
        ("alarms: {}\noutputs: [{id: a, kind: fax, url: 'https://a.example'}]", "must be one of"),
        ("alarms: {}\noutputs: [{id: a, kind: pagerduty}]", "needs 'key'"),
        ("alarms: {}\noutputs: [{id: a, kind: hec, key: secret, url: 'https://a.example'}]", "must be a reference"),
        ("alarms: {}\noutputs: [{id: a, kind: hec, key: 'env:K', url: 'http://a.example'}]", "unencrypted"),
        ("alarms: {}\noutputs: [{id: a, kind: syslog, url: 'https://a.example'}]", "udp://host:port"),
        ("alarms: {streams: [{id: a, baseline_days: 3}]}", "7"),
        ("alarms: {streams: [{id: a, metric: violence}]}", "violation"),
    ],
)
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "serve.yaml").write_text(lines + "\n")
    with pytest.raises(WorkspaceError, match=said) as found:
        read_serve(tmp_path / "serve.yaml")
    assert "serve.yaml:" in str(found.value)


def test_an_output_that_hangs_holds_up_no_other_and_ends_with_the_server(audit: AuditLog, monkeypatch) -> None:
    async def work(hook: Hook) -> None:
        monkeypatch.setenv("HOOK_URL", hook.url)
        asked = asyncio.Event()

        async def hang(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.sleep(3_600)

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        outbox = box(audit, [], {"url": f"http://127.0.0.1:{port}/", "timeout_s": 3_600}, {"url": "env:HOOK_URL"})
        for number in (1, 2):
            alarm(audit, stream=f"s{number}")
            await outbox.start(read_alarms(audit).alarms)
            await asyncio.wait_for(asked.wait(), 60)
            while outbox.states["o1"].sent < number:
                await outbox.start(read_alarms(audit).alarms)
                await asyncio.sleep(0.01)
        assert [one["alarm"]["stream"] for one in hook.got] == ["s1", "s2"]
        assert outbox.states["o0"].sent == 0 and outbox.states["o0"].waiting
        await asyncio.wait_for(outbox.close(), 60)
        server.close()

    run(work)
