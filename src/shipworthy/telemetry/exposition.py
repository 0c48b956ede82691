"""What `shipworthy serve` counts, as a page for Prometheus: spans, sessions and hits, streams, alarms, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shipworthy
from shipworthy.core.errors import UsageError
from shipworthy.gateway.exposition import Family
from shipworthy.store.alarms import HeldAlarm
from shipworthy.telemetry.alarm_keeper import AlarmKeeper
from shipworthy.telemetry.config import ServeConfig
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.outbox import OutputState

PREFIX = "shipworthy_"
MOST_FEATURES = 100
"""Features with labels of their own; sessions of further ones are counted together, as ``(others)``."""
OTHERS = "(others)"

TELEMETRY_FAMILIES: dict[str, Family] = {
    "telemetry_spans_total": Family("counter", ("result",), "Spans since the server began: taken, again, rejected."),
    "sessions_total": Family("counter", ("feature",), "Sessions in the store, each day's apart."),
    "hits_total": Family(
        "counter", ("feature", "metric", "severity"), "Sessions with a violation, personal data or a refusal."
    ),
    "stream_evidence": Family("gauge", ("stream",), "What the e-detector of a stream has won."),
    "stream_height": Family("gauge", ("stream",), "Where it alarms."),
    "stream_baseline_per_10k": Family("gauge", ("stream", "feature", "metric"), "Rate of the baseline."),
    "stream_normal_per_10k": Family("gauge", ("stream", "feature", "metric"), "Highest rate taken for normal."),
    "stream_learning_days": Family("gauge", ("stream",), "Days that a baseline still lacks."),
    "alarms_open": Family("gauge", ("kind", "stream", "severity", "pages"), "Alarms that nobody has closed."),
    "alarms_looked_timestamp_seconds": Family("gauge", (), "When alarms were last looked for; 0 before that."),
    "alarms_failing": Family("gauge", (), "Whether the last look failed."),
    "output_sent_total": Family("counter", ("output",), "Alarms that an output was told of since the server began."),
    "output_waiting": Family("gauge", ("output",), "Alarms that an output is still to be told of."),
    "output_failing": Family("gauge", ("output",), "Whether an output's last try failed."),
    "telemetry_info": Family("gauge", ("version",), "What serves; the value is 1."),
}

Values = dict[tuple[str, ...], float]


def store_values(config: ServeConfig) -> Values:
    """Return what the store holds. Not on an event loop: it reads the metadata of every segment."""
    values: Values = {}
    sessions: dict[str, int] = {}
    try:
        with FactView(config.state, threads=1) as view:
            counts = view.counts()
    except UsageError:
        return values
    for one in counts:
        sessions[one.feature] = sessions.get(one.feature, 0) + one.session
    named = set(sorted(sessions, key=lambda feature: (-sessions[feature], feature))[:MOST_FEATURES])
    for one in counts:
        feature = one.feature if one.feature in named else OTHERS
        _add(values, ("sessions_total", feature), one.session)
        for metric in ("violation", "pii", "refusal"):
            severity = f"S{one.severity}" if one.severity and metric == "violation" else ""
            _add(values, ("hits_total", feature, metric, severity), getattr(one, metric))
    return values


def watch_values(config: ServeConfig, keeper: AlarmKeeper | None, outputs: Mapping[str, OutputState]) -> Values:
    """Return how streams, alarms and outputs stand."""
    values: Values = {("telemetry_info", shipworthy.__version__): 1.0}
    if keeper is None:
        return values
    values["alarms_looked_timestamp_seconds",] = keeper.looked
    values["alarms_failing",] = float(bool(keeper.failed))
    metrics = {spec.id: spec.metric for spec in config.alarms.streams}
    for state in keeper.last.streams if keeper.last is not None else ():
        name, _, feature = state.stream.partition("/")
        feature = feature or next((s.feature for s in config.alarms.streams if s.id == name), "")
        values["stream_evidence", state.stream] = min(state.value, 1e15)
        values["stream_height", state.stream] = state.height
        about = (state.stream, feature, metrics.get(name, ""))
        if state.normal_per is not None and state.baseline_per is not None:
            values["stream_baseline_per_10k", *about] = state.baseline_per
            values["stream_normal_per_10k", *about] = state.normal_per
        else:
            values["stream_learning_days", state.stream] = float(state.needed - state.learnt)
    for held in keeper.entries.alarms:
        if held.open:
            _add(values, _open_key(held), 1)
    for output, told in outputs.items():
        values["output_sent_total", output] = float(told.sent)
        values["output_waiting", output] = float(told.waiting)
        values["output_failing", output] = float(bool(told.failed))
    return values


def _open_key(held: HeldAlarm) -> tuple[str, ...]:
    alarm = held.alarm
    severity = f"S{alarm.severity}" if alarm.severity else ""
    return ("alarms_open", alarm.kind, alarm.stream, severity, "yes" if alarm.pages else "no")


def _add(values: Values, key: tuple[str, ...], number: Any) -> None:
    values[key] = values.get(key, 0.0) + float(number)
