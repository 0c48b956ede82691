"""What of a text is compared with AgentDojo's injection tasks: four words in a row, addresses and accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator


def shingles(text: str) -> Iterator[str]:
    """Yield four words in a row, folded, two of them of five letters or more; and addresses, links, long numbers."""
    words = re.findall(r"[\w@.:/+-]*\w", text.casefold())
    for start in range(len(words) - 3):
        if sum(len(word) >= 5 for word in words[start : start + 4]) >= 2:
            yield " ".join(words[start : start + 4])
    yield from (w for w in words if "@" in w or "www." in w or "://" in w or sum(c.isdigit() for c in w) >= 8)
