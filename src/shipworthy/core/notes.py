"""What people write into a generated document, and how it lives through the next one.

Between two marks is a person's; everything else is ours and written anew. Each document remembers the digest of what
was ours in it, so that a change outside of the marks is noticed, told, and never overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from shipworthy.core.digests import bytes_digest

_OPEN = re.compile(r"<!-- write here: ([0-9a-z][0-9a-z.-]*) -->")
_CLOSE = "<!-- written -->"
_SEAL = re.compile(r"<!-- made by shipworthy from (?P<basis>\S+); ours: (?P<digest>sha256:[0-9a-f]{64}) -->\n?\Z")
KEPT = "kept"
"""The block for what stood in blocks that the new document has no place for."""


class WrittenNote(NamedTuple):
    """What a person wrote into a block: the document's file in the workspace, the text, and its digest."""

    file: str
    text: str
    digest: str


class Reread(NamedTuple):
    """A document that was made before.

    Attributes:
        blocks: what people wrote, by the block's name; blocks without words are left out.
        broken: numbers of lines, 1-based, of the marks that are broken; empty where none is.
        changed: whether something outside of the blocks is not what was generated.
    """

    blocks: Mapping[str, str]
    broken: tuple[int, ...]
    changed: bool


def block(name: str, text: str) -> str:
    """Return a block as it stands in a document."""
    return f"<!-- write here: {name} -->\n{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{_CLOSE}\n"


def sealed(document: str, basis: str) -> str:
    """Return a document with its last line: what it was made from, and the digest of what is ours in it."""
    document = document.rstrip("\n") + "\n\n"
    return f"{document}<!-- made by shipworthy from {basis}; ours: {_ours(document)} -->\n"


def reread(document: str) -> Reread:
    """Return what people did to a document.

    A block that is opened and not closed, or opened inside another one, is broken: where a person's words end is not
    known then.
    """
    blocks: dict[str, str] = {}
    broken: list[int] = []
    seen: set[str] = set()
    name, begun, held = "", 0, list[str]()
    for number, line in enumerate(document.replace("\r\n", "\n").split("\n"), 1):
        opened = _OPEN.fullmatch(line.strip())
        if opened:
            if name:
                broken.append(begun)
            name, begun, held = opened[1], number, []
            if name in seen:
                broken.append(number)
            seen.add(name)
        elif line.strip() == _CLOSE:
            if not name:
                broken.append(number)
            elif text := "\n".join(held).strip("\n"):
                blocks[name] = text
            name = ""
        elif name:
            held.append(line)
    if name:
        broken.append(begun)
    seal = _SEAL.search(document.replace("\r\n", "\n"))
    same = seal is not None and _ours(document.replace("\r\n", "\n")[: seal.start()]) == seal["digest"]
    return Reread(blocks, tuple(broken), not same)


def merged(document: str, blocks: Mapping[str, str]) -> str:
    """Return a document with people's words in their blocks; what has no place any more stands at its end.

    Args:
        document: generated, with its blocks, not yet sealed.
    """
    left = dict(blocks)

    def fill(found: re.Match[str]) -> str:
        name = found["name"]
        return block(name, left.pop(name)) if name in left else found.group()

    pattern = rf"<!-- write here: (?P<name>[0-9a-z.-]+) -->\n(?:.*?\n)??{re.escape(_CLOSE)}\n"
    document = re.sub(pattern, fill, document, flags=re.DOTALL)
    if left:
        told = "\n\n".join(f"From the block {name}:\n\n{text}" if name != KEPT else text for name, text in left.items())
        document = f"{document.rstrip(chr(10))}\n\n## Kept from an earlier version\n\n{block(KEPT, told)}"
    return document


def _ours(document: str) -> str:
    """Return the digest of a document with everything between marks taken out."""
    lines, inside = [], False
    for line in document.split("\n"):
        if line.strip() == _CLOSE:
            inside = False
        if not inside:
            lines.append(line.rstrip())
        if _OPEN.fullmatch(line.strip()):
            inside = True
    # What a person leaves between marks may move our lines apart; what is ours is the words.
    text = "\n".join(line for line in lines if line)
    return bytes_digest(text.encode())


def digest_of(text: str) -> str:
    """Return the digest of what a person wrote."""
    return bytes_digest(text.encode())
