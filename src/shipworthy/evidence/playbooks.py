"""Playbooks: how to mitigate a kind of failure, and how to measure that it helped; Markdown with a head of facts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shipworthy.core.errors import UsageError, did_you_mean

FOLDER = Path(__file__).parents[1] / "library" / "playbooks"


class Playbook(NamedTuple):
    """A playbook.

    Attributes:
        title: its first line; `when` the paragraph below it.
        text: all of it, Markdown.
    """

    id: str
    title: str
    when: str
    text: str


@cache
def playbooks() -> Mapping[str, Playbook]:
    """Return every playbook by its id, sorted."""
    found = {}
    for path in sorted(FOLDER.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        head, _, rest = text.partition("\n\n")
        found[path.stem] = Playbook(path.stem, head.removeprefix("# ").strip(), rest.partition("\n\n")[0], text)
    return found


def playbook_named(wanted: str) -> Playbook:
    """Return a playbook.

    Raises:
        UsageError: there is none.
    """
    if wanted not in playbooks():
        raise UsageError(f"there is no playbook {wanted!r}: {did_you_mean(wanted, list(playbooks()))}")
    return playbooks()[wanted]
