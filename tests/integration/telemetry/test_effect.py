"""The effect of an intervention, from telemetry on a disk: with a control, without one, and where days are missing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest

if any(find_spec(name) is None for name in ("duckdb", "zstandard")):
    pytest.skip("the extra serve is not installed: make setup installs it", allow_module_level=True)

from tests.unit.telemetry.conftest import keep, span

from shipworthy.cli import run
from shipworthy.core.errors import UsageError
from shipworthy.evidence.kpis.effect import effect
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.whose import Whose

ON = (datetime.now(UTC) - timedelta(days=10)).date()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty days of two features; from the tenth on the violations of one are fewer."""
    spans, number = [], 0
    for day in range(-10, 10):
        at = datetime.combine(ON + timedelta(days=day), datetime.min.time(), UTC) + timedelta(hours=12)
        for feature, hits in (("chat", 12 if day < 0 else 4), ("search", 12)):
            for session in range(40):
                number += 1
                started = int(at.timestamp() * 1e6) + number
                hit = session < hits + day % 2
                spans.append((
                    span(number, feature=feature, hits=("violation",) if hit else (), started=started, ended=started),
                    Whose(f"u{number}", f"s{number}"),
                ))  # fmt: skip
    folder = tmp_path_factory.mktemp("effect")
    keep(folder, *spans)
    return folder


@pytest.mark.parametrize("control", ["", "search"])
def test_fewer_violations_are_an_effect(store, control):
    with FactView(store) as view:
        found = effect(view, ON, feature="chat", control=control)
    assert found.effect.change == pytest.approx(-2_000, abs=150)
    assert found.effect.high < 0
    assert (found.effect.before, found.effect.after, found.left_out) == (10, 10, 0)
    assert ("control" in found.assumes) == bool(control)


def test_too_few_days_are_refused(store):
    with FactView(store) as view, pytest.raises(UsageError, match="at least 8 of each are needed"):
        effect(view, ON - timedelta(days=6), feature="chat")
    with FactView(store) as view, pytest.raises(UsageError, match="name it with --feature"):
        effect(view, ON, control="search")


def test_the_verb_prints_what_must_be_so(store, capsys):
    words = ["kpi", "effect", "--on", str(ON), "--feature", "chat", "--telemetry", str(store)]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "95 % interval" in out and "It is its doing if" in out
    assert run([*words, "--control", "search", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["change"] < 0 and date.fromisoformat(said["days"][0]) < ON
