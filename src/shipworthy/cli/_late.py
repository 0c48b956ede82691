"""What is raised when nobody waits for it any more: at exit, in a task that nobody asks, when something is thrown away.

It changes no outcome and no exit code. It is said in one line, since it is most often code of a workspace that raised.
"""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress

from shipworthy.core.terminal import escape

_LONGEST = 300


def say_late_errors() -> None:
    """Have Python and asyncio say such errors in one line, for this process."""
    sys.unraisablehook = lambda late: _say(late.exc_value, (late.err_msg or "").removeprefix("Exception ignored "))
    threading.excepthook = _in_a_thread
    logger = logging.getLogger("asyncio")
    logger.addHandler(_OneLine())
    logger.propagate = False


def _in_a_thread(late: threading.ExceptHookArgs) -> None:
    if not issubclass(late.exc_type, SystemExit):  # which ends a thread, and is no error
        _say(late.exc_value, "in a thread")


class _OneLine(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        # A message of asyncio's goes on with what the object looks like, on lines of its own.
        _say(error, "in a task" if error is not None else record.getMessage().partition("\n")[0])


def _say(error: BaseException | None, what: str | None) -> None:
    from shipworthy.core.foreign import kind_of, message_of  # asyncio, which must not come before Windows is refused

    said = "" if error is None else f"{kind_of(error)}: {message_of(error)}"
    line = ": ".join(part for part in ("error that nobody waited for", what, said) if part)
    with suppress(Exception):  # there may be no one left to tell
        sys.stderr.write(f"{escape(line)[:_LONGEST]}\n")
