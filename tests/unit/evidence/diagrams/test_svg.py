"""Drawings as SVG: whole XML, the same bytes again, nothing on top of one another, nothing of others' in the markup."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET

import pytest

from shipworthy.evidence.diagrams.data_flow import data_flow
from shipworthy.evidence.diagrams.drawing import Drawing, DrawnArea, DrawnArrow, DrawnBox
from shipworthy.evidence.diagrams.svg import as_svg
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import TEMPLATES

SVG = "{http://www.w3.org/2000/svg}"


def rectangles(text, *classes):
    found = []
    for one in ET.fromstring(text).iter(f"{SVG}rect"):
        if one.get("class") in classes:
            x, y, width, height = (float(one.get(name)) for name in ("x", "y", "width", "height"))
            found.append((x, y, x + width, y + height))
    return found


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(a, b):
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def tree(depth=3, wide=3):
    boxes, arrows = {"g": DrawnBox("g", "goal", ("g",))}, []
    row = ["g"]
    for _ in range(depth):
        row = [f"{key}.{n}" for key in row for n in range(wide)]
        for key in row:
            boxes[key] = DrawnBox(key, "goal", (key, "some words that are so long that they take several lines"))
            arrows.append(DrawnArrow(key.rpartition(".")[0], key))
    arrows.append(DrawnArrow("g.0", "g.2.1"))  # shared: no tree
    return Drawing("T", boxes, (), tuple(arrows), down=True)


@pytest.mark.parametrize(
    "drawing", [data_flow(Workspace.load(TEMPLATES / "helpdesk-rag").graph), tree()], ids=["flow", "tree"]
)
def test_nothing_lies_on_anything_and_all_is_in_sight(drawing):
    text = as_svg(drawing)
    assert text == as_svg(drawing)
    found = rectangles(text, "box", "outside", "context", "good", "bad", "unsure")
    assert len(found) == len(drawing.boxes)
    assert not [pair for pair in itertools.combinations(found, 2) if overlap(*pair)]
    width, height = (float(n) for n in ET.fromstring(text).get("viewBox").split()[2:])
    assert all(inside(one, (0, 0, width, height)) for one in found)
    for area in rectangles(text, "area"):
        assert all(inside(one, area) or not overlap(one, area) for one in found)


def test_areas_lie_inside_one_another_or_beside():
    inner = DrawnArea("I", ("a",), (DrawnArea("II", ("b", "c")),))
    drawing = Drawing(
        "T", {key: DrawnBox(key, "part", (key,)) for key in "abcd"}, (inner, DrawnArea("J", ("d",))), ()
    )  # fmt: skip
    areas = rectangles(as_svg(drawing), "area")
    assert len(areas) == 3
    assert inside(areas[1], areas[0])
    assert not overlap(areas[0], areas[2])


def test_hostile_words_stay_words():
    words = ("</text><script>alert(1)</script>", 'a\u202eb & "c"', "x" * 5000)
    box = DrawnBox("a", "solution", words, "bad")
    text = as_svg(Drawing("<b>&", {"a": box}, (DrawnArea("<i>", ("a",)),), (DrawnArrow("a", "a"),)))
    root = ET.fromstring(text)
    assert not list(root.iter(f"{SVG}script"))
    assert "\u202e" not in text
    assert len(text) < 20_000
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_an_empty_drawing_is_a_picture():
    assert ET.fromstring(as_svg(Drawing("T", {}, (), ()))).tag == f"{SVG}svg"
