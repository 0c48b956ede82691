"""Facts that are made up, day by day, without a server."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shipworthy.telemetry.config import ServeConfig, ServeFile
from shipworthy.telemetry.fact import TelemetryFact
from shipworthy.telemetry.segment import CONTENT, FACTS, JOURNAL, write_facts

FIRST = datetime(2026, 10, 1, tzinfo=UTC)


def folders(store: Path) -> None:
    for name in (FACTS, CONTENT, JOURNAL):
        (store / name).mkdir(parents=True, exist_ok=True)


def facts_of(day: int, sessions: int, hits: int, *, first: int = 0, **fields) -> list[TelemetryFact]:
    """Return a fact for each session of a day, the first ones with a violation of severity 3."""
    begin = FIRST + timedelta(days=day)
    found = []
    for place in range(sessions):
        number = day * 1_000_000 + first + place + 1
        at = int((begin + timedelta(seconds=60 + place)).timestamp() * 1e6)
        made = {
            "time": at, "received": at, "trace": f"{number:032x}", "span": f"{number:016x}", "feature": "help",
            "kind": "chat", "session": number, "new_session": True, "violation": place < hits,
            "new_violation": place < hits, "severity": 3 if place < hits else 0,
        }  # fmt: skip
        found.append(TelemetryFact(**(made | fields)))
    return found


def segment(store: Path, name: str, facts: Iterable[TelemetryFact]) -> None:
    folders(store)
    write_facts(store, name, list(facts))


def config(folder: Path, **alarms) -> ServeConfig:
    """Return the configuration of a store in `folder`/store, with the control state beside it."""
    said = {
        "state": "store",
        "key_file": "telemetry.key",
        "alarms": {"system": "SYS-x", "evidence": {"watch": False}} | alarms,
    }
    return ServeConfig(folder / "serve.yaml", ServeFile.model_validate(said))


def at(day: int, hour: int = 12) -> datetime:
    """Return a moment of a day."""
    return FIRST + timedelta(days=day, hours=hour)
