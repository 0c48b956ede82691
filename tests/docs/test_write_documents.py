"""The how-to on documents works as printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from shipworthy.cli import run
from shipworthy.evidence.dossier.paper import papers
from shipworthy.workspace.load import Workspace

PAGE = (Path(__file__).parents[2] / "docs/how-to/write-the-packs-documents.md").read_text("utf-8")


def test_the_page_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in "".join(blocks).splitlines():
        assert run(shlex.split(line)[1:]) == 0, line
    card = Path("desk/documents/internal/system-card.md")
    (block,) = re.findall(r"^```markdown\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    place = block.splitlines()[0]
    assert place in card.read_text()
    card.write_text(card.read_text().replace(place + "\n<!-- written -->\n", block))
    assert run(["documents", "build", "system-card", "-C", "desk"]) == 0
    assert "We took that for the first release." in card.read_text()
    card.write_text(card.read_text().replace("System card", "Our card", 1))
    capsys.readouterr()
    assert run(["documents", "build", "system-card", "-C", "desk"]) == 4
    told = capsys.readouterr().err.replace("desk/documents", "documents")
    printed = next(b for b in re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) if "error:" in b)
    assert told == printed


def test_the_example_of_dossier_yaml_can_be_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert run(["init", str(tmp_path / "w"), "--template", "minimal"]) == 0
    (tmp_path / "w/docs").mkdir()
    (tmp_path / "w/docs/red-team.md").write_text("Two days in October.\n")
    (tmp_path / "w/dossier.yaml").write_text(text)
    assert [node.id for node in Workspace.load(tmp_path / "w").graph.of_kind("section").values()] == [
        "SEC-11", "SEC-12", "SEC-09",
    ]  # fmt: skip


def test_every_document_is_on_the_page() -> None:
    assert [id for id in papers() if f"`{id}`" not in PAGE] == []
