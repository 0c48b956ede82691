"""Is the answer exactly what the sample expects?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shipworthy.core.metric import Good
from shipworthy.core.registry import scorer
from shipworthy.scorers._check import Search, SearchHits, TextCheck, texts_of
from shipworthy.scorers._form import Form, Unicode


@scorer
def equals(
    *,
    text: str | Sequence[str] | None = None,
    metric: str = "",
    good: Good = "high",
    ignore_case: bool = False,
    ignore_space: bool = True,
    unicode: Unicode = "NFC",
) -> TextCheck:
    """Compare the words of the last answer, whole, with the accepted ones.

    For answers of a closed form: a label, a code, yes or no. Of free text nearly none is equal to another. An empty
    answer has no hit.

    Args:
        text: the accepted answer, or a list of them; each sample's `expected` if left out.
        metric: the name of the metric; the scorer's id if empty.
        good: ``high`` if a hit is good, ``low`` if it must not happen.
        ignore_case: fold case.
        ignore_space: take a run of white space for one blank, and drop it at the ends.
        unicode: ``none``, ``NFC``, ``NFKC``; ``fold`` undoes accents, case, look-alike and invisible characters.

    Raises:
        PluginError: a parameter is none of these, or an accepted answer is empty.
    """
    form = Form(ignore_case, ignore_space, unicode).checked("equals")

    def make(wanted: Any) -> Search:
        accepted = {form.prepare(text).text for text in texts_of(wanted)}
        if "" in accepted:
            raise ValueError("an accepted answer is empty, or nothing of it is left: an empty answer is never scored")

        def search(texts: Sequence[str]) -> SearchHits:
            same = form.prepare(texts[-1]).text in accepted
            return SearchHits(same, "the answer is an accepted one" if same else "the answer is no accepted one")

        return search

    return TextCheck("equals", make, wanted=text, parameter="text", metric=metric, good=good, settings=form._asdict())
