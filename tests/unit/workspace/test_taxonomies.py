"""Taxonomies: what ships is ids and short titles, and a reference means one thing."""

from __future__ import annotations

import csv

import pytest

from shipworthy.workspace.taxonomies import FOLDER, ref_problem, resolve_ref, taxonomies


@pytest.mark.parametrize(
    ("ref", "title"),
    [
        ("owasp-llm:LLM01@2025", "Prompt Injection"),
        ("owasp-asi:ASI01@2026", "Agent Goal Hijack"),
        ("atlas:AML.T0051.001@5.6", "Indirect"),
        ("ailuminate:vcr@1.0", "Violent Crimes"),
        ("eu-ai-act:Art15@2024", "Accuracy, robustness and cybersecurity"),
        ("eu-ai-act:Art15(5)@2024", "Accuracy, robustness and cybersecurity"),
        ("nist-ai-600-1:confabulation@2024-07", "Confabulation"),
        ("nist-ai-rmf:MEASURE-2.7@1.0", ""),
        ("cosai-risk:riskDataPoisoning@18ab1ef", "Data Poisoning"),
    ],
)
def test_references(ref, title):
    assert resolve_ref(ref).title == title


@pytest.mark.parametrize(
    ("ref", "message", "hint"),
    [
        ("LLM01", "the reference 'LLM01' has no taxonomy", "write taxonomy:id@version, such as owasp-llm:LLM01@2025"),
        ("owasp-lm:LLM01@2025", "unknown taxonomy 'owasp-lm' in 'owasp-lm:LLM01@2025'", "did you mean 'owasp-llm'?"),
        ("owasp-llm:LLM11@2025", "OWASP Top 10 for LLM Applications has no 'LLM11'", "did you mean 'LLM10'?"),
        ("owasp-llm:LLM01", "the reference 'owasp-llm:LLM01' pins no version", "write owasp-llm:LLM01@2025"),
        ("atlas:AML.T0051@9", "MITRE ATLAS is not known at version '9'", "write atlas:AML.T0051@5.6"),
        (
            "atlas:AML.T0051@4.9.1",
            "stale reference 'atlas:AML.T0051@4.9.1': MITRE ATLAS is at 5.6, and catalogues renumber",
            "there AML.T0051 is 'LLM Prompt Injection'; if that is what is meant, write atlas:AML.T0051@5.6",
        ),
        ("aiuc1:A001@2026", "unknown taxonomy 'aiuc1' in 'aiuc1:A001@2026'", None),
        ("", "the reference '' has no taxonomy", None),
        (":@", "unknown taxonomy '' in ':@'", None),
    ],
)
def test_wrong_references_say_what_to_write(ref, message, hint):
    found = ref_problem(ref)
    assert found is not None
    assert found[0] == message
    assert hint is None or found[1] == hint


def test_only_ids_and_short_titles_ship():
    notice = (FOLDER / "NOTICE").read_text()
    for key in taxonomies():
        assert f"{key}.csv" in notice, "every source is credited"
        with (FOLDER / f"{key}.csv").open(encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert rows[0] == ["id", "title"]
        assert all(len(row) == 2 and row[0] and len(row[1]) < 260 for row in rows[1:]), "titles, not texts"
        assert len({row[0] for row in rows}) == len(rows)
    assert "aiuc1" not in taxonomies()


def test_the_facts_match_their_source(shared):
    def source(name, column):
        with (shared / "taxonomies" / f"{name}.csv").open(encoding="utf-8") as file:
            return {row[column] for row in csv.DictReader(file)}

    known = taxonomies()
    assert source("atlas_techniques", "id") <= set(known["atlas"].entries)
    assert source("atlas_mitigations", "id") <= set(known["atlas"].entries)
    assert {i.split(":")[0] for i in source("owasp_llm_top10_2025", "id")} == set(known["owasp-llm"].entries)
    assert source("mlcommons_ailuminate_hazards", "code") == set(known["ailuminate"].entries)
    assert len(known["eu-ai-act"].entries) == 126
