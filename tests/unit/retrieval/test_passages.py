from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.records import Document
from shipworthy.retrieval.passages import PASSAGE_WORDS, cut


@given(st.text(max_size=400))
def test_any_text_is_cut_into_bounded_passages(text: str) -> None:
    passages = cut(Document("d", text))
    assert all(0 < len(p.text.split()) <= PASSAGE_WORDS for p in passages)
    assert len({p.id for p in passages}) == len(passages)
    assert " ".join(p.text for p in passages).split() == text.split()
