"""DER, read strictly: as much of ITU-T X.690 as a time stamp needs. Standard library only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from shipworthy.core.errors import IntegrityError

BOOLEAN, INTEGER, OCTETS, OID, TIME, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x06, 0x18, 0x30, 0x31
_DEEPEST = 64


class DerValue(NamedTuple):
    """One value.

    Attributes:
        tag: class, form and number in one byte, such as `SEQUENCE`; ``0xA0`` is the constructed ``[0]``.
        content: without its head; `whole` with it.
    """

    tag: int
    content: bytes
    whole: bytes

    def expect(self, tag: int, what: str) -> DerValue:
        """Return it, if it has a tag.

        Raises:
            IntegrityError: it has another one.
        """
        if self.tag != tag:
            raise IntegrityError(f"{what}: the tag {self.tag:#04x} stands where {tag:#04x} should")
        return self

    def parts(self, what: str) -> list[DerValue]:
        """Return what a constructed value holds, in order.

        Raises:
            IntegrityError: it is none, or not DER.
        """
        if not self.tag & 0x20:
            raise IntegrityError(f"{what}: no list of values")
        found, at = [], 0
        while at < len(self.content):
            value, at = _read(self.content, at, what)
            found.append(value)
        return found

    def oid(self, what: str) -> str:
        """Return an object identifier in dots, such as ``1.2.840.113549.1.7.2``."""
        data = self.expect(OID, what).content
        if not data or len(data) > _DEEPEST or data[-1] & 0x80:
            raise IntegrityError(f"{what}: no object identifier")
        numbers, number = list[int](), 0
        for byte in data:
            number = number << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(number)
                number = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))

    def integer(self, what: str) -> int:
        """Return a whole number."""
        data = self.expect(INTEGER, what).content
        if not data or len(data) > _DEEPEST:
            raise IntegrityError(f"{what}: no number, or one of more than {_DEEPEST} bytes")
        return int.from_bytes(data, "big", signed=True)

    def time(self, what: str) -> datetime:
        """Return a GeneralizedTime in UTC, as RFC 3161 writes it: ``20261201T…Z`` without the T."""
        text = self.expect(TIME, what).content.decode("ascii", "replace")
        for form in ("%Y%m%d%H%M%SZ", "%Y%m%d%H%M%S.%fZ"):
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise IntegrityError(f"{what}: {text!a} is no time in UTC")


def read(data: bytes, what: str) -> DerValue:
    """Return the one value that some bytes are, with nothing behind it.

    Raises:
        IntegrityError: they are none.
    """
    value, end = _read(data, 0, what)
    if end != len(data):
        raise IntegrityError(f"{what}: {len(data) - end} bytes follow its end")
    return value


def _read(data: bytes, at: int, what: str) -> tuple[DerValue, int]:
    head = data[at : at + 2]
    if len(head) < 2 or head[0] & 0x1F == 0x1F:
        raise IntegrityError(f"{what}: cut off, or not DER")
    start, size = at + 2, head[1]
    if size & 0x80:
        count = size & 0x7F
        lengths = data[start : start + count]
        size = int.from_bytes(lengths, "big")
        # Of all ways to write a length, DER takes the shortest; without a length (BER's 0x80) there is no end.
        if not 1 <= count <= 4 or len(lengths) < count or lengths[0] == 0 or size < 0x80:
            raise IntegrityError(f"{what}: a length that is not DER")
        start += count
    if start + size > len(data):
        raise IntegrityError(f"{what}: cut off")
    return DerValue(head[0], data[start : start + size], data[at : start + size]), start + size
