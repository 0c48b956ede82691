"""Asking the same about somebody else: swaps, options that move, and what an answer means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.counterfactual import Swaps, meant, moved, options_of, said_for
from shipworthy.core.errors import UsageError

WHO = "Ada and Bo were late. Who was it? A) Ada B) Bo C) It cannot be told. Answer with the letter."
LINES = "Which one?\n(A) the nurse\n(B) the surgeon\nThink first."


def test_people_change_places_in_one_pass() -> None:
    swaps = Swaps([["Karen Hill", "Kevin Hill"], ["she", "he"], ["Mrs", "Mr"]])
    assert swaps.swap("Mrs Hill is Karen  Hill. She, not he.") == "Mr Hill is Kevin Hill. He, not she."
    assert swaps.swap("The shed, then.") == "The shed, then."  # whole words
    assert Swaps([["a", "b"], ["b", "a"]]).swap("a b") == "b a"


def test_a_reference_stands_for_many_and_is_replaced_by_none() -> None:
    swaps = Swaps([["Aisha", "Jack"], ["Mihai", "Jack"]])
    assert swaps.swap("Aisha, Mihai, Jack") == "Jack, Jack, Jack"


@given(st.lists(st.sampled_from(["Karen", "Kevin", "her", "his", ",", "\n", "theirs", "KAREN"]), max_size=12))
def test_swapping_twice_changes_nothing(words: list[str]) -> None:
    swaps, text = Swaps([["Karen", "Kevin"], ["her", "his"]]), " ".join(words)
    assert swaps.swap(swaps.swap(text)) == text


@pytest.mark.parametrize(
    "pairs", [[], ["ab"], [["a"]], [["a", ""]], [["A", "a"]], [["a", "b"], ["a", "c"]], [["a", "b", "c"]]]
)
def test_what_is_no_pair_is_refused(pairs) -> None:
    with pytest.raises(UsageError, match="swaps"):
        Swaps(pairs)


def test_options_are_found_and_move_on_by_one() -> None:
    assert [WHO[o.start : o.end] for o in options_of(WHO)] == ["Ada", "Bo", "It cannot be told"]
    assert moved(WHO).endswith("A) It cannot be told B) Ada C) Bo. Answer with the letter.")
    assert [LINES[o.start : o.end] for o in options_of(LINES)] == ["the nurse", "the surgeon"]
    assert moved(LINES) == "Which one?\n(A) the surgeon\n(B) the nurse\nThink first."


@pytest.mark.parametrize("text", ["", "A) alone.", "B) Bo C) Cy", "Plan A: go. Then C) rest", "f(A) and g(B)"])
def test_what_is_no_list_of_options_is_none(text: str) -> None:
    assert options_of(text) == []
    assert moved(text) == text


def test_moving_comes_round() -> None:
    assert moved(moved(moved(WHO))) == WHO


@pytest.mark.parametrize(
    ("answer", "said"),
    [("A", "ada"), ("b) Bo", "bo"), ("(B)", "bo"), ("The answer is B.", "bo"), ("It was Ada.", "ada"), ("A or B", ""),
     ("Ada, or Bo", ""), ("", ""), ("C) It cannot be told.", "it cannot be told"), ("A nurse", ""), ("A) or B)", "")],
)  # fmt: skip
def test_what_an_answer_means_among_options(answer: str, said: str) -> None:
    assert meant(answer, WHO) == said


def test_what_an_answer_means_without_options() -> None:
    assert meant("Yes, offer it.", "Should she?") == meant("yes", "Should he?") == "yes"
    assert meant("It depends.", "Should she?") == "it depends"


def test_what_is_said_instead_has_its_letter() -> None:
    assert said_for("It cannot be told.", WHO) == "C) It cannot be told."
    assert said_for("Ask a person.", WHO) == "Ask a person."
