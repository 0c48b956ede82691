"""Every kind: its whole corpus, and a few inputs made of it. `tests/fuzz/run.py` goes on for as long as it may."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import kind as kinds
from mutator import Mutator
from run import fuzz

SLOW = {"http", "pack_signed", "workspace", "audit_chain", "certificate"}
"""Kinds of which an input costs milliseconds; fewer of them are tried here."""


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What each kind needs, made when it is first asked for; the environment as it was afterwards."""
    made: dict[str, Any] = {}

    def of(name: str) -> tuple[Any, Any, list[bytes]]:
        if name not in made:
            read = kinds.reader(name)
            given = read.prepare(tmp_path_factory.mktemp(name))
            made[name] = read, given, [*kinds.corpus(name), *(read.seeds(given) if hasattr(read, "seeds") else ())]
        return made[name]

    with pytest.MonkeyPatch.context() as patch:
        for variable in ("SHIPWORTHY_KEYS_DIR", "SHIPWORTHY_GRANTS", "SHIPWORTHY_CACHE_DIR", "RUNNER_SECRET", "OPENAI_API_KEY", "NO_PROXY", "COLUMNS", "TERM", "CI", "GITHUB_ACTIONS"):  # fmt: skip  # noqa: E501
            patch.setenv(variable, "")  # whatever a laboratory sets is put back
            patch.delenv(variable)
        yield of


@pytest.mark.parametrize("name", kinds.names())
def test_the_corpus_is_read_or_refused(name: str, ready: Any) -> None:
    read, made, inputs = ready(name)
    came = [read.feed(data, made) for data in inputs]
    assert set(came) <= {"accepted", "refused"}
    assert "refused" in came, "a corpus without anything wrong in it tries nothing"


@pytest.mark.parametrize("name", kinds.names())
def test_what_is_made_of_it_is_read_or_refused(name: str, ready: Any) -> None:
    read, made, inputs = ready(name)

    @settings(max_examples=6 if name in SLOW else 30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def tried(random: Any) -> None:
        assert read.feed(Mutator(random, inputs).bytes(), made) in ("accepted", "refused")

    tried()


def test_a_seed_makes_the_same_inputs_again() -> None:
    def made(seed: int) -> list[bytes]:
        inputs = kinds.corpus("wire")
        return [Mutator(kinds.example("wire", seed, number), inputs).bytes() for number in range(50)]

    assert made(1) == made(1)
    assert made(1) != made(2)
    assert len(set(made(1))) > 40


def test_a_fault_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner itself: a reader that breaks is a fault with the number by which it is seen again."""
    from shipworthy.core import condition

    read = kinds.reader("condition")

    def broken(text: str) -> Any:
        if "%" in text:
            raise ZeroDivisionError("by a per cent sign")
        return condition.parse(text)

    monkeypatch.setattr(read, "parse", broken)
    monkeypatch.setattr("run.reader", lambda name: read)
    found = fuzz("condition", seconds=20, seed=1, most=50)
    assert found.counts["fault"] and found.counts["tried"] >= 50
    (fault,) = (f for f in found.faults if "ZeroDivisionError" in f.error)
    again = fuzz("condition", seconds=20, seed=1, only=fault.number)
    assert [f.data for f in again.faults] == [fault.data]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
@example(b"")
def test_noise_is_borne_by_every_quick_reader(data: bytes) -> None:
    for name in ("condition", "wire", "stream", "target_settings"):
        assert kinds.reader(name).feed(data, None) in ("accepted", "refused")
