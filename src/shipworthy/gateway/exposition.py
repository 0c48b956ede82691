"""What the gateway counts, and its text for Prometheus (exposition format 0.0.4).

No label holds what a client chose: routes, endings, rules and stages are words of ours, upstreams, models and levers
those of the gateway's file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from shipworthy.gateway.counts import Key, WorkerCounts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "shipworthy_gateway_"
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the buckets of seconds."""


class Family(NamedTuple):
    """One metric: what it is, the names of its labels, and whether each worker's number dies with it."""

    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


FAMILIES: dict[str, Family] = {
    "requests_total": Family("counter", ("route", "ending", "upstream"), "Recorded requests, by how they ended."),
    "unrecorded_total": Family("counter", ("status",), "Requests refused before they were anybody's."),
    "declared_total": Family("counter", ("what", "state"), "Requests by whether prompt and index were declared."),
    "findings_total": Family("counter", ("rule", "stage", "action", "shadow"), "Findings of guards."),
    "tokens_total": Family("counter", ("upstream", "model", "direction"), "Tokens, as upstreams report them."),
    "failovers_total": Family(
        "counter", ("upstream",), "Requests that this upstream was asked for in place of another."
    ),
    "records_total": Family("counter", ("result",), "Records made durable before the answer ended, or not."),
    "telemetry_spans_total": Family("counter", ("result",), "Spans of telemetry, by what became of them."),
    "request_seconds": Family("histogram", ("route",), "From a request's head to its record."),
    "added_seconds": Family("histogram", ("route",), "The part of a request that was no waiting for an upstream."),
    "guard_seconds": Family("histogram", ("route",), "The part of a request that guards took."),
    "upstream_seconds": Family("histogram", ("upstream",), "Waiting for upstreams, by the one that was asked last."),
    "in_flight": Family("gauge", (), "Requests being served."),
    "workers": Family("gauge", (), "Workers that live."),
    "breakers": Family("gauge", ("upstream", "state"), "Workers whose breaker for this upstream is in this state."),
    "lever_pulled": Family("gauge", ("lever",), "Whether a lever is pulled, for whomever."),
    "lever_share": Family("gauge", ("lever", "ring"), "Share of the traffic that a lever is pulled for."),
    "info": Family("gauge", ("version", "guards", "base", "config", "decision"), "What is in force; the value is 1."),
    "series_dropped": Family("gauge", (), "Numbers that there was no room to keep."),
}
"""Metric -> what it is, each under `PREFIX`. Gauges are numbers of workers that live; everything else counts up."""

GAUGES = frozenset(name for name, family in FAMILIES.items() if family.kind == "gauge")


def bucket(seconds: float) -> str:
    """Return the bound of the bucket that some seconds belong to, as a label's value."""
    for bound, written in _BOUNDS:
        if seconds <= bound:
            return written
    return "+Inf"


_BOUNDS = tuple((bound, repr(bound)) for bound in BOUNDS_S)
_ORDER = [*(written for _, written in _BOUNDS), "+Inf"]
SUM = "sum"
"""In place of a bound: the sum of the seconds."""


def total(workers: Iterable[WorkerCounts]) -> dict[Key, float]:
    """Return the sum over workers: of the dead ones, without what they were doing when they died."""
    found: dict[Key, float] = defaultdict(float)
    for worker in workers:
        for key, value in worker.values.items():
            if worker.alive or key[0] not in GAUGES:
                found[key] += value
    return dict(found)


def text(values: Mapping[Key, float], families: Mapping[str, Family] = FAMILIES, prefix: str = PREFIX) -> str:
    """Return the page of a scrape: of the gateway's families, if no others are given. Those without a number are left
    out.
    """
    by_family: dict[str, list[Key]] = defaultdict(list)
    for key in sorted(values):
        by_family[key[0]].append(key)
    lines: list[str] = []
    for name, family in families.items():
        if not (keys := by_family.get(name)):
            continue
        whole = prefix + name
        lines += [f"# HELP {whole} {family.help}", f"# TYPE {whole} {family.kind}"]
        if family.kind == "histogram":
            lines += _histogram(whole, family, keys, values)
        else:
            lines += [f"{whole}{_labels(family.labels, key[1:])} {_number(values[key])}" for key in keys]
    return "\n".join(lines) + "\n"


def _histogram(name: str, family: Family, keys: list[Key], values: Mapping[Key, float]) -> Iterator[str]:
    for labels in dict.fromkeys(key[1:-1] for key in keys):
        count = 0.0
        for bound in _ORDER:
            count += values.get((keys[0][0], *labels, bound), 0.0)
            yield f"{name}_bucket{_labels((*family.labels, 'le'), (*labels, bound))} {_number(count)}"
        yield f"{name}_sum{_labels(family.labels, labels)} {_number(values.get((keys[0][0], *labels, SUM), 0.0))}"
        yield f"{name}_count{_labels(family.labels, labels)} {_number(count)}"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
