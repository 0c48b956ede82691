"""Metrics and rules with the real Prometheus and Alertmanager; dashboards by the models of Grafana's own library."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest
from tests.integration.telemetry.test_serve import CURRENT, post, request, served

RULES = Path(str(files("shipworthy") / "library" / "monitoring"))
PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")
ALERTMANAGER = os.environ.get("SHIPWORTHY_ALERTMANAGER") or shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")  # fmt: skip  # noqa: E501
NO_PROMETHEUS = "no Prometheus on this machine: apt-get install prometheus"
NO_ALERTMANAGER = "no Alertmanager on this machine: apt-get install prometheus-alertmanager"


def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def hook():
    """Yield a port and what was posted to it: (path, body)."""
    got: list[tuple[str, dict]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, got
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running(*command: str, cwd: Path):
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(found, seconds: float = 90):
    end = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < end:
        time.sleep(0.2)
    return value


@pytest.mark.skipif(PROMTOOL is None, reason=NO_PROMETHEUS)
def test_rules_say_what_they_should_of_series_that_are_made_up(tmp_path: Path) -> None:
    shutil.copy(RULES / "prometheus-rules.yaml", tmp_path)
    shutil.copy(RULES / "prometheus.yaml", tmp_path)
    shutil.copy(Path(__file__).with_name("rules_test.yaml"), tmp_path)
    for words in (("test", "rules", "rules_test.yaml"), ("check", "config", "prometheus.yaml")):
        ran = subprocess.run([PROMTOOL, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.skipif(PROMETHEUS is None, reason=NO_PROMETHEUS)
@pytest.mark.skipif(ALERTMANAGER is None, reason=NO_ALERTMANAGER)
def test_s1_reaches_who_is_on_call_through_prometheus_and_alertmanager(tmp_path: Path) -> None:
    with ExitStack() as stack:
        port, got = stack.enter_context(hook())
        am, prom = free(), free()
        about = (RULES / "alertmanager.yaml").read_text().replace("127.0.0.1:9000", f"127.0.0.1:{port}")
        (tmp_path / "alertmanager.yaml").write_text(about.replace("group_wait: 10s", "group_wait: 1s"))
        stack.enter_context(running(
            ALERTMANAGER, "--config.file=alertmanager.yaml", "--storage.path=am", "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{am}", cwd=tmp_path,
        ))  # fmt: skip
        lines = (
            "alarms: {system: SYS-x, evidence: {watch: false}}",
            f"outputs: [{{id: am, kind: alertmanager, url: 'http://127.0.0.1:{am}'}}]",
        )
        _, address, _ = stack.enter_context(served(tmp_path / "serve", *lines))
        config = (RULES / "prometheus.yaml").read_text().replace("15s", "1s")
        config = config.replace("127.0.0.1:9093", f"127.0.0.1:{am}").replace("127.0.0.1:4318", address.split("//")[1])
        (tmp_path / "prometheus.yaml").write_text(config)
        shutil.copy(RULES / "prometheus-rules.yaml", tmp_path)
        stack.enter_context(running(
            PROMETHEUS, "--config.file=prometheus.yaml", "--storage.tsdb.path=tsdb",
            f"--web.listen-address=127.0.0.1:{prom}", cwd=tmp_path,
        ))  # fmt: skip
        bad = {**CURRENT, "shipworthy.severity": "S1", "gen_ai.conversation.id": "talk-1"}
        event = {"gen_ai.evaluation.name": "harm", "gen_ai.evaluation.score.label": "fail"}
        sent = request(bad, [("gen_ai.evaluation.result", event)], traceId=f"{1:032x}", spanId=f"{1:016x}")
        assert post(f"{address}/v1/traces", json.dumps(sent).encode())[0] == 200

        def arrived(path: str, name: str) -> list[dict]:
            return [
                alert
                for to, body in list(got)
                if to == path
                for alert in body["alerts"]
                if alert["labels"]["alertname"] == name
            ]

        assert until(lambda: arrived("/on-call", "ShipworthyPage")), got
        assert arrived("/on-call", "ShipworthyPage")[0]["labels"]["severity"] == "S1"
        assert until(lambda: arrived("/tickets", "ShipworthyAlarm")), "told directly, by the output"
        with urllib.request.urlopen(f"{address}/metrics", timeout=60) as answer:
            page = answer.read().decode()
        assert 'shipworthy_hits_total{feature="' in page and 'shipworthy_output_sent_total{output="am"} 1' in page
    assert "talk-1" not in page, "no label is somebody's"


@pytest.mark.parametrize("name", ["safety", "watcher"])
def test_a_dashboard_is_one_by_grafanas_own_models(name: str) -> None:
    said = json.loads((RULES / f"grafana-{name}.json").read_text())
    module = pytest.importorskip(
        "grafana_foundation_sdk.models.dashboard",
        reason="grafana-foundation-sdk is not installed: python bench/peers/run_tests.py monitoring"
        " tests/integration/telemetry/test_prometheus.py -k dashboard",
    )
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins

    register_default_plugins()

    def kept(made: dict) -> list[str]:
        back = json.loads(JSONEncoder().encode(module.Dashboard.from_json(made)))
        return list(lost(made, back, ""))

    assert kept(said) == []
    assert kept(said | {"pannels": []}) == ["/pannels"], "what the models do not know is lost"


def lost(said, back, at: str):
    if isinstance(said, dict):
        for key, value in said.items():
            if not isinstance(back, dict) or key not in back:
                yield f"{at}/{key}"
            else:
                yield from lost(value, back[key], f"{at}/{key}")
    elif isinstance(said, list):
        for place, (one, other) in enumerate(zip(said, back, strict=True)):
            yield from lost(one, other, f"{at}/{place}")
    elif said != back:
        yield at


def test_a_dashboard_asks_only_for_what_is_counted() -> None:
    import re

    from shipworthy.gateway.exposition import FAMILIES
    from shipworthy.telemetry.exposition import TELEMETRY_FAMILIES

    known = {f"shipworthy_{name}" for name in TELEMETRY_FAMILIES} | {f"shipworthy_gateway_{name}" for name in FAMILIES}
    rules = (RULES / "prometheus-rules.yaml").read_text()
    recorded = set(re.findall(r"record: (\S+)", rules))
    boards = "".join((RULES / f"grafana-{name}.json").read_text() for name in ("safety", "watcher"))
    asked = set(re.findall(r"shipworthy_[a-z0-9_]+", rules + boards))
    assert asked and asked <= known
    assert set(re.findall(r"shipworthy:[a-z0-9_:]+", rules + boards)) <= recorded
