"""The twenty sections: each says what is known with its source, why it does not apply, or that it is open."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.evidence.dossier.fact import DossierPart, Fact, FactTable, Group, Item, MissingFact, WrittenWords
from shipworthy.evidence.dossier.frameworks import DISCLAIMER, annex_iv, answers, standards
from shipworthy.evidence.dossier.gather import SOURCE, gather
from shipworthy.evidence.dossier.paper import VIEWS, contents, paper_named, papers
from shipworthy.evidence.dossier.render import page_html, page_markdown, tree
from shipworthy.evidence.dossier.section import parts, sections
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.pack import collect
from shipworthy.workspace.law import dates
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.taxonomies import ref_problem


@pytest.fixture(scope="module")
def decided(case: Any) -> DossierSource:
    return DossierSource(collect(case.workspace, case.decision).files)


@pytest.fixture(scope="module")
def helpdesk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("helpdesk") / "w"
    scaffold(root, "helpdesk-rag")
    return root


def source_of(root: Path, **files: str) -> DossierSource:
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text)
    return DossierSource({SOURCE: gather(Workspace.load(root), (), {})})


def facts(part: DossierPart) -> list[Item]:
    inner = [one for item in part.items for one in (item.items if isinstance(item, Group) else (item,))]
    return [*inner, *([part.absent] if part.absent else [])]


def test_every_fact_names_where_it_comes_from(decided: DossierSource, helpdesk: Path) -> None:
    for source in (decided, source_of(helpdesk)):
        made = parts(source)
        assert [part.number for part in made] == list(range(20))
        for part in made:
            assert part.items or part.absent, part.title
            for one in facts(part):
                for told in one.rows if isinstance(one, FactTable) else (one,):
                    assert told.sources, told
                    assert all(id in source.known or ref_problem(id) is None for id in told.sources), told


def test_a_fact_from_nowhere_cannot_be_made(decided: DossierSource) -> None:
    for sources in ((), ("RK-nobody",), ("owasp-llm:LLM99@2025",)):
        for make in (decided.fact, decided.gap, decided.words):
            with pytest.raises(ValueError, match="comes from"):
                make("It is safe.", *sources)
        with pytest.raises(ValueError, match="comes from"):
            decided.row(("It is safe.",), *sources)


def test_numbers_are_those_of_the_decision(decided: DossierSource, case: Any) -> None:
    text = page_markdown(tree("D", "", parts(decided), "no-ship"), parts(decided), {}, "x")
    for one in case.decision.criteria:
        assert f"{one.trials:,}" in text
    for seal in decided.seals.values():
        assert seal["original"]["merkle"].replace(":", "&#58;") in text


def test_what_is_missing_is_named(helpdesk: Path) -> None:
    made = parts(source_of(helpdesk))
    found = {part.number: [one.text for one in facts(part) if isinstance(one, MissingFact)] for part in made}
    assert "No decision was made yet: `shipworthy gate` makes one." in found[0]
    assert any("nothing tells whether what was measured still holds" in text for text in found[14])
    assert any("how the system is stopped is not said" in text for text in found[15])
    assert any("LLM08" in text for text in found[17])


def test_a_section_of_which_nothing_is_known_is_open(tmp_path: Path) -> None:
    scaffold(tmp_path / "w", "minimal")
    (open_,) = parts(source_of(tmp_path / "w"))[11].items
    assert isinstance(open_, MissingFact)
    assert "nobody said why it does not apply" in open_.text
    said = "dossier:\n  - {id: SEC-11, not_applicable: it takes no action that a person could stop, by: ada}\n"
    part = parts(source_of(tmp_path / "w", dossier=said))[11]
    assert part.items == ()
    assert part.absent == Fact("it takes no action that a person could stop", ("SEC-11",), False)


def test_a_section_does_not_apply_by_what_is_known_or_by_what_its_owner_says(helpdesk: Path, tmp_path: Path) -> None:
    shutil.copytree(helpdesk, root := tmp_path / "w")
    made = {part.number: part for part in parts(source_of(root))}
    assert "no risk was taken by anybody" in made[16].absent.text  # type: ignore[union-attr]
    said = "dossier:\n  - {id: SEC-12, not_applicable: it was measured without guards alone, by: ada, public: true}\n"
    made = {part.number: part for part in parts(source_of(root, dossier=said))}
    assert made[12].absent is None  # there are gaps, which stay: a reader sees both
    assert made[12].items[0] == Fact(
        "Said not to apply, because it was measured without guards alone", ("SEC-12",), True
    )
    (root / "risks.yaml").write_text("risks: []\n")
    said = "dossier:\n  - {id: SEC-07, text: We chose rates of harm., by: ada}\n"
    for name in ("requirements", "threats", "controls", "guards", "levers"):
        (root / f"{name}.yaml").unlink(missing_ok=True)
    made = {part.number: part for part in parts(source_of(root, dossier=said))}
    assert WrittenWords("We chose rates of harm.", ("SEC-07",), "ada", False) in made[7].items


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{id: SEC-12, not_applicable: '', by: ada}", "must not be empty"),
        ("{id: SEC-12, not_applicable: '  ', by: ada}", "must not be empty"),
        ("{id: SEC-12, by: ada}", "says nothing"),
        ("{id: SEC-12, not_applicable: no guards, text: But there are., by: ada}", "one of the two"),
        ("{id: SEC-12, not_applicable: no guards}", "by"),
        ("{id: SEC-20, not_applicable: no guards, by: ada}", "has no section 'SEC-20'"),
        ("{id: SEC-1, text: x, by: ada}", "has no section 'SEC-1'"),
        ("{id: SEC-01, not_applicable: no system, by: ada}", "it tells what the system is"),
        ("{id: SEC-04, not_applicable: nothing can go wrong, by: ada}", "there is the threat"),
        ("{id: SEC-09, files: [docs/red-team.md], by: ada}", "there is no such file"),
        ("{id: SEC-09, files: [../secret.md], by: ada}", "it leads out of the workspace"),
    ],
)
def test_check_refuses_what_says_nothing_or_cannot_be(said: str, why: str, helpdesk: Path, tmp_path: Path) -> None:
    shutil.copytree(helpdesk, root := tmp_path / "w")
    (root / "dossier.yaml").write_text(f"dossier:\n  - {said}\n")
    with pytest.raises(WorkspaceError, match=why) as error:
        Workspace.load(root)
    assert "dossier.yaml:2" in str(error.value)


def test_every_document_is_made_in_every_view_that_it_has_and_certifies_nothing(
    decided: DossierSource, helpdesk: Path
) -> None:
    for source in (decided, source_of(helpdesk)):
        for paper in papers().values():
            for view in VIEWS:
                if view not in paper.views:
                    with pytest.raises(UsageError, match="is made for"):
                        contents(source, paper, view)
                    continue
                made = contents(source, paper, view)
                page = tree(paper.title, "", made, "")
                for text in (page_html(page), page_markdown(page, made, {}, "x")):
                    assert DISCLAIMER.replace("'", "&#x27;") in text
    assert len(papers()) == 17
    with pytest.raises(UsageError, match="did you mean"):
        paper_named("sytem-card")


def test_the_regulators_view_has_every_point_of_annex_iv(decided: DossierSource) -> None:
    index = next(part for part in contents(decided, papers()["dossier"], "regulator") if part.slug == "annex-iv")
    (table,) = index.items
    assert isinstance(table, FactTable)
    assert [row.cells[0] for row in table.rows] == [point.point for point in annex_iv()]
    assert len(table.rows) == 16
    assert not any(part.slug == "annex-iv" for part in contents(decided, papers()["dossier"], "internal"))


def test_the_data_of_frameworks_refers_to_what_there_is() -> None:
    numbers = {maker.number for maker in sections()}
    assert set(answers()) == numbers
    refs = [ref for refs in answers().values() for ref in refs] + [one.article for one in dates()]
    assert [ref for ref in refs if ref_problem(ref)] == []
    told = {number for one in (*annex_iv(), *standards()) for number in one.sections}
    assert told <= numbers
    assert all(one.source and one.seen for one in dates())


def test_annex_iv_is_in_words_of_ours(shared: Path) -> None:
    import csv

    with (shared / "taxonomies/eu_ai_act_annex_iv_points.csv").open(encoding="utf-8") as file:
        listed = {row["id"]: row["topic"] for row in csv.DictReader(file)}
    assert [point.point for point in annex_iv()] == list(listed)
    assert not [point.point for point in annex_iv() if point.words.casefold() == listed[point.point].casefold()]
