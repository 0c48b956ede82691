"""What a sender is told when it has to wait, and what configurations are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.telemetry.conftest import MASTER

from shipworthy.core.errors import StoreError, WorkspaceError
from shipworthy.gateway.refusal import HttpRefusal
from shipworthy.telemetry import store as stores
from shipworthy.telemetry.body import accepted, refused, unpack
from shipworthy.telemetry.config import read_serve
from shipworthy.telemetry.receiver import _as_refusal
from shipworthy.telemetry.store import Busy, DiskFull, TelemetryStore


def test_a_store_that_is_behind_says_when_to_come_again(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(stores, "WAITING_BYTES", -1)
    with TelemetryStore(tmp_path, MASTER) as store, pytest.raises(Busy) as caught:
        store.admit()
    assert (_as_refusal(caught.value).status, _as_refusal(caught.value).retry_s) == (429, 1.0)
    assert (_as_refusal(DiskFull("x")).status, _as_refusal(DiskFull("x")).retry_s) == (503, 30.0)
    assert _as_refusal(StoreError("x")).status == 503


def test_answers_are_what_the_protocol_has() -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    whole = ExportTraceServiceResponse.FromString(accepted(0, "", protobuf=True).body)
    assert not whole.HasField("partial_success")
    part = ExportTraceServiceResponse.FromString(accepted(300, "why", protobuf=True).body).partial_success
    assert (part.rejected_spans, part.error_message) == (300, "why")
    answer = refused(HttpRefusal(503, "x", "m" * 200), {}, protobuf=True)
    assert answer.body == b"\x12\xc8\x01" + b"m" * 200


@pytest.mark.parametrize("data", [b"", b"no gzip", b"\x1f\x8b\x08\x00"])
def test_what_does_not_unpack_is_refused(data: bytes) -> None:
    with pytest.raises(HttpRefusal) as caught:
        unpack(data, "gzip", 1_000)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("listen: 0.0.0.0:4318\n", "serve.yaml:1: 'listen' is reachable"),
        ("retention: {content: 0}\n", "serve.yaml:1"),
        ("clients: {a: {key: 'env:A'}, b: {key: 'env:A'}}\n", "two clients have one key"),
        ("clients: {a: {key: plain-secret}}\n", "must be a reference"),
    ],
)
def test_a_wrong_file_is_refused_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "serve.yaml").write_text(text)
    with pytest.raises(WorkspaceError) as caught:
        read_serve(tmp_path / "serve.yaml")
    assert said in str(caught.value) and "plain-secret" not in str(caught.value)
