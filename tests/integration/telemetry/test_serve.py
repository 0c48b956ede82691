"""`shipworthy serve` as a process: real exporters send to it, it is killed, and its disk is searched."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.telemetry.samples import CURRENT, OLD, OLD_EVENTS, OPENINFERENCE, OPENLLMETRY, request

from shipworthy.core.alarm_entry import CONTENT_LOOKED as LOOKED
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.signals import read_signals
from shipworthy.telemetry.facts import FactView

NEEDS = "zstandard or opentelemetry-proto is not installed: make setup installs them"
SDK = (
    "the extra otel is not installed: python bench/peers/run_tests.py otel"
    " tests/integration/telemetry/test_serve.py::test_a_real_exporter_sends_every_dialect_and_nothing_personal_is_kept"
)
PRIVATE = "ann.marlow@leak.example.org"


@pytest.fixture(autouse=True)
def _needs() -> None:
    for module in ("duckdb", "zstandard", "opentelemetry.proto"):
        pytest.importorskip(module, reason=NEEDS)


@contextmanager
def served(folder: Path, *lines: str, **environment: str):
    """Yield a server's process and address; it is killed at the end where it still runs."""
    folder.mkdir(exist_ok=True)
    about = ["listen: 127.0.0.1:0", "state: store", "key_file: telemetry.key", *lines]
    (folder / "serve.yaml").write_text("\n".join(about) + "\n")
    command = [sys.executable, "-m", "shipworthy", "serve", "--config", str(folder / "serve.yaml")]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | environment)
    said = []
    try:
        for line in server.stderr:
            said.append(line)
            if "listening on " in line:
                break
        else:
            raise AssertionError("".join(said))
        drained = threading.Thread(target=lambda: said.extend(server.stderr), daemon=True)
        drained.start()
        yield server, line.split()[-1], said
    finally:
        server.kill()
        server.wait()
        server.stderr.close() if not drained.is_alive() else drained.join(5)


