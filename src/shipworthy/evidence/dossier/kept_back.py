"""The last net under the customer's view: no text of a sample, an attack or a prompt may stand in it.

Sections open only what carries none. But titles, reasons and words are people's, and they may have quoted one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.dossier.fact import DossierPart
from shipworthy.workspace.load import Workspace

WINDOW = 8
"""Words in a row that are taken for a quotation; a shorter text counts where it stands there whole."""
LEAST = 3
"""Words of a text that is looked for at all: of two words anybody may think."""

_WORD = re.compile(r"\w+")
_Shingle = tuple[str, ...]


def check_customer_parts(parts: Sequence[DossierPart], workspace: Workspace, members: Mapping[str, bytes]) -> None:
    """Refuse sections that quote what a customer may not see.

    Args:
        members: of a pack; the conversations in its records are looked for, too.

    Raises:
        IntegrityError: names the section, and what stands there.
    """
    kept = {shingle for text in (*withheld(workspace), *recorded(members)) for shingle in _shingles(text)}
    lengths = sorted({len(one) for one in kept})
    for part in parts:
        for text in strings(msgspec.to_builtins(part)):
            words = _words(text)
            for length in lengths:
                for at in range(len(words) - length + 1):
                    if (found := words[at : at + length]) in kept:
                        raise IntegrityError(
                            f"{part.title}: what customers are given would hold the text of a sample, an attack or a "
                            f"prompt: {' '.join(found)!r}. Say it in other words in the files that it comes from"
                        )


def withheld(workspace: Workspace) -> Iterator[str]:
    """Yield the texts of all samples, of what attacks and targets were written with, and of judges' questions."""
    for suite in workspace.suites.values():
        for sample in suite.samples:
            yield from strings(msgspec.to_builtins(sample.messages))
            yield from strings(msgspec.to_builtins(sample.documents))
            yield from strings(sample.expected)
            yield from sample.secrets
        for use in (*suite.attacks, *suite.scorers):
            yield from strings(use.params)
    for use in workspace.targets.values():
        yield from strings(use.params)


def recorded(members: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what was said in the attempts that a pack records, by whoever asked: attacks have their words there."""
    for name, data in members.items():
        if name.startswith("runs/") and "/attempts" in name:
            for line in data.splitlines():
                for event in json.loads(line)["attempt"].get("events", ()):
                    if event.get("type") == "said":
                        yield from strings(event["message"])


def strings(value: Any) -> Iterator[str]:
    """Yield every text inside a value as JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, Iterable):
        for one in value:
            yield from strings(one)


def _words(text: str) -> _Shingle:
    return tuple(_WORD.findall(text.casefold()))


def _shingles(text: str) -> Iterator[_Shingle]:
    words = _words(text)
    if len(words) < LEAST:
        return
    length = min(WINDOW, len(words))
    for at in range(len(words) - length + 1):
        yield words[at : at + length]
