"""A workspace with a gateway's file, without a process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.incidents.conftest import write

from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "fen"
    write(folder, "http://127.0.0.1:9/v1")
    (folder / "targets.yaml").write_text(
        "targets:\n  fen: {use: openai_compatible, base_url: 'http://127.0.0.1:9/v1', model: m}\n"
    )
    return folder


@pytest.fixture
def workspace(root: Path) -> Workspace:
    return Workspace.load(root)


@pytest.fixture
def layout(root: Path) -> Layout:
    return Layout(root)


@pytest.fixture(params=["sqlite", "postgres"])
def audit(request: pytest.FixtureRequest, layout: Layout):
    """The audit log of the workspace, or one in a real PostgreSQL."""
    url = layout.control_url if request.param == "sqlite" else str(request.getfixturevalue("emptied"))
    with AuditLog(url) as log:
        yield log
