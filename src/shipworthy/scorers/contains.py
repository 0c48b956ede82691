"""Does the answer contain a text, or every one of several?"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.core.metric import Good
from shipworthy.core.registry import scorer
from shipworthy.scorers._check import TextCheck, Within
from shipworthy.scorers._form import Form, Unicode
from shipworthy.scorers._texts import containing


@scorer
def contains(
    *,
    text: str | Sequence[str] | None = None,
    metric: str = "",
    good: Good = "high",
    within: Within = "last",
    whole_words: bool = False,
    ignore_case: bool = False,
    ignore_space: bool = False,
    unicode: Unicode = "NFC",
) -> TextCheck:
    """Look for texts, all of which must be found.

    By letters alone: an answer that says the same in other words does not contain it, one that denies it does. For
    secrets use `canary_leak`, which undoes disguises. An empty answer has no hit.

    Args:
        text: what to look for, a text or a list; each sample's `expected` if left out.
        metric: the name of the metric; the scorer's id if empty.
        good: ``high`` if a hit is good, ``low`` if it must not happen.
        within: ``last``, the words of the last answer; ``all``, words, tool results and tool arguments of every answer.
        whole_words: a text counts only with no letter, digit or underscore beside it.
        ignore_case: fold case.
        ignore_space: take a run of white space for one blank, and drop it at the ends.
        unicode: ``none``, ``NFC``, ``NFKC``; ``fold`` undoes accents, case, look-alike and invisible characters.

    Raises:
        PluginError: a parameter is none of these, or a text is empty.
    """
    form = Form(ignore_case, ignore_space, unicode).checked("contains")
    return TextCheck(
        "contains",
        containing(form, whole_words=whole_words, every=True),
        wanted=text,
        parameter="text",
        metric=metric,
        good=good,
        within=within,
        settings={"whole_words": whole_words, **form._asdict()},
    )
