"""The notebook of the documentation runs from top to bottom on the real model, and says what its text says it says."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial" / "from-python.ipynb"


def printed(cell):
    return "".join(
        "".join(o.get("text", "")) + "".join(o.get("data", {}).get("text/plain", "")) for o in cell["outputs"]
    )


@pytest.mark.model
@pytest.mark.slow
def test_the_notebook_runs(weights, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "groundedness" in printed(cells[0])
    assert any("text/html" in output.get("data", {}) for output in cells[1]["outputs"]), "a run shows itself as a table"
    assert "RateInterval" in printed(cells[2])
    assert "scored" in printed(cells[3])
    assert printed(cells[-1]).startswith(("inconclusive", "no-ship"))


def test_the_committed_notebook_carries_its_outputs():
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(
        cell.outputs for cell in notebook.cells if cell.cell_type == "code" and not cell.source.startswith("import")
    )
