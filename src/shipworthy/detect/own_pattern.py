"""A pattern that a user wrote, compiled before anything is measured with it."""

from __future__ import annotations

import re2

from shipworthy.detect.engine import Encoded, Pattern


def check(pattern: Pattern) -> None:
    """Compile a pattern now.

    Raises:
        ValueError: RE2 refuses it: a syntax error, look-around, a back-reference, too many repetitions. The text is
            RE2's.
    """
    try:
        pattern.found(Encoded(""))
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if isinstance(error, re2.error) else "it holds a lone surrogate"
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from error