def post(url: str, body: bytes, kind: str = "application/json", **headers: str):
    headers = {"content-type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def numbered(number: int, attributes: dict) -> bytes:
    return json.dumps(request(attributes, traceId=f"{number:032x}", spanId=f"{number:016x}")).encode()


def stored(folder: Path, what: str) -> list:
    with FactView(folder / "store") as view:
        return view.query(f"SELECT {what} FROM facts ORDER BY ALL")


def holds(folder: Path, words: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


def test_a_real_exporter_sends_every_dialect_and_nothing_personal_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason=SDK)
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    with served(tmp_path) as (server, address, _):
        provider = TracerProvider(resource=Resource.create({"service.name": f"shop {PRIVATE}"}), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{address}/v1/traces", compression=Compression.Gzip)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        for attributes, events in ((CURRENT, ()), (OLD, OLD_EVENTS), (OPENINFERENCE, ()), (OPENLLMETRY, ())):
            said = {k: v.replace("my order", PRIVATE) if isinstance(v, str) else v for k, v in attributes.items()}
            with tracer.start_as_current_span(f"chat {PRIVATE}", attributes=said | {"unknown": PRIVATE}) as span:
                for name, held in events:
                    span.add_event(name, {k: str(v).replace("my order", PRIVATE) for k, v in held.items()})
                span.record_exception(ValueError(PRIVATE))
        provider.shutdown()
        assert not holds(tmp_path, PRIVATE), "while it serves"
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    assert not holds(tmp_path, PRIVATE)
    found = stored(tmp_path, "dialect, service, input_tokens, output_tokens, ending")
    dialects = ("genai", "genai-1.36", "openinference", "openllmetry")
    assert found == [(dialect, "shop [redacted:email]", 5, 7, "ok") for dialect in dialects]


def test_what_was_acknowledged_survives_a_kill_under_load(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    with served(tmp_path) as (server, address, _):

        def send(first: int) -> None:
            for number in range(first, first + 400):
                try:
                    status, _, _ = post(
                        f"{address}/v1/traces", numbered(number, CURRENT | {"user.id": f"{PRIVATE}-{number}"})
                    )
                except OSError:
                    return
                if status == 200:
                    acknowledged.append(number)
                if len(acknowledged) == 60:
                    server.kill()

        senders = [threading.Thread(target=send, args=(1 + 1_000 * one,)) for one in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(60)
        server.wait(60)
    assert len(acknowledged) >= 60
    assert not holds(tmp_path, PRIVATE)
    wanted = {f"{number:032X}" for number in acknowledged}
    assert wanted <= {row[0] for row in stored(tmp_path, "hex(trace)")}, "read from the journal of the killed process"
    with served(tmp_path) as (server, _, said):
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0, said
    assert wanted <= {row[0] for row in stored(tmp_path, "hex(trace)")}
    assert not list((tmp_path / "store" / "journal").iterdir())


def test_requests_that_fail_leave_nothing_behind(tmp_path: Path) -> None:
    private = numbered(1, CURRENT | {"gen_ai.input.messages": PRIVATE})
    with served(tmp_path, "limits: {body_bytes: 20000}") as (server, address, said):
        traces = f"{address}/v1/traces"
        statuses = [
            post(traces, private[:-9])[0],
            post(traces, private, kind="text/plain")[0],
            post(traces, private, content_encoding="br")[0],
            post(traces, gzip.compress(private)[:-12], content_encoding="gzip")[0],
            post(traces, gzip.compress(private + b" " * 30_000), content_encoding="gzip")[0],
            post(traces, private, kind="application/x-protobuf")[0],
            post(f"{address}/v1/logs", private)[0],
            post(traces, private, host="shop.example")[0],
        ]
        assert statuses == [400, 415, 415, 400, 413, 400, 404, 403]
        status, _, body = post(traces, numbered(0, CURRENT))
        assert (status, json.loads(body)["partialSuccess"]["rejectedSpans"]) == (200, "1")
        assert post(traces, private)[0] == post(traces, private)[0] == 200
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    assert not holds(tmp_path, PRIVATE) and PRIVATE not in "".join(said)
    assert stored(tmp_path, "count(*)") == [(1,)], "the second of the same is not counted"


def test_rights_are_apart_and_every_look_is_entered(tmp_path: Path) -> None:
    keys = {"SENDER": "sender-key-0123456789", "READER": "reader-key-0123456789", "LOOKER": "looker-key-0123456789"}
    clients = "clients: {app: {key: 'env:SENDER'}, board: {key: 'env:READER', may: [rates]}, carol: {key: 'env:LOOKER', may: [content, delete]}}"  # noqa: E501

    def bearer(name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {keys[name]}"}

    with served(tmp_path, clients, **keys) as (_, address, _):
        traces, content = f"{address}/v1/traces", f"{address}/v1/telemetry/content"
        why = json.dumps({"id": f"{1:032x}", "reason": "a report of Monday"}).encode()
        assert post(traces, numbered(1, CURRENT))[0] == 401
        assert post(traces, numbered(1, CURRENT), **bearer("READER"))[0] == 403
        assert post(traces, numbered(1, CURRENT), **bearer("SENDER"))[0] == 200
        assert post(content, why, **bearer("SENDER"))[0] == post(content, why, **bearer("READER"))[0] == 403
        assert post(content, json.dumps({"id": f"{1:032x}"}).encode(), **bearer("LOOKER"))[0] == 400
        status, _, body = post(content, why, **bearer("LOOKER"))
        assert status == 200 and json.loads(body)["spans"][0]["events"]
        asked = urllib.request.Request(f"{address}/v1/telemetry/rates?by=feature", headers=bearer("READER"))
        with urllib.request.urlopen(asked, timeout=60) as answer:
            (rate,) = json.loads(answer.read())["rates"]
        assert (rate["feature"], rate["sessions"], rate["hits"]) == ("shop", 1, 0)
        gone = json.dumps({"subject": "ann", "reason": "she asked"}).encode()
        assert json.loads(post(f"{address}/v1/telemetry/delete", gone, **bearer("LOOKER"))[2]) == {"keys": 1}
        assert json.loads(post(content, why, **bearer("LOOKER"))[2])["spans"][0]["events"] is None
    with AuditLog(f"sqlite:///{tmp_path}/.shipworthy/control.sqlite") as audit:
        assert audit.verify().entries == 3
        assert [entry.body["by"] for entry in audit.of_kinds(LOOKED)] == ["carol", "carol"]


def test_looks_are_entered_in_postgresql(tmp_path: Path, emptied: str) -> None:
    key = "looker-key-0123456789"
    lines = "clients: {carol: {key: 'env:LOOKER', may: [send, content]}}"
    with served(tmp_path, lines, LOOKER=key, SHIPWORTHY_CONTROL_URL=emptied) as (_, address, _):
        bearer = {"authorization": f"Bearer {key}"}
        assert post(f"{address}/v1/traces", numbered(1, CURRENT), **bearer)[0] == 200
        why = json.dumps({"id": f"{1:032x}", "reason": "a report of Monday"}).encode()
        assert post(f"{address}/v1/telemetry/content", why, **bearer)[0] == 200
    with AuditLog(emptied) as audit:
        assert [entry.body["by"] for entry in audit.of_kinds(LOOKED)] == ["carol"]


def test_s1_is_an_alarm_at_once_and_survives_a_kill(tmp_path: Path) -> None:
    bad = {**CURRENT, "shipworthy.severity": "S1", "gen_ai.conversation.id": "talk-1", "shipworthy.feature": PRIVATE}
    event = {"gen_ai.evaluation.name": "harm", "gen_ai.evaluation.score.label": "fail"}
    sent = request(bad, [("gen_ai.evaluation.result", event)], traceId=f"{1:032x}", spanId=f"{1:016x}")

    def alarms(address: str) -> list[dict]:
        until = time.monotonic() + 60
        while True:
            with urllib.request.urlopen(f"{address}/v1/telemetry/alarms", timeout=60) as answer:
                found = json.loads(answer.read())["alarms"]
            if found or time.monotonic() > until:
                return found
            time.sleep(0.2)

    with served(tmp_path, "alarms: {system: SYS-x, evidence: {watch: false}}") as (server, address, _):
        assert post(f"{address}/v1/traces", json.dumps(sent).encode())[0] == 200
        (found,) = alarms(address)
        assert (found["alarm"]["kind"], found["open"]) == ("page", True)
        assert found["alarm"]["spans"] == [f"{1:032x}/{1:016x}"]
        assert found["alarm"]["feature"] == "[redacted:email]" and not holds(tmp_path, PRIVATE)
        server.kill()
        server.wait()
    with served(tmp_path, "alarms: {system: SYS-x, evidence: {watch: false}}") as (_, address, _):
        assert alarms(address) == [found]
        with AuditLog(Layout(tmp_path).control_url) as audit:
            until = time.monotonic() + 60
            while not (told := read_signals(audit, "SYS-x")) and time.monotonic() < until:
                time.sleep(0.2)
        assert [one.severity for one in told] == ["S1"], "its signal is made up for after a kill"
