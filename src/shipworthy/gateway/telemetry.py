"""OpenTelemetry: spans and metrics of each request, by the semantic conventions for generative AI (in development).

Of a request go out what it took and how it ended, never what was said: no message, no tool's argument, no reason of a
guard. Nothing here waits for the network: what the queue cannot take is dropped and counted, and a request never fails
because of it.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import shipworthy
from shipworthy.core.credentials import resolve
from shipworthy.core.events import Asked, GuardEvent
from shipworthy.core.extras import require
from shipworthy.core.foreign import kind_of
from shipworthy.core.served import Ending, Served
from shipworthy.gateway.declared import UNPROVEN
from shipworthy.gateway.trace import TraceContext

if TYPE_CHECKING:
    from shipworthy.gateway.active import Active
    from shipworthy.gateway.candidates import Candidates
    from shipworthy.gateway.telemetry_spec import TelemetrySpec

QUEUE, BATCH, DELAY_MS = 4_096, 512, 1_000
"""Spans that wait, spans that are sent at once, and milliseconds after which fewer are sent."""
CLOSE_S = 5.0
"""Seconds that the last spans have when the gateway ends."""
MOST_FINDINGS = 64
"""Findings that a span tells of, each as an event; the attribute ``shipworthy.findings`` counts them all."""
DURATIONS_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
_FAULTS: frozenset[Ending] = frozenset({"upstream_error", "upstream_timeout", "filtered", "late", "failed", "stopped"})
_PROVIDERS = {
    "api.openai.com": "openai", "api.anthropic.com": "anthropic", "api.mistral.ai": "mistral_ai",
    "api.groq.com": "groq", "api.deepseek.com": "deepseek", "api.x.ai": "x_ai", "api.perplexity.ai": "perplexity",
}  # fmt: skip
_SENT = ("accept", "connection", "content-encoding", "content-length", "content-type", "host", "user-agent")


class Telemetry:
    """The exporter of one worker.

    Args:
        tell: is told when sending begins to fail, and when it works again.
        count: gets ``sent``, ``failed`` or ``dropped`` and a number of spans; from other threads too.

    Raises:
        MissingExtra: the SDK is not installed.
        CredentialError: a header's reference leads nowhere.
    """

    def __init__(self, spec: TelemetrySpec, tell: Callable[[str], None], count: Callable[[str, int], None]) -> None:
        self.spec, self._tell, self._count = spec, tell, count
        for module in ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"):
            require(module, extra="otel", package="opentelemetry-sdk")
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        # Its own log repeats what a collector answers; what an operator needs of it is told here.
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        logging.getLogger("opentelemetry").propagate = False
        headers = {name: resolve(reference).strip() for name, reference in spec.headers.items()}
        how = {"timeout": spec.timeout_s, "compression": Compression.Gzip, "certificate_file": spec.ca_file or None}
        where = spec.otlp.rstrip("/")
        self._resource = Resource.create(
            {
                "service.name": spec.service,
                "service.version": shipworthy.__version__,
                "service.instance.id": f"{os.getpid()}-{os.urandom(4).hex()}",
            }
        )
        self._scope = InstrumentationScope("shipworthy.gateway", shipworthy.__version__)
        self._waiting = self._gone = 0
        self._failing = False
        spans = OTLPSpanExporter(f"{where}/v1/traces", session=_session(headers), **how)
        self._spans = BatchSpanProcessor(
            _Counted(spans, self._ended),
            max_queue_size=QUEUE,
            schedule_delay_millis=DELAY_MS,
            max_export_batch_size=BATCH,
            export_timeout_millis=spec.timeout_s * 1_000,
        )
        metrics = OTLPMetricExporter(f"{where}/v1/metrics", session=_session(headers), **how)
        reader = PeriodicExportingMetricReader(metrics, spec.interval_s * 1_000, spec.timeout_s * 1_000)
        self._meters = MeterProvider([reader], resource=self._resource, shutdown_on_exit=False)
        meter = self._meters.get_meter(self._scope.name, self._scope.version)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=DURATIONS_S,
        )  # fmt: skip
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )  # fmt: skip
        for result in ("sent", "failed", "dropped"):
            count(result, 0)

    def served(self, served: Served, trace: TraceContext, active: Active, upstreams: Candidates | None) -> None:
        """Tell of one request. Whatever goes wrong is told to the operator, and is no matter of the request's.

        Args:
            served: as it was recorded: redacted.
        """
        try:
            self._served(served, trace, active, upstreams)
        except Exception as error:
            self._said(f"a request cannot be told of: {kind_of(error)}")

    def close(self) -> None:
        """Send what still waits, for `CLOSE_S` seconds at most."""

        def end() -> None:
            self._spans.shutdown()
            self._meters.shutdown(timeout_millis=CLOSE_S * 1_000)

        ending = threading.Thread(target=end, name="shipworthy-telemetry-end", daemon=True)
        ending.start()
        ending.join(CLOSE_S)
        # Whoever counts is gone, should the thread still run.
        self._count = lambda *_: None
        self._tell = lambda _: None

    # ---- in the SDK's threads ----

    def _ended(self, spans: int, good: bool) -> None:
        self._gone += spans
        self._count("sent" if good else "failed", spans)
        if good and self._failing:
            self._failing = False
            self._tell("telemetry is sent again")
        elif not good:
            self._said("telemetry cannot be sent to where the gateway's file says; requests go on")

    # ---- on the loop ----

    def _said(self, what: str) -> None:
        if not self._failing:
            self._failing = True
            self._tell(what)

    def _served(self, served: Served, trace: TraceContext, active: Active, upstreams: Candidates | None) -> None:
        about = _attributes(served)
        upstream = active.upstreams.get(served.upstream)
        call: dict[str, Any] | None = None
        if upstreams is not None and upstreams.seconds and upstream is not None:
            call = _call(served, active, upstream.spec.url, upstream.name)
            self._measure(served, active, call, upstreams.seconds)
        if not trace.sampled:
            return
        if self._waiting - self._gone > QUEUE - 2:
            self._count("dropped", 1 + (call is not None))
            return
        flags: dict[str, Any] = {"parent": trace.parent, "trace": trace.trace, "failed": served.ending in _FAULTS}
        start = int(served.timing.started * 1e9)
        end = start + int(served.timing.seconds * 1e9)
        findings = [event for event in served.events if isinstance(event, GuardEvent)]
        self._span(f"POST {served.route}", about, trace.request, (start, end), findings=findings, **flags)
        if call is not None and upstreams is not None:
            began = max(start, int(upstreams.began * 1e9))
            model = served.model if served.model in active.models else ""
            name = f"{call['gen_ai.operation.name']} {model}".strip()
            times = began, min(end, max(began, int(upstreams.ended * 1e9)))
            self._span(name, call, trace.call, times, **{**flags, "parent": trace.request, "client": True})

    def _span(
        self,
        name: str,
        attributes: Mapping[str, Any],
        span: int,
        times: tuple[int, int],
        *,
        trace: int,
        parent: int,
        failed: bool,
        client: bool = False,
        findings: Sequence[GuardEvent] = (),
    ) -> None:
        """Hand over one span: of the request, or of the call that the gateway made as the upstream's `client`."""
        from opentelemetry.sdk.trace import Event, ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

        flags = TraceFlags(TraceFlags.SAMPLED)
        made = ReadableSpan(
            name,
            SpanContext(trace, span, is_remote=False, trace_flags=flags),
            SpanContext(trace, parent, is_remote=not client, trace_flags=flags) if parent else None,
            self._resource,
            attributes,
            [Event("shipworthy.guard", _finding(event), times[1]) for event in findings[:MOST_FINDINGS]],
            kind=SpanKind.CLIENT if client else SpanKind.SERVER,
            status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
            start_time=times[0],
            end_time=times[1],
            instrumentation_scope=self._scope,
        )
        self._waiting += 1
        self._spans.on_end(made)

    def _measure(self, served: Served, active: Active, call: Mapping[str, Any], seconds: float) -> None:
        of = ("gen_ai.operation.name", "gen_ai.provider.name", "server.address", "server.port", "error.type")
        about = {name: call[name] for name in of if name in call}
        # A client's own word for a model would be a series of its own for each of them.
        about["gen_ai.request.model"] = served.model if served.model in active.models else "other"
        self._duration.record(seconds, about)
        about.pop("error.type", None)
        for kind in ("input", "output"):
            if tokens := call.get(f"gen_ai.usage.{kind}_tokens"):
                self._tokens.record(tokens, {**about, "gen_ai.token.type": kind})


