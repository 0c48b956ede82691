"""What is on record of parts of others: in the dossier and in the bill of materials."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.evidence.dossier.bom import bill_of_materials
from shipworthy.evidence.dossier.gather import SOURCE, gather
from shipworthy.evidence.dossier.parts.p02_architecture import architecture
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.workspace.dated import dated
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold

DIGEST = "sha256:" + "ab" * 32
RECORD = (
    f"record: {{version: '3.1', license: Apache-2.0, source: 'https://models.example/m', digest: '{DIGEST}', "
    "updates: announced, findings: It invents addresses, by: team-x, on: 2026-11-01, until: 2027-01-31}"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    scaffold(tmp_path / "w", "helpdesk-rag")
    return tmp_path / "w"


def put(root: Path, record: str) -> Workspace:
    path = root / "system.yaml"
    path.write_text(path.read_text().replace("kind: model,", f"kind: model, {record},", 1))
    return Workspace.load(root)


def test_a_record_stands_in_the_dossier_and_the_bill_of_materials(root: Path) -> None:
    bare = DossierSource({SOURCE: gather(Workspace.load(root), (), {})})
    assert any("No assessment of the model" in str(item) for item in architecture(bare))
    source = DossierSource({SOURCE: gather(put(root, RECORD), (), {})})
    told = " ".join(map(str, architecture(source)))
    for word in ("3.1", "Apache-2.0", DIGEST, "with notice", "It invents addresses", "2026-11-01 to 2027-01-31"):
        assert word in told
    assert "No assessment of the model" not in told
    (part,) = [one for one in bill_of_materials(source)["components"] if one["type"] == "machine-learning-model"]
    assert (part["version"], part["licenses"]) == ("3.1", [{"license": {"name": "Apache-2.0"}}])
    assert part["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert part["externalReferences"] == [{"type": "distribution", "url": "https://models.example/m"}]


def test_a_record_runs_out(root: Path) -> None:
    graph = put(root, RECORD).graph
    said = [
        [w.message for w in dated(graph, day).warnings if "assessed" in w.message]
        for day in (date(2027, 1, 31), date(2027, 2, 1))
    ]
    assert said == [[], ["CMP-model was assessed on 2026-11-01, and that held until 2027-01-31"]]


def test_a_record_says_who_and_until_when(root: Path) -> None:
    with pytest.raises(WorkspaceError) as wrong:
        put(root, "record: {version: '3', digest: 'sha256:1'}")
    assert all(word in str(wrong.value) for word in ("by", "on", "until", "digest"))
