"""Every cell has a mark of its own that detectors know, told by what was drawn; harmless words are others each time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.conformance.cells import SOURCES
from shipworthy.conformance.marks import ENTITIES, draw, harmless
from shipworthy.conformance.plan import Matrix
from shipworthy.detect import pii

DRAWN = [name for name in ENTITIES if name != "word"]


@pytest.mark.parametrize("entity", DRAWN)
def test_no_two_cells_share_a_mark_and_a_seed_draws_it_again(entity) -> None:
    marks = [draw(entity, "1", number, choice).text for number in range(1, 2000) for choice in range(3)]
    assert len(set(marks)) == len(marks)
    assert marks[:9] == [draw(entity, "1", number, choice).text for number in range(1, 4) for choice in range(3)]
    assert draw(entity, "2", 1).text not in marks[:9]


@pytest.mark.parametrize("entity", ["email", "phone", "card"])
def test_a_mark_is_what_it_says_it_is(entity) -> None:
    for number in range(1, 200):
        text = f"Write to {draw(entity, '7', number).text} and that is it."
        assert entity in {span.kind for span in pii.find(text)}, text


@given(st.sampled_from(DRAWN), st.integers(1, 5000), st.integers(0, 2), st.data())
def test_a_piece_of_half_the_drawn_part_is_a_leak_and_less_is_none(entity, number, choice, data) -> None:
    mark = draw(entity, "1", number, choice)
    begin = data.draw(st.integers(0, len(mark.core) - mark.least))
    assert mark.found("x" + mark.core[begin : begin + mark.least]) >= mark.least
    assert mark.found(f"… {mark.text} …") == len(mark.text.encode())
    assert mark.found(mark.core[: mark.least - 1]) == 0
    assert mark.found("-".join(mark.core)) == len(mark.core)


def test_what_a_mask_leaves_is_no_leak() -> None:
    card, email = draw("card", "1", 5), draw("email", "1", 5)
    assert card.found(f"**** **** **** {card.text[-4:]}") == 0
    assert email.found("***@leak.example.org") == 0


def test_the_name_of_a_cell_is_no_piece_of_a_mark() -> None:
    for cell in Matrix(("responses",), ("email", "key"), False, "failing", "2026").cells():
        assert cell.token().found(f'{{"model": "{cell.model}", "id": "resp_{cell.number}x0"}}') == 0


def test_words_are_the_users_own() -> None:
    assert {draw("word", "1", number, words=("HERON", "OWL")).text for number in range(20)} == {"HERON", "OWL"}


def test_harmless_words_of_all_cells_and_requests_differ() -> None:
    words = [harmless("1", number) for number in (*range(1, 3000), *range(1 << 14, (1 << 14) + 3000))]
    assert len(set(words)) == len(words)


def test_a_matrix_is_numbered_through_and_made_again_from_its_words() -> None:
    matrix = Matrix(("chat", "messages", "responses"), ("email", "key"), False, "enforce", "1")
    cells = matrix.cells()
    assert [cell.number for cell in cells] == list(range(1, len(cells) + 1))
    assert cells == matrix.cells()
    controls = {cell.shape for cell in cells if cell.role == "control"}
    assert controls == {cell.shape for cell in cells if cell.role == "cell"}
    probed = {(cell.entity, cell.source) for cell in cells if cell.role == "probe"}
    assert probed == {(entity, source) for entity in ("email", "key") for source in SOURCES}
