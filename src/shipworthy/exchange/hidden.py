"""Credentials kept out of an answer that arrives in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from shipworthy.core.records import Delta
from shipworthy.exchange.forms import MARK, Forms

__all__ = ["MARK", "Hidden"]


class Hidden:
    """Take secrets out of a stream of pieces, however they are cut up.

    The end of what has arrived is held back while it may be the beginning of a secret; everything else leaves at once.

    Args:
        secrets: to hide, in every form that `Forms` finds.
    """

    def __init__(self, secrets: Sequence[str] | Forms) -> None:
        self._forms = secrets if isinstance(secrets, Forms) else Forms(secrets)
        self._held: dict[tuple[str, int], Delta] = {}

    def feed(self, piece: Delta) -> Iterator[Delta]:
        """Take a piece; yield what may leave now."""
        if not self._forms.any:
            yield piece
            return
        key = piece.channel, piece.index
        if (held := self._held.pop(key, None)) is not None:
            piece = replace(piece, text=held.text + piece.text, id=held.id + piece.id, name=held.name + piece.name)
        cut = self._forms.settled(piece.text)
        if cut < len(piece.text):
            self._held[key] = replace(piece, text=piece.text[cut:], id="", name="")
        if cut or piece.id or piece.name:
            yield self._clean(replace(piece, text=piece.text[:cut]))

    def rest(self) -> Iterator[Delta]:
        """Yield what is still held: nothing follows."""
        held, self._held = self._held, {}
        for piece in held.values():
            yield self._clean(piece)

    def _clean(self, piece: Delta) -> Delta:
        clean = self._forms.clean
        return replace(piece, text=clean(piece.text), id=clean(piece.id), name=clean(piece.name))
