"""What tests of telemetry share."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from shipworthy.core.events import Asked, Said, Usage
from shipworthy.core.messages import say
from shipworthy.core.observed import Observed
from shipworthy.detect.redact import seal_observed
from shipworthy.telemetry.store import TelemetryStore
from shipworthy.telemetry.whose import Whose

MASTER = bytes(range(32))
NEEDS = "zstandard or opentelemetry-proto is not installed: make setup installs them"
NOW = int(time.time() * 1e6)


@pytest.fixture(autouse=True)
def _needs() -> None:
    for module in ("duckdb", "zstandard", "opentelemetry.proto"):
        pytest.importorskip(module, reason=NEEDS)


def span(number: int, said: str = "Hello.", answer: str = "Good day.", **fields) -> Observed:
    events = (
        Said(1, say("user", said)),
        Asked(1, "target", usage=Usage(3, 4)),
        Said(1, say("assistant", answer), by="target"),
    )
    made = {"kind": "chat", "feature": "help", "started": NOW, "ended": NOW + 1_000, "events": events} | fields
    return Observed(trace=f"{number:032x}", span=f"{number:016x}", dialect="genai", **made)


def keep(directory: Path, *spans: tuple[Observed, Whose], received: int = NOW, **how) -> int:
    """Append spans to a store, one request, and close it: all are in segments then."""
    with TelemetryStore(directory, MASTER, **how) as store:
        return append(store, *spans, received=received)


def append(store: TelemetryStore, *spans: tuple[Observed, Whose], received: int = NOW) -> int:
    sealed = seal_observed([one for one, _ in spans])
    return asyncio.run(store.append(list(zip(sealed, [whose for _, whose in spans], strict=True)), received))
