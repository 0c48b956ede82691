from __future__ import annotations

import pytest

from shipworthy.detect.topic import FEWEST, TopicModel

BOATS = [f"When does the {kind} boat {does} the {place}?" for kind in ("red", "late", "small", "old")
         for does in ("leave", "reach") for place in ("quay", "island", "mill")]  # fmt: skip
CAKES = [f"How do I bake a {kind} cake with {what}?" for kind in ("plain", "tall", "dark", "cold")
         for what in ("apples", "rye", "plums", "salt", "nuts", "figs")]  # fmt: skip


def test_what_is_like_neither_example_alone_is_told_by_its_words() -> None:
    model = TopicModel(BOATS, CAKES)
    assert model.chance("Which boat goes to the island after the late one?") < 0.2
    assert model.chance("Can I bake with salt and figs?") > 0.9


@pytest.mark.parametrize("text", ["", "42", "Yes", "Quantum chromodynamics"])
def test_too_few_known_words_tell_nothing(text: str) -> None:
    assert TopicModel(BOATS, CAKES).chance(text) is None


def test_a_longer_text_is_not_beyond_the_numbers() -> None:
    assert TopicModel(BOATS, CAKES).chance(" ".join(CAKES) * 50) == pytest.approx(1.0)


def test_too_few_examples_and_the_same_on_both_sides_are_refused() -> None:
    with pytest.raises(ValueError, match=f"{FEWEST} or more"):
        TopicModel(BOATS[:5] * 10, CAKES)
    with pytest.raises(ValueError, match="both sides"):
        TopicModel([*BOATS, CAKES[0].upper()], CAKES)
