"""Model card, bill of materials and PDF, read by the libraries that others read them with.

Each library is in an environment of its own: ``python bench/peers/run_tests.py cards`` (or ``pdf``) and this file.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from shipworthy.evidence.dossier.bom import BOM, bill_of_materials
from shipworthy.evidence.dossier.gather import SOURCE, gather
from shipworthy.evidence.dossier.paper import contents, papers
from shipworthy.evidence.dossier.pdf import _fetch, page_pdf
from shipworthy.evidence.dossier.render import page_html, page_markdown, tree
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold

if not any(importlib.util.find_spec(name) for name in ("huggingface_hub", "cyclonedx", "weasyprint")):
    pytest.skip("run by bench/peers/run_tests.py cards, and pdf", allow_module_level=True)


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """The members of the pack that the tests of evidence work on; their conftest is loaded by its path."""
    from shipworthy.evidence import archive

    where = Path(__file__).parents[1] / "conftest.py"
    spec = importlib.util.spec_from_file_location("small_case", where)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    case = module.make_case(tmp_path_factory.mktemp("toy"), tmp_path_factory.mktemp("keys"))
    return archive.read(case.pack)


@pytest.fixture(scope="module")
def helpdesk(tmp_path_factory: pytest.TempPathFactory) -> DossierSource:
    """A workspace with every kind of component, and no decision."""
    root = tmp_path_factory.mktemp("helpdesk") / "w"
    scaffold(root, "helpdesk-rag")
    text = (root / "system.yaml").read_text().replace("kind: model,", "kind: model, run_by: SUB-host,")
    more = "subprocessors:\n  - {id: SUB-host, title: Host Ltd, place: EU, data: [DAT-record], trains_on_it: false}\n"
    (root / "system.yaml").write_text(text + more)
    return DossierSource({SOURCE: gather(Workspace.load(root), (), {})})


def test_hugging_face_reads_the_model_card(decided: Mapping[str, bytes], helpdesk: DossierSource) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="run by bench/peers/run_tests.py cards")
    made = {name: data for name, data in decided.items() if not name.startswith("dossier/") or name == SOURCE}
    for source, results in ((DossierSource(made), 3), (helpdesk, 0)):
        paper = papers()["model-card"]
        assert paper.front is not None
        parts = contents(source, paper, "internal")
        front = paper.front(source)
        card = hub.ModelCard(page_markdown(tree("Card", "", parts, ""), parts, {}, "x", front))
        assert card.data.model_name == (source.system["title"] if results else "Language model")
        found = card.data.eval_results or []
        assert len(found) == results
        for one in found:
            result = source.results[one.metric_name]
            assert one.metric_value == pytest.approx(result.rate, abs=1e-6)
            assert one.dataset_revision == source.get("suite", result.suite)["digest"]
        assert "certifies nothing" in card.text


@pytest.mark.parametrize("version", ["1.6", "1.7"])
def test_the_bill_of_materials_is_valid(version: str, decided: Mapping[str, bytes], helpdesk: DossierSource) -> None:
    pytest.importorskip("cyclonedx", reason="run by bench/peers/run_tests.py cards")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    for made in (json.loads(decided[BOM]), bill_of_materials(helpdesk)):
        made |= {"specVersion": version, "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json"}
        assert JsonStrictValidator(SchemaVersion.from_version(version)).validate_str(json.dumps(made)) is None
    kinds = {one["name"]: one["type"] for one in bill_of_materials(helpdesk)["components"]}
    assert kinds["Language model"] == "machine-learning-model"
    assert bill_of_materials(helpdesk)["services"][0]["name"] == "Host Ltd"


def test_pages_become_pdf_and_one_page_stays_one(helpdesk: DossierSource) -> None:
    weasyprint = pytest.importorskip("weasyprint", reason="run by bench/peers/run_tests.py pdf")
    paper = papers()["executive-readout"]
    page = page_html(tree(paper.title, "", contents(helpdesk, paper, "internal"), ""))
    assert page_pdf(page).startswith(b"%PDF-")
    assert len(weasyprint.HTML(string=page).render().pages) == 1
    with pytest.raises(ValueError, match="fetches nothing"):
        _fetch("https://example.org/x.png")
