"""Server-sent events (WHATWG HTML, 9.2): bytes in, events out, however the bytes are cut."""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One event: its data, lines joined by line feeds, and its type (``message`` where it names none)."""

    data: str
    type: str = "message"


class EventReader:
    """Reads a stream of events.

    Lines end in LF, CR or CRLF. Bytes that are no UTF-8 become U+FFFD; a character cut in two by a chunk does not.

    Attributes:
        lines: how many have been read. Comments count: they are how a server says that it is still there.
    """

    def __init__(self) -> None:
        self.lines = 0
        self._rest: list[bytes] = []
        self._data: list[str] = []
        self._type = ""
        self._begun = self._held = False

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Take the next bytes and return the events that they complete."""
        self._rest.append(data)
        # A long line in many small pieces is joined once, not again and again.
        if self._begun and not self._held and b"\n" not in data and b"\r" not in data:
            return []
        pending = b"".join(self._rest)
        if not self._begun:
            if len(pending) < len(_BOM) and _BOM.startswith(pending):
                return []
            pending, self._begun = pending.removeprefix(_BOM), True
        # A CR at the end may be half of a CRLF: which it is shows only with the next byte.
        self._held = pending.endswith(b"\r")
        whole = pending[:-1] if self._held else pending
        *lines, rest = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = [rest, b"\r"] if self._held else [rest]
        found = []
        for line in lines:
            if line.startswith(b"data: "):  # as nearly all are that are not blank
                self.lines += 1
                self._data.append(line[6:].decode("utf-8", "replace"))
            elif (event := self._line(line)) is not None:
                found.append(event)
        return found

    def end(self) -> list[ServerEvent]:
        """Return what the end of the stream completes: many servers leave out the blank line after the last event."""
        rest = b"".join(self._rest).removeprefix(b"" if self._begun else _BOM).removesuffix(b"\r")
        self._rest, self._held, self._begun = [], False, False
        found = [self._line(rest)] if rest else []
        return [event for event in (*found, self._line(b"")) if event is not None]

    def _line(self, line: bytes) -> ServerEvent | None:
        self.lines += 1
        if not line:
            data, kind = self._data, self._type
            self._data, self._type = [], ""
            return ServerEvent("\n".join(data), kind or "message") if data else None
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(text)
        elif name == b"event":
            self._type = text
        return None
