"""Standard output and error that survive a reader who goes away, and that no text from elsewhere can act on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from shipworthy.core.terminal import escape


class Enduring:
    """A text stream that falls silent, instead of raising, once it cannot be written.

    `shipworthy gate | head -3` must exit with its verdict whether or not `head` reads to the end, and an error that
    cannot be printed must not become another exit code: 1 is what an uncaught exception gives, and it means no-ship.

    Args:
        stream: the stream.
        every: bear any failure to write, as for standard error, not only a closed pipe: a report that a full disk cut
            short is a failure.
    """

    def __init__(self, stream: IO[str], *, every: bool = False) -> None:
        self._stream = stream
        self._borne = OSError if every else BrokenPipeError

    def write(self, text: str) -> int:
        """Write, or be silent."""
        try:
            return self._stream.write(text)
        except self._borne:
            self._fall_silent()
            return len(text)

    def flush(self) -> None:
        """Flush, or be silent."""
        try:
            self._stream.flush()
        except self._borne:
            self._fall_silent()

    def _fall_silent(self) -> None:
        # What is still in the buffer is written at exit: to where it does no harm.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Harmless:
    """A text stream that spells out what a terminal would obey, whoever wrote it.

    Attributes:
        unescaped: the stream behind it, for what paints on purpose: a progress bar, colours.
    """

    def __init__(self, stream: IO[str]) -> None:
        self.unescaped = stream

    def write(self, text: str) -> int:
        """Write text, escaped."""
        self.unescaped.write(escape(text))
        return len(text)

    def close(self) -> None:
        """Close nothing: whoever prints here, such as code of a workspace, is not the only one."""
        self.unescaped.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unescaped, name)


@contextmanager
def harmless() -> Iterator[None]:
    """Put `Harmless` before standard output and error, as long as it lasts."""
    out, err = sys.stdout, sys.stderr
    mine = tuple(None if stream is None else Harmless(stream) for stream in (out, err))
    sys.stdout, sys.stderr = mine
    try:
        yield
    finally:
        # Whoever closed them, or put others in their place, is not overruled.
        if sys.stdout is mine[0]:
            sys.stdout = out
        if sys.stderr is mine[1]:
            sys.stderr = err
