"""Drawings as Mermaid, and how far boxes are from the top."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.evidence.diagrams.drawing import Drawing, DrawnArea, DrawnArrow, DrawnBox, as_mermaid, levels


def boxes(*keys):
    return {key: DrawnBox(key, "part", (key,)) for key in keys}


def test_areas_boxes_and_arrows():
    areas = (DrawnArea("Outer", ("a",), (DrawnArea("Inner", ("b",)),)),)
    drawing = Drawing("T", boxes("a", "b", "c"), areas, (DrawnArrow("c", "a", True), DrawnArrow("a", "b")))
    assert as_mermaid(drawing).splitlines() == [
        "%% T", "flowchart LR", '  subgraph a0["Outer"]', '    n0["a"]', '    subgraph a1["Inner"]', '      n1["b"]',
        "    end", "  end", '  n2["c"]', "  n2 ==> n0", "  n0 --> n1",
    ]  # fmt: skip


def test_words_make_no_markup():
    box = DrawnBox("a", "goal", ('"] --> x["', "<b>&#1;</b>\n  end", "`code` {x} | y"), "bad")
    text = as_mermaid(Drawing("a\nflowchart TD", {"a": box}, (), (), True))
    assert text.splitlines()[:2] == ["%% a flowchart TD", "flowchart TD"]
    [line] = [line for line in text.splitlines() if line.strip().startswith("n0")]
    inside = line.strip().removeprefix('n0["').removesuffix('"]').replace("<br/>", "")
    assert not set('"<>`|{}\\') & set(inside)
    assert text.endswith("  class n0 bad\n")


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=30))
def test_every_box_has_a_level_and_circles_end(pairs):
    keys = [str(n) for n in range(8)]
    arrows = [DrawnArrow(str(a), str(b)) for a, b in pairs]
    found = levels(keys, arrows)
    assert set(found) == set(keys)
    assert all(0 <= level < len(keys) for level in found.values())
    if all(a < b for a, b in pairs):
        assert all(found[arrow.source] < found[arrow.target] for arrow in arrows)


def test_a_long_chain_is_no_matter():
    keys = [str(n) for n in range(5000)]
    arrows = [DrawnArrow(a, b) for a, b in itertools.pairwise(keys)]
    assert levels(keys, arrows)["4999"] == 4999
