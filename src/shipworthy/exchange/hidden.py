"""Credentials kept out of an answer that arrives in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from shipworthy.core.records import Delta

MARK = "[redacted:credential]"


class Hidden:
    """Take secrets out of a stream of pieces, however they are cut up.

    The end of what has arrived is held back while it may be the beginning of a secret; everything else leaves at once.

    Args:
        secrets: to hide; also found as they stand in JSON text, for the arguments of tool calls.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        written = {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets}
        # Longest first: one may hold another.
        self._secrets = sorted(written | set(secrets), key=lambda secret: (-len(secret), secret))
        self._held: dict[tuple[str, int], Delta] = {}

    def feed(self, piece: Delta) -> Iterator[Delta]:
        """Take a piece; yield what may leave now."""
        if not self._secrets:
            yield piece
            return
        key = piece.channel, piece.index
        if (held := self._held.pop(key, None)) is not None:
            piece = replace(piece, text=held.text + piece.text, id=held.id + piece.id, name=held.name + piece.name)
        cut = self._settled(piece.text)
        if cut < len(piece.text):
            self._held[key] = Delta(piece.text[cut:], piece.channel, piece.index)
        if cut or piece.id or piece.name:
            yield self._clean(replace(piece, text=piece.text[:cut]))

    def rest(self) -> Iterator[Delta]:
        """Yield what is still held: nothing follows."""
        held, self._held = self._held, {}
        for piece in held.values():
            yield self._clean(piece)

    def _settled(self, text: str) -> int:
        """Return how many characters can neither begin a secret that is still to come, nor be cut off from one."""
        cut = len(text)
        for secret in self._secrets:
            longest = min(len(secret) - 1, len(text))
            if (n := next((n for n in range(longest, 0, -1) if text.endswith(secret[:n])), 0)) > 0:
                cut = min(cut, len(text) - n)
        moved = True
        while moved:
            moved = False
            for secret in self._secrets:
                # A secret that stands across the cut is held whole.
                at = text.find(secret, max(0, cut - len(secret) + 1))
                if 0 <= at < cut < at + len(secret):
                    cut, moved = at, True
        return cut

    def _clean(self, piece: Delta) -> Delta:
        text, id, name = piece.text, piece.id, piece.name
        for secret in self._secrets:
            text, id, name = text.replace(secret, MARK), id.replace(secret, MARK), name.replace(secret, MARK)
        return replace(piece, text=text, id=id, name=name)
