"""The data flow: what the files say, and no more."""

from __future__ import annotations

from shipworthy.evidence.diagrams.data_flow import data_flow
from shipworthy.evidence.diagrams.drawing import DrawnArea, DrawnArrow
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import TEMPLATES


def test_boundaries_flows_and_ways_in():
    found = data_flow(Workspace.load(TEMPLATES / "helpdesk-rag").graph)
    [office] = found.areas
    assert office.boxes == ("CMP-chat", "CMP-handbook")
    assert [area.boxes for area in office.inner] == [
        ("CMP-model", "CMP-prompt", "CMP-ticket"), ("CMP-records", "CMP-reset"),
    ]  # fmt: skip
    assert [box.key for box in found.free()] == ["EP-chat", "EP-page"]
    assert DrawnArrow("CMP-prompt", "CMP-model") in found.arrows  # within one boundary
    assert DrawnArrow("CMP-records", "CMP-model", True) in found.arrows  # into another
    assert DrawnArrow("EP-page", "CMP-handbook", True) in found.arrows
    assert found.boxes["CMP-handbook"].lines == (
        "CMP-handbook", "Handbook search (BM25) (retriever)", "holds: DAT-handbook", "written by: users",
    )  # fmt: skip


def test_without_flows_and_boundaries_there_are_parts_alone():
    found = data_flow(Workspace.load(TEMPLATES / "minimal").graph)
    assert (found.areas, found.arrows) == ((), ())
    assert all(isinstance(area, DrawnArea) for area in found.areas)
