"""What comes with shipworthy: the suites of its library."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parent.parent / "library" / "suites"


@cache
def library_suites() -> tuple[str, ...]:
    """Return the ids of the suites that come with shipworthy."""
    return tuple(sorted(path.parent.name for path in LIBRARY.glob("*/suite.yaml")))
