"""What a text should not hold before a model reads or learns it: credentials, personal data, orders, hidden text."""

from __future__ import annotations

from typing import NamedTuple

from shipworthy.core.errors import GuardError
from shipworthy.detect import injection, pii, secrets
from shipworthy.detect.plain import readings
from shipworthy.detect.spans import Span

SORTS = ("secret", "personal_data", "instruction", "hidden")


class Found(NamedTuple):
    """Characters ``start <= i < end`` of a text.

    Attributes:
        sort: one of `SORTS`.
        kind: what it is more closely, as its detector names it.
        read: how the text was read where it was found (``base64``, ...); "" as it stands.
    """

    start: int
    end: int
    sort: str
    kind: str
    read: str = ""


def scan(text: str) -> list[Found]:
    """Return what is found in a text, as it stands and in its other readings (`plain.readings`), in order.

    A text of more codes than are read is ``hidden`` as a whole. Orders to a model are found by their wordings alone
    (`injection`): who words one in a new way is not found.
    """
    found = {Found(span.start, span.end, sort, span.kind) for sort, span in _spans(text)}
    try:
        ways = readings(text)
    except GuardError:
        found.add(Found(0, len(text), "hidden", "codes"))
        ways = []
    for reading in ways:
        for sort, span in _spans(reading.text):
            start, end = reading.starts[span.start], max(reading.ends[span.start : span.end])
            if not any(f.start <= start and end <= f.end and f.sort == sort and f.kind == span.kind for f in found):
                found.add(Found(start, end, sort, span.kind, reading.form))
    return sorted(found)


def _spans(text: str) -> list[tuple[str, Span]]:
    return [
        *(("secret", span) for span in secrets.find(text)),
        *(("personal_data", span) for span in pii.merged(text)),
        # That something is encoded or hidden is one thing, what it says another.
        *(
            ("hidden" if span.kind in ("invisible", "encoded") else "instruction", span)
            for span in injection.find(text)
        ),
    ]
