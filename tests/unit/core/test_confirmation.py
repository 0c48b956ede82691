"""Which word stands on a hit."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.core.confirmation import HitWord, standing, word

HITS = {"AT-1": ["AT-1"], "AT-2": ["AT-2", "AT-2-2"]}


def said(number: int, said: str, attempt: str = "AT-1", **more: Any) -> HitWord:
    body = {"run": "RUN-1", "attempt": attempt, "said": said, "by": "ada", "because": "", "tries": HITS[attempt]}
    return word(number, body | more)


def test_the_last_word_stands_whoever_gave_it() -> None:
    words = [said(1, "no-hit"), said(2, "hit", by="bob"), said(3, "no-hit", "AT-2")]
    found = standing(words, "RUN-1", HITS)
    assert [(w.attempt, w.said, w.by, w.entry) for w in found.values()] == [
        ("AT-1", "hit", "bob", 2),
        ("AT-2", "no-hit", "ada", 3),
    ]


def test_a_word_is_of_one_run_and_of_the_tries_that_were_hits_then() -> None:
    assert standing([said(1, "no-hit", run="RUN-2")], "RUN-1", HITS) == {}
    assert standing([said(1, "no-hit", "AT-2", tries=["AT-2"])], "RUN-1", HITS) == {}
    assert standing([said(1, "no-hit")], "RUN-1", {}) == {}


@pytest.mark.parametrize("wrong", [{"said": "perhaps"}, {"said": True}, {"by": ""}])
def test_what_is_no_word_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="entry 7 is no word"):
        word(7, {"run": "R", "attempt": "A", "said": "hit", "by": "ada", "because": "", "tries": []} | wrong)
