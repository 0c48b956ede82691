"""Standard output and error that survive a reader who goes away."""

from __future__ import annotations

import os
from typing import IO, Any


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
