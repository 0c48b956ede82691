"""Is the answer JSON, and as a schema says?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.metric import Good
from shipworthy.core.registry import scorer
from shipworthy.detect.json_schema import compiled
from shipworthy.scorers._check import Search, SearchHits, TextCheck

_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL | re.IGNORECASE)


@scorer
def json_schema(
    *,
    schema: Mapping[str, Any] | None = None,
    fence: bool = False,
    metric: str = "",
    good: Good = "high",
) -> TextCheck:
    """Read the words of the last answer as JSON and hold the value to a schema.

    The whole answer must be one JSON value: words around it fail. ``NaN``, ``Infinity`` and a name given twice in one
    object are no JSON here, nor is what is nested too deep for Python to read. The part of JSON Schema that is known
    stands in `_schema`; another keyword is refused when the suite is read. Patterns are RE2's. That a value has the
    right form does not say that it is right. An empty answer has no hit.

    Args:
        schema: the schema, as YAML; ``{}`` asks only for JSON; each sample's `expected` if left out.
        fence: whether an answer that is one Markdown code block counts as what stands in it.
        metric: the name of the metric; the scorer's id if empty.
        good: ``high`` if a hit is good, ``low`` if it must not happen.

    Raises:
        PluginError: a parameter is none of these; the schema is none, or uses what is not known.
    """

    def make(wanted: Any) -> Search:
        if not isinstance(wanted, Mapping):
            raise ValueError("a schema is a mapping")
        fits = compiled(wanted)

        def search(texts: Sequence[str]) -> SearchHits:
            text = texts[-1].strip()
            fenced = _FENCE.fullmatch(text) if fence else None
            try:
                value = json.loads(fenced[1] if fenced else text, parse_constant=_refuse, object_pairs_hook=_once)
                ok = fits(value)
            except (ValueError, RecursionError):
                return SearchHits(False, "the answer is not JSON")
            return SearchHits(
                ok, "the answer is as the schema says" if ok else "the answer is JSON, not as the schema says"
            )

        return search

    return TextCheck(
        "json_schema", make, wanted=schema, parameter="schema", metric=metric, good=good, settings={"fence": fence}
    )


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is given twice")
    return made
