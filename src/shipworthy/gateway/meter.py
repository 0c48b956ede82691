"""Counts what one worker does; a scrape of any worker reads what all of them did."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from pathlib import Path

import shipworthy
from shipworthy.core.digests import digest
from shipworthy.core.events import Asked, GuardEvent
from shipworthy.core.served import Served
from shipworthy.gateway import counts
from shipworthy.gateway.active import Active
from shipworthy.gateway.breaker import STATES
from shipworthy.gateway.config import STOP
from shipworthy.gateway.declared import UNPROVEN
from shipworthy.gateway.exposition import GAUGES, SUM, bucket, text, total

FOLDER = "counts"
"""In the gateway's own folder."""


class Meter:
    """One worker's.

    Args:
        state: the gateway's folder.
        run: the same in all workers of one gateway; a new one if left out.

    Raises:
        StoreError: nothing can be kept there.
    """

    def __init__(self, state: Path, run: str = "") -> None:
        self._folder, self._run = state / FOLDER, run or new_run()
        self._counts = counts.CountFile(self._folder, self._run)
        self._counts.clear(GAUGES)

    def served(self, served: Served, upstream_s: float | None, *, models: Collection[str], stepped_in: bool) -> None:
        """Count a request in that was recorded.

        Args:
            upstream_s: seconds that it waited for upstreams; None where that is not known.
            models: that the gateway's file names in full: the only ones that are named.
            stepped_in: whether another upstream was asked than the first that fits.
        """
        add, timing, upstream = self._counts.add, served.timing, served.upstream
        add(("requests_total", served.route, served.ending, upstream))
        add(("records_total", "written"))
        for what, said in (("prompt", served.prompt), ("index", served.index)):
            if said:
                add(("declared_total", what, UNPROVEN if said == UNPROVEN else "declared"))
        if stepped_in:
            add(("failovers_total", upstream))
        for event in served.events:
            if isinstance(event, GuardEvent):
                shadow = "true" if event.shadow else "false"
                add(("findings_total", event.guard, event.stage, event.action, shadow))
            elif isinstance(event, Asked):
                model = served.model if served.model in models else "other"
                add(("tokens_total", upstream, model, "input"), event.usage.input_tokens)
                add(("tokens_total", upstream, model, "output"), event.usage.output_tokens)
        self._took("request_seconds", served.route, timing.seconds)
        self._took("guard_seconds", served.route, timing.guard_seconds)
        if upstream_s is not None:
            self._took("added_seconds", served.route, max(0.0, timing.seconds - upstream_s))
            if upstream:
                self._took("upstream_seconds", upstream, upstream_s)

    def not_recorded(self) -> None:
        """Count a record that could not be made durable."""
        self._counts.add(("records_total", "failed"))

    def refused(self, status: int) -> None:
        """Count a request that was refused before it was anybody's."""
        self._counts.add(("unrecorded_total", str(status)))

    def exported(self, result: str, spans: int) -> None:
        """Count spans of telemetry: ``sent``, ``failed`` or ``dropped``."""
        self._counts.add(("telemetry_spans_total", result), spans)

    def now(self, active: Active, flying: int) -> None:
        """Write down what is so at this moment in this worker."""
        self._counts.clear(frozenset({"breakers"}))
        for name, upstream in active.upstreams.items():
            for state in STATES:
                self._counts.set(("breakers", name, state), float(upstream.breaker.state == state))
        self._counts.set(("in_flight",), flying)
        self._counts.set(("workers",), 1.0)
        self._counts.set(("series_dropped",), self._counts.dropped)

    def page(self, active: Active, flying: int) -> str:
        """Return the text of a scrape, over all workers."""
        self.now(active, flying)
        values = total(counts.read(self._folder, self._run))
        pulled = {one.lever: one for one in active.pulled}
        for lever in {STOP, *active.config.spec.levers, *pulled}:
            one = pulled.get(lever)
            values["lever_pulled", lever] = float(one is not None)
            if one is not None:
                values["lever_share", lever, one.ring] = one.share
        written = digest(active.config.spec.model_dump(mode="json", by_alias=True))
        decision = active.config.spec.decision or UNPROVEN
        values["info", shipworthy.__version__, active.digest, active.base, written, decision] = 1.0
        return text(values)

    def close(self) -> None:
        """Let go of the file."""
        self._counts.close()

    def _took(self, family: str, label: str, seconds: float) -> None:
        self._counts.add((family, label, bucket(seconds)))
        self._counts.add((family, label, SUM), seconds)


def new_run() -> str:
    """Return a name for one start of a gateway."""
    return secrets.token_hex(8)
