"""Trust boundaries: a component in one, and none inside itself."""

from __future__ import annotations

BOUNDARIES = """\
trust_boundaries:
  - {id: TB-out, title: Outer}
  - {id: TB-in, title: Inner, inside: TB-out, components: [CMP-a]}
"""


def test_boundaries_nest(problems):
    assert problems({"trust_boundaries.yaml": BOUNDARIES}) == []


def test_a_component_stands_in_one(problems):
    twice = BOUNDARIES.replace("title: Outer", "title: Outer, components: [CMP-a]")
    assert problems({"trust_boundaries.yaml": twice}) == [
        "trust_boundaries.yaml:3: CMP-a stands inside TB-out already, and in one boundary only "
        "(let the inner boundary list it, and say 'inside' of that boundary)"
    ]


def test_none_stands_inside_itself(problems):
    circle = BOUNDARIES.replace("title: Outer", "title: Outer, inside: TB-in")
    assert problems({"trust_boundaries.yaml": circle}) == [
        "trust_boundaries.yaml:2: TB-out stands inside itself",
        "trust_boundaries.yaml:3: TB-in stands inside itself",
    ]


def test_a_circle_further_out_ends(problems):
    circle = BOUNDARIES + "  - {id: TB-a, title: A, inside: TB-b}\n  - {id: TB-b, title: B, inside: TB-b}\n"
    assert problems({"trust_boundaries.yaml": circle}) == [
        "trust_boundaries.yaml:4: TB-a stands inside itself",
        "trust_boundaries.yaml:5: TB-b stands inside itself",
    ]