class _Counted:
    """An exporter of spans that says what became of them."""

    def __init__(self, exporter: Any, ended: Callable[[int, bool], None]) -> None:
        self._exporter, self._ended = exporter, ended

    def export(self, spans: Any) -> Any:
        from opentelemetry.sdk.trace.export import SpanExportResult

        try:
            result = self._exporter.export(spans)
        except Exception:
            result = SpanExportResult.FAILURE
        self._ended(len(spans), result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return bool(self._exporter.force_flush(timeout_millis))


def _session(headers: Mapping[str, str]) -> Any:
    """Return what sends: with these headers and no others, to nobody else, whatever the environment says."""
    import requests

    class Session(requests.Session):
        def send(self, request: Any, **how: Any) -> Any:
            for name in [name for name in request.headers if name.lower() not in _SENT]:
                del request.headers[name]
            request.headers.update(headers)
            answer = super().send(request, **{**how, "allow_redirects": False})
            if answer.is_redirect:  # which the exporter would take for success
                raise requests.TooManyRedirects("redirects are not followed")
            return answer

    made = Session()
    made.trust_env = False  # no proxy, no password file
    return made


def _attributes(served: Served) -> dict[str, Any]:
    findings = sum(isinstance(event, GuardEvent) for event in served.events)
    found: dict[str, Any] = {
        "http.request.method": "POST",
        "http.route": served.route,
        "shipworthy.request": served.id,
        "shipworthy.ending": served.ending,
        "shipworthy.guards": served.guards,
        "shipworthy.levers": list(served.levers),
        "shipworthy.decision": served.decision or UNPROVEN,
        "shipworthy.prompt": served.prompt,
        "shipworthy.index": served.index,
        "shipworthy.streamed": served.streamed,
        "shipworthy.guard_seconds": served.timing.guard_seconds,
        "shipworthy.findings": findings,
    }
    for name, value in (("base", served.base), ("client", served.client), ("upstream", served.upstream)):
        if value:
            found[f"shipworthy.{name}"] = value
    if served.status:
        found["http.response.status_code"] = served.status
    if served.ending not in ("answered", "blocked"):
        found["error.type"] = served.ending
    return found


def _call(served: Served, active: Active, url: str, upstream: str) -> dict[str, Any]:
    asked = [event for event in served.events if isinstance(event, Asked)]
    parts = urlsplit(url)
    host = parts.hostname or ""
    found: dict[str, Any] = {
        "gen_ai.operation.name": "embeddings" if served.route.endswith("/embeddings") else "chat",
        "gen_ai.provider.name": _PROVIDERS.get(host, upstream),
        "gen_ai.request.model": served.model[:200],
        "server.address": host,
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
    }
    if served.streamed:
        found["gen_ai.request.stream"] = True
    if asked:
        usage = [event.usage for event in asked]
        tokens = {kind: sum(getattr(one, f"{kind}_tokens") for one in usage) for kind in ("input", "output")}
        found |= {f"gen_ai.usage.{kind}_tokens": number for kind, number in tokens.items() if number}
        if asked[-1].model:
            found["gen_ai.response.model"] = asked[-1].model[:200]
        finish = "content_filter" if served.ending == "blocked" else asked[-1].finish
        found["gen_ai.response.finish_reasons"] = [finish]
    if served.ending not in ("answered", "blocked"):
        found["error.type"] = served.ending
    return found


def _finding(event: GuardEvent) -> dict[str, Any]:
    """Return what may be told of a finding. Its reason may quote what was said, and stays here."""
    return {
        "shipworthy.rule": event.guard,
        "shipworthy.stage": event.stage,
        "shipworthy.action": event.action,
        "shipworthy.shadow": event.shadow,
    }
