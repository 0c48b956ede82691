from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.records import Document
from shipworthy.retrieval.bm25 import Bm25, terms

PLACES = ["ship", "mast", "sail", "rope", "crew", "deck", "port", "tide", "wind"]
words = st.lists(st.sampled_from(PLACES), min_size=1, max_size=8)


def index(*texts: str) -> Bm25:
    return Bm25([Document(str(n), text) for n, text in enumerate(texts)])


def test_terms_drop_stop_words_plurals_and_case() -> None:
    assert terms("Where are the Printers of the ship's crews?") == ["printer", "ship", "s", "crew"]
    assert terms("glass gas ＦＵＬＬ") == ["glass", "gas", "full"]


def test_a_rare_word_outweighs_a_common_one() -> None:
    found = index("rope rope deck", "rope mast", "rope sail", "rope anchor").search("rope anchor", 4)
    assert found[0].id == "3"


def test_a_short_document_outranks_a_long_one_with_the_same_match() -> None:
    found = index("mast " + "deck " * 30, "mast deck").search("mast", 2)
    assert [d.id for d in found] == ["1", "0"]


def test_the_textbook_score_decides() -> None:
    # Two of three documents hold "tide"; equal lengths, so only the term's count differs: 2 beats 1.
    found = index("tide tide", "tide crew", "port crew").search("tide", 3)
    assert [d.id for d in found] == ["0", "1"]


def test_no_shared_word_finds_nothing() -> None:
    assert index("mast", "sail").search("banana", 2) == ()
    assert index().search("mast", 2) == ()
    assert index("mast").search("", 2) == ()


def test_titles_are_searched() -> None:
    found = Bm25([Document("a", "text", "Parking"), Document("b", "text", "Canteen")]).search("canteen", 2)
    assert [d.id for d in found] == ["b"]


def test_further_documents_compete_in_one_search_only() -> None:
    handbook = index("mast and sail", "rope and deck")
    planted = Document("planted", "mast mast mast")
    assert handbook.search("mast", 1, [planted]) == (planted,)
    assert handbook.search("mast", 1)[0].id == "0"
    # It competes honestly: off the subject it is not retrieved.
    assert planted not in handbook.search("rope deck", 2, [planted])


@given(st.lists(words, min_size=1, max_size=12), words, st.integers(0, 6))
def test_results_share_a_word_are_unique_and_stable(texts: list[list[str]], query: list[str], k: int) -> None:
    bm25 = index(*(" ".join(t) for t in texts))
    found = bm25.search(" ".join(query), k)
    assert len(found) <= k
    assert len({d.id for d in found}) == len(found)
    assert all(set(terms(d.text)) & set(terms(" ".join(query))) for d in found)
    assert found == bm25.search(" ".join(query), k)
    assert found == bm25.search(" ".join(query), k + 1)[:k]


@given(st.lists(words, min_size=1, max_size=8), words)
def test_planting_documents_is_the_same_as_indexing_them(texts: list[list[str]], query: list[str]) -> None:
    documents = [Document(str(n), " ".join(t)) for n, t in enumerate(texts)]
    half = len(documents) // 2
    split = Bm25(documents[:half]).search(" ".join(query), 5, documents[half:])
    assert split == Bm25(documents).search(" ".join(query), 5)
