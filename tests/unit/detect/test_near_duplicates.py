from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.detect.near_duplicates import GramIndex, grams, jaccard, near_duplicates

TEXTS = st.lists(st.text(alphabet="abc ", min_size=1, max_size=14), min_size=1, max_size=12)


@given(TEXTS, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_what_is_left_holds_no_two_alike_and_what_is_out_is_alike_to_one_kept(
    texts: list[str], threshold: float
) -> None:
    found = near_duplicates(texts, threshold)
    out = {one.at for one in found}
    kept = [n for n in range(len(texts)) if n not in out]
    assert all(jaccard(grams(texts[a]), grams(texts[b])) < threshold for a, b in combinations(kept, 2))
    for one in found:
        assert one.of in kept and one.of < one.at
        assert one.similarity >= threshold
        assert one.similarity == pytest.approx(jaccard(grams(texts[one.at]), grams(texts[one.of])))


@given(TEXTS)
def test_the_index_finds_the_nearest_there_is(texts: list[str]) -> None:
    *others, asked = texts
    index = GramIndex()
    for text in others:
        index.add(grams(text))
    want = max((jaccard(grams(asked), grams(text)) for text in others), default=0.0)
    assert index.nearest(grams(asked))[1] == pytest.approx(want)
    for least in (0.3, 0.5, 0.9):
        assert index.nearest(grams(asked), least=least)[1] == pytest.approx(want if want >= least else 0.0)


def test_case_width_and_white_space_do_not_count() -> None:
    assert grams("Wo  IST\nder Ｂoot") == grams("wo ist der boot")


def test_a_threshold_is_a_similarity() -> None:
    for wrong in (0, 1.2, -1):
        with pytest.raises(ValueError, match="threshold"):
            near_duplicates(["a"], wrong)
