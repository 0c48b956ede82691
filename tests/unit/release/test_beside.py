"""Catalogues, days of law and files of the target: evidence lapses with them, and nobody has to say so."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from shipworthy.release.current import Now
from shipworthy.workspace import taxonomies
from shipworthy.workspace.beside import beside
from shipworthy.workspace.law import LawDate

READS = """\
from shipworthy.core.registry import target


@target
def gate_reads(*, documents="", pins="", model="", root=None):
    raise AssertionError("nobody builds it here")
"""
DAY = LawDate("the-day", "2026-02-02", "It must help.", "eu-ai-act:Art50@2024", "the journal", "official text")


@pytest.fixture
def gated(gated, monkeypatch):  # type: ignore[no-untyped-def]
    """With a law that one requirement refers to, a threat of a catalogue behind the other, and a target that reads."""
    gated.edit(
        "requirements.yaml", "    text: It helps.\n", "    text: It helps.\n    refs: [eu-ai-act:Art50(2)@2024]\n"
    )
    gated.edit("requirements.yaml", "    text: It keeps", "    refs: [owasp-llm:LLM02@2025]\n    text: It keeps")
    (gated.root / "plugins" / "gate_reads.py").write_text(READS)
    (gated.root / "shelf" / "deep").mkdir(parents=True)
    (gated.root / "shelf" / "deep" / "a.md").write_text("one")
    (gated.root / "pins.json").write_text("{}")
    (gated.root / "targets.yaml").write_text(
        "targets: {default: {use: gate_reads, documents: shelf, pins: pins.json, model: none}}\n"
    )
    monkeypatch.setattr("shipworthy.workspace.beside.dates", lambda: (DAY,))
    return gated


def measured(gated, **more: str):  # type: ignore[no-untyped-def]
    """Return the manifest of a run, made on 1 February."""
    stood = beside(gated.workspace, gated.workspace.target)
    return replace(gated.run().manifest, beside=stood, created="2026-02-01T10:00:00Z", **more)


def lapses(gated, manifest, day: str = "2026-02-01"):  # type: ignore[no-untyped-def]
    now = Now(gated.workspace, today=date.fromisoformat(day))
    return {one.kind: (one.told, one.criteria and set(one.criteria)) for one in now.lapses(manifest)}


def test_what_a_run_stands_on_is_what_its_files_refer_to_and_its_target_reads(gated):
    stood = beside(gated.workspace, gated.workspace.target)
    assert set(stood) == {
        "data pins.json", "index shelf", "law the-day",
        "taxonomy eu-ai-act:Art50(2)", "taxonomy owasp-llm:LLM02",
    }  # fmt: skip
    assert stood["law the-day"] == "2026-02-02 eu-ai-act:Art50@2024: It must help."
    assert lapses(gated, measured(gated)) == {}


def test_a_day_of_law_takes_what_refers_to_the_article_when_it_comes(gated):
    manifest = measured(gated)
    (told, criteria) = lapses(gated, manifest, "2026-02-02")["law"]
    assert criteria == {"CR-help", "CR-drop"}
    assert told == "the law the-day has applied since 2026-02-02, and the run is from 2026-02-01: It must help."
    assert lapses(gated, replace(manifest, created="2026-02-02T00:00:00Z"), "2026-03-01") == {}
    # Runs by earlier versions kept nothing, and the day comes for them too.
    assert set(lapses(gated, replace(manifest, beside={}), "2026-02-02")) == {"law"}
    assert Now(gated.workspace, today=date(2026, 2, 2)).lapsed(manifest) == told


def test_a_day_of_law_that_is_moved_takes_it_before_it_comes(gated, monkeypatch):
    manifest = measured(gated)
    monkeypatch.setattr("shipworthy.workspace.beside.dates", lambda: (DAY._replace(date="2027-12-02"),))
    (told, criteria) = lapses(gated, manifest)["law"]
    assert criteria == {"CR-help", "CR-drop"}
    assert "2026-02-02 eu-ai-act:Art50" in told
    assert "-> 2027-12-02 eu-ai-act:Art50" in told


def test_an_entry_of_a_catalogue_that_means_something_else_takes_what_refers_to_it(gated, monkeypatch):
    manifest = measured(gated)
    known = dict(taxonomies.taxonomies())
    owasp = known["owasp-llm"]
    entries = {**owasp.entries, "LLM02": taxonomies.TaxonomyEntry("LLM02", "Something Else")}
    known["owasp-llm"] = owasp._replace(entries=entries)
    monkeypatch.setattr("shipworthy.workspace.beside.taxonomies", lambda: known)
    (told, criteria) = lapses(gated, manifest)["taxonomy"]
    assert criteria == {"CR-leak"}
    assert told.startswith("the entry owasp-llm:LLM02 changed (2025, ")
    assert told.endswith("-> 2025, Something Else)")
    # Another entry of the same catalogue is nothing to this workspace.
    known["owasp-llm"] = owasp._replace(
        entries={**owasp.entries, "LLM09": taxonomies.TaxonomyEntry("LLM09", "Something Else")}
    )
    assert lapses(gated, manifest) == {}


@pytest.mark.parametrize(
    ("path", "kind", "named"), [("shelf/deep/a.md", "index", "the folder shelf"), ("pins.json", "data", "pins.json")]
)
def test_a_file_that_the_target_reads_takes_all(gated, path, kind, named):  # type: ignore[no-untyped-def]
    manifest = measured(gated)
    (gated.root / path).write_text("another one")
    ((told, criteria),) = lapses(gated, manifest).values()
    assert lapses(gated, manifest).keys() == {kind}
    assert criteria is None
    assert named in told
    assert Now(gated.workspace, today=date(2026, 2, 1)).lapsed(manifest).endswith("that the target reads changed since")
    (gated.root / path).unlink()
    assert lapses(gated, manifest).keys() == {kind}


def test_a_reference_that_the_files_no_longer_have_is_a_change_of_the_files(gated):
    manifest = measured(gated)
    gated.edit("requirements.yaml", "    refs: [owasp-llm:LLM02@2025]\n", "")
    assert "taxonomy" not in lapses(gated, manifest)
