"""OpenTelemetry with the real SDK, against a receiver of OTLP over HTTP that this file holds."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.integration.conftest import completion, respond, serve
from tests.integration.gateway.conftest import gateway_over, write

from shipworthy.core.errors import MissingExtra, WorkspaceError
from shipworthy.core.grants import Grants
from shipworthy.gateway.config import read_config
from shipworthy.gateway.telemetry import Telemetry
from shipworthy.gateway.telemetry_spec import TelemetrySpec

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAID, ASKED = "Write to mark@leak.example.org, please.", "A private question"
NEEDS = (
    "the extra otel is not installed: python bench/peers/run_tests.py otel tests/integration/gateway/test_telemetry.py"
)


@contextmanager
def receiver(status=200):
    """Yield a collector's address and what it was sent: (path, headers, message)."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason=NEEDS)
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    kinds = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                data = gzip.decompress(data)
            seen.append((self.path, dict(self.headers.items()), kinds[self.path].FromString(data), data))
            if not status:
                time.sleep(600)
            self.send_response(status)
            if status == 302:
                self.send_header("location", "/v1/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def plain(value):
    kind = value.WhichOneof("value")
    return [plain(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def attributes(of):
    return {one.key: plain(one.value) for one in of.attributes}


def spans(seen):
    return [
        span
        for path, _, message, _ in seen
        if path == "/v1/traces"
        for resource in message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def metrics(seen):
    found = {}
    for path, _, message, _ in seen:
        if path == "/v1/metrics":
            for metric in message.resource_metrics[0].scope_metrics[0].metrics:
                found[metric.name] = metric
    return found


async def talk(request, writer):
    if request.json.get("model") == "broken":
        respond(writer, {"error": {}}, status=500)
    elif request.json.get("stream"):
        usage = {"usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}}
        chunks = [{"choices": [{"index": 0, "delta": {"content": SAID}}], "model": "m-1"}]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], **usage})
        data = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"
        respond(writer, data.encode(), content_type="text/event-stream")
    else:
        respond(writer, completion(SAID))


def asked(**more):
    return {"messages": [{"role": "user", "content": ASKED}], **more}


def test_a_requests_spans_and_metrics_arrive_and_hold_nothing_that_was_said(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("OTLP_KEY", "collector-key-1")
    # What the environment says of other collectors goes to them alone.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20not-for-this-one")

    async def main(where, seen):
        told = {"otlp": where, "headers": {"x-api-key": "env:OTLP_KEY"}, "propagate": True, "service": "shop"}
        async with serve(talk) as up:
            more = {"upstreams": {"main": {"url": up.url, "retries": 0, "models": ["m", "*"]}}, "telemetry": told}
            async with gateway_over(tmp_path, "", **more) as served:
                digest = served.gateway.keeper.active.digest
                trace = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
                for stream in (False, True):
                    assert (await served.ask(headers=trace, **asked(stream=stream))).status == 200
                assert (await served.ask(**asked(model="broken"))).status == 502
                assert (await served.ask(**asked(n=0))).status == 400
            return [request.headers.get("traceparent", "") for request in up.seen], digest

    with receiver() as (where, seen):
        allowed = Grants().and_key("env:OTLP_KEY", where.removeprefix("http://"))
        monkeypatch.setattr("tests.integration.gateway.conftest.Grants", lambda: allowed)
        sent, digest = asyncio.run(main(where, seen))
    for _, headers, _, data in seen:
        assert headers["x-api-key"] == "collector-key-1"
        assert "not-for-this-one" not in repr(headers)
        for word in (SAID, ASKED, "leak", "collector-key-1"):
            assert word.encode() not in data
    found = spans(seen)
    by_id = {span.span_id: span for span in found}
    requests = [span for span in found if span.kind == 2]  # SERVER
    calls = [span for span in found if span.kind == 3]  # CLIENT
    assert [span.name for span in requests] == ["POST /v1/chat/completions"] * 4
    assert [span.name for span in calls] == ["chat m", "chat m", "chat"]
    assert {span.trace_id.hex() for span in requests[:2]} == {TRACE}
    assert {span.parent_span_id.hex() for span in requests[:2]} == {SPAN}
    assert [span.parent_span_id for span in requests[2:]] == [b"", b""]
    for call, header in zip(calls, sent, strict=True):
        assert by_id[call.parent_span_id].trace_id == call.trace_id
        assert header == f"00-{call.trace_id.hex()}-{call.span_id.hex()}-01"
        over = by_id[call.parent_span_id]
        assert over.start_time_unix_nano <= call.start_time_unix_nano <= call.end_time_unix_nano
        assert call.end_time_unix_nano <= over.end_time_unix_nano
    whole, streamed, broken = map(attributes, calls)
    for call in (whole, streamed):
        assert call["gen_ai.operation.name"] == "chat"
        assert (call["gen_ai.request.model"], call["gen_ai.response.model"]) == ("m", "m-1")
        assert (call["gen_ai.usage.input_tokens"], call["gen_ai.usage.output_tokens"]) == (7, 2)
        assert call["gen_ai.response.finish_reasons"] == ["stop"]
        assert call["server.address"] == "127.0.0.1"
        assert "error.type" not in call
    assert streamed["gen_ai.request.stream"] is True
    assert broken["error.type"] == "upstream_error"
    assert [span.status.code for span in requests] == [0, 0, 2, 0]
    about = [attributes(span) for span in requests]
    assert [one["shipworthy.ending"] for one in about] == ["answered", "answered", "upstream_error", "refused"]
    assert [one["http.response.status_code"] for one in about] == [200, 200, 502, 400]
    assert {(one["shipworthy.guards"], one["shipworthy.decision"]) for one in about} == {(digest, "unproven")}
    [event] = requests[0].events
    assert (event.name, attributes(event)["shipworthy.rule"], attributes(event)["shipworthy.action"]) == (
        "shipworthy.guard", "GD-pii", "redact"
    )  # fmt: skip
    resource = attributes(seen[0][2].resource_spans[0].resource)
    assert resource["service.name"] == "shop"
    found = metrics(seen)
    durations = found["gen_ai.client.operation.duration"].histogram.data_points
    assert sum(point.count for point in durations) == 3
    assert {attributes(point)["gen_ai.request.model"] for point in durations} == {"m", "other"}
    tokens = {
        attributes(point)["gen_ai.token.type"]: point.sum
        for point in found["gen_ai.client.token.usage"].histogram.data_points
    }
    assert tokens == {"input": 14, "output": 4}


@pytest.mark.parametrize("status", [None, 302, 500, 0])
def test_a_collector_that_fails_loses_no_request_and_gets_no_key_elsewhere(tmp_path, status) -> None:
    async def main(where):
        told = {"otlp": where, "timeout_s": 0.5}
        async with serve(talk) as up, gateway_over(tmp_path, up.url, telemetry=told) as served:
            for _ in range(20):
                assert (await served.ask()).status == 200
            async with asyncio.timeout(100):
                while 'telemetry_spans_total{result="failed"} 40' not in (await served.get("/metrics")).text:
                    await asyncio.sleep(0.1)
            assert len(served.records) == 20
            assert 'telemetry_spans_total{result="sent"} 0' in (await served.get("/metrics")).text
        assert [line for line in served.told if "telemetry" in line] == [
            "telemetry cannot be sent to where the gateway's file says; requests go on"
        ]

    with receiver(200 if status is None else status) as (where, seen):  # 0 never answers
        asyncio.run(main("http://127.0.0.1:9" if status is None else where))
    assert {path for path, *_ in seen} <= {"/v1/traces", "/v1/metrics"}


def test_what_the_queue_cannot_take_is_dropped_and_counted(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("shipworthy.gateway.telemetry.QUEUE", 4)
    monkeypatch.setattr("shipworthy.gateway.telemetry.BATCH", 4)
    monkeypatch.setattr("shipworthy.gateway.telemetry.DELAY_MS", 3_600_000)

    async def main(where):
        async with serve(talk) as up, gateway_over(tmp_path, up.url, telemetry={"otlp": where}) as served:
            telemetry = served.gateway.telemetry
            monkeypatch.setattr(telemetry._spans, "on_end", lambda span: None)  # nothing is sent for now
            for _ in range(4):
                assert (await served.ask()).status == 200
            assert 'telemetry_spans_total{result="dropped"} 4' in (await served.get("/metrics")).text

    with receiver() as (where, _):
        asyncio.run(main(where))


def test_without_the_extra_its_name_is_said(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(MissingExtra, match=r"pip install .*otel"):
        Telemetry(TelemetrySpec(otlp="http://127.0.0.1:1"), print, print)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            {"otlp": "https://c.example.com", "headers": {"x-api-key": "env:K"}},
            "shipworthy allow key env:K c.example.com",
        ),
        ({"otlp": "http://c.example.com", "headers": {"x-api-key": "env:K"}}, "unencrypted"),
        ({"otlp": "https://c.example.com", "headers": {"x-api-key": "sk-pasted"}}, "reference"),
        ({"otlp": "http://169.254.169.254"}, "credentials"),
        ({"otlp": "grpc://c.example.com"}, "http:// or https://"),
        ({"otlp": "https://c.example.com?x=1"}, "query"),
        ({"otlp": "https://c.example.com", "sample": 2}, "sample"),
    ],
)
def test_where_it_may_not_go_is_refused_with_file_and_line(tmp_path, told, said) -> None:
    path = write(tmp_path, "http://127.0.0.1:1", telemetry=told)
    with pytest.raises(WorkspaceError) as caught:
        read_config(path, Grants())
    assert said in str(caught.value)
    assert "gateway.yaml:" in str(caught.value)
    assert "sk-pasted" not in str(caught.value)
