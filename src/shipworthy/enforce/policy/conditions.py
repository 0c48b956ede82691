"""Conditions in CEL: ``when:`` of a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from shipworthy.core.errors import PluginError
from shipworthy.core.extras import require

VARIABLES = ("args", "says", "tainted", "flagged", "calls")
"""What a condition may name: the call's arguments, the user's words, whether untrusted text was read, whether a guard
flagged a text, and the number of calls of each tool that were allowed so far."""

_BOUND = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*([A-Za-z_]\w*)\s*,")
"""What a search through a list calls its items. A name that is bound nowhere has no answer when it is asked."""

_TYPES = frozenset({"bool", "bytes", "double", "duration", "int", "list", "map", "string", "timestamp", "type", "uint"})


def condition(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """Compile a condition; the function it returns says whether it holds, and raises where it has no answer.

    Raises:
        PluginError: it is no CEL, or names what does not exist.
        MissingExtra: the library for CEL is not installed.
    """
    cel = require("cel", extra="policy", package="common-expression-language")
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise PluginError(f"when: {str(error).splitlines()[0]}") from None
    unknown = sorted(set(program.variables()) - set(VARIABLES) - _TYPES - set(_BOUND.findall(text)))
    if unknown:
        raise PluginError(f"when: there is no {unknown[0]!r}; a condition may name {', '.join(VARIABLES)}")

    def holds(given: Mapping[str, Any]) -> bool:
        said = program.execute(dict(given))
        if not isinstance(said, bool):
            raise TypeError("a condition must be true or false")
        return said

    return holds
