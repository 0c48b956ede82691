"""The verb `documents`: what people wrote stays, what they changed elsewhere is told, and nothing is lost."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy


@pytest.fixture
def root(tmp_path: Path) -> Path:
    assert shipworthy(["init", str(tmp_path / "w"), "--template", "minimal"]) == 0
    return tmp_path / "w"


def test_documents_are_listed_with_their_sections(capsys: pytest.CaptureFixture[str]) -> None:
    assert shipworthy(["documents", "list", "--format", "json"]) == 0
    listed = {one["document"]: one for one in json.loads(capsys.readouterr().out)}
    assert {"dossier", "system-card", "model-card", "dpia", "executive-readout", "customer-letter"} <= set(listed)
    assert listed["research-memo"]["views"] == "internal"
    assert shipworthy(["documents", "list", "--sections"]) == 0
    assert "SEC-19" in capsys.readouterr().out


def test_what_a_person_wrote_stays_and_stands_in_every_form(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = ["documents", "build", "-C", str(root), "system-card", "--format", "markdown", "--format", "html"]
    assert shipworthy(build) == 0
    path = root / "documents/internal/system-card.md"
    mark = "<!-- write here: 12-trade-offs -->\n"
    path.write_text(path.read_text().replace(mark, mark + "It speaks English <only>.\n"))
    (root / "system.yaml").write_text(re.sub(r"owner: \S+", "owner: team-desk", (root / "system.yaml").read_text()))
    assert shipworthy(build) == 0
    assert "It speaks English <only>." in path.read_text()
    assert "team-desk" in path.read_text()
    assert "It speaks English &lt;only&gt;." in path.with_suffix(".html").read_text()
    capsys.readouterr()


def test_a_change_elsewhere_is_told_and_nothing_is_lost(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = ["documents", "build", "-C", str(root), "data-sheet"]
    assert shipworthy(build) == 0
    path = root / "documents/internal/data-sheet.md"
    edited = path.read_text().replace("Data sheet", "Our data")
    path.write_text(edited)
    assert shipworthy(build) == 4
    said = capsys.readouterr().err
    assert "documents/internal/data-sheet.md: changed outside of its blocks" in said
    assert "Nothing was written" in said
    assert path.read_text() == edited
    assert shipworthy([*build, "--aside"]) == 0
    assert (root / "documents/internal/data-sheet.edited-1.md").read_text() == edited
    assert "Our data" not in path.read_text()
    path.write_text(path.read_text().replace("<!-- written -->", "", 1))
    assert shipworthy(build) == 4
    assert "a block that is not closed" in capsys.readouterr().err


def test_a_document_is_shown_and_not_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("markdown", "html"):
        assert shipworthy(["documents", "show", "-C", str(root), "dpia", "--format", form]) == 0
        assert "certifies nothing" in capsys.readouterr().out
    assert not (root / "documents").exists()
    assert shipworthy(["documents", "show", "-C", str(root), "dpia", "--view", "customer"]) == 0
    assert shipworthy(["documents", "show", "-C", str(root), "dpja"]) == 2
    assert "did you mean 'dpia'" in capsys.readouterr().err
    assert shipworthy(["documents", "show", "-C", str(root), "research-memo", "--view", "customer"]) == 2
    assert "is made for internal" in capsys.readouterr().err


def test_pdf_names_what_to_install(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert shipworthy(["documents", "build", "-C", str(root), "dpia", "--format", "markdown", "--format", "pdf"]) == 2
    assert "weasyprint is not installed: pip install" in capsys.readouterr().err
    assert not (root / "documents").exists()
