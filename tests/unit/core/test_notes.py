"""What people write in a generated document lives through the next one, and a change elsewhere is noticed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core import notes

NAMES = st.sampled_from(["00-decision", "05-impact", "12-trade-offs", "gone"])
TEXTS = (
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60)
    .map(str.strip)
    .filter(lambda text: text and "<!--" not in text)
)


def document(names: tuple[str, ...] = ("00-decision", "05-impact", "12-trade-offs"), ours: str = "is so") -> str:
    return "\n".join(f"## {name}\n\nWhat {ours}.\n\n{notes.block(name, '')}" for name in names)


@given(st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=4).map("\n\n".join)))
def test_nothing_that_a_person_wrote_is_lost(blocks: dict[str, str]) -> None:
    there = notes.sealed(notes.merged(document(), blocks), "DEC-1")
    for again in (document(), document(ours="is otherwise"), document(("05-impact",))):
        read = notes.reread(there)
        assert not read.broken
        assert not read.changed
        there = notes.sealed(notes.merged(again, read.blocks), "DEC-2")
        for text in blocks.values():
            assert all(line in there for line in text.split("\n"))


def test_words_stay_where_they_were_and_what_has_no_place_stands_at_the_end() -> None:
    first = notes.merged(document(), {"05-impact": "Nurses use it.", "gone": "An old word."})
    assert first.index("## 05-impact") < first.index("Nurses use it.") < first.index("## 12-trade-offs")
    assert first.index("## Kept from an earlier version") < first.index("An old word.")
    second = notes.merged(document(), notes.reread(notes.sealed(first, "x")).blocks)
    assert second.count("An old word.") == 1
    assert second.count("Nurses use it.") == 1


def test_a_change_outside_of_the_blocks_is_noticed_and_one_inside_is_not() -> None:
    made = notes.sealed(document(), "DEC-1")
    assert not notes.reread(made).changed
    inside = made.replace("<!-- write here: 05-impact -->\n", "<!-- write here: 05-impact -->\nHere.\n\nAnd here.\n")
    assert not notes.reread(inside).changed
    assert notes.reread(inside).blocks == {"05-impact": "Here.\n\nAnd here."}
    assert not notes.reread(inside.replace("\n", "\r\n")).changed
    assert notes.reread(made.replace("What is so.", "What is not so.")).changed
    assert notes.reread(made + "more\n").changed
    assert notes.reread(document()).changed  # without its last line nothing shows that it is ours


def test_a_mark_that_is_broken_is_named_by_its_line() -> None:
    made = notes.sealed(document(), "DEC-1")
    lines = made.split("\n")
    opened = [n for n, line in enumerate(lines, 1) if line.startswith("<!-- write here")]
    open_ended = "\n".join(line for n, line in enumerate(lines, 1) if n != opened[0] + 1)
    assert notes.reread(open_ended).broken == (opened[0],)
    assert notes.reread(made.replace(lines[opened[1] - 1], lines[opened[0] - 1])).broken == (opened[1],)
