"""Hashed n-grams of a text: the same features in training and in use, numpy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from shipworthy.detect.normalise import fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUOTES = str.maketrans("\u2019\u2018\u02bc\u00b4`\u201c\u201d", "'''''\"\"")
_PRIME = 0x01000193
_MIX = np.uint32(0x9E3779B1)


def plain(text: str, length: int) -> str:
    """Return the first `length` characters of a text, folded, with single spaces and straight quotes."""
    return " ".join(fold(text[: 2 * length].translate(_QUOTES)).text.split())[:length]


def chars(text: str, bits: int, sizes: range, salt: int) -> NDArray[np.uint32]:
    """Return the buckets (with repeats) of a text's character n-grams of each size, hashed to ``2**bits``."""
    codes = np.frombuffer(f" {text} ".encode("latin-1", "replace"), dtype=np.uint8).astype(np.uint32)
    found: list[NDArray[np.uint32]] = []
    state = codes + np.uint32(salt)
    for size in range(2, sizes.stop):
        if len(state) < 2:
            break
        # state[i] hashes the `size` characters from i.
        state = state[:-1] * np.uint32(_PRIME) ^ codes[size - 1 :]
        if size in sizes:
            mixed = (state + np.uint32(size)) * _MIX
            found.append(mixed >> np.uint32(32 - bits))
    return np.concatenate(found) if found else np.zeros(0, np.uint32)


def words(text: str, bits: int, longest: int, salt: int) -> NDArray[np.uint32]:
    """Return the buckets of a text's word n-grams up to `longest` words, hashed to ``2**bits``."""
    tokens = text.split()
    base = np.array([crc32(t.strip('.,;:!?()[]{}"*#-').encode("utf-8", "replace")) for t in tokens], dtype=np.uint32)
    found: list[NDArray[np.uint32]] = []
    state = base + np.uint32(salt)
    for size in range(1, longest + 1):
        if size > 1:
            if len(state) < 2:
                break
            state = state[:-1] * np.uint32(_PRIME) ^ base[size - 1 :]
        found.append(((state + np.uint32(size)) * _MIX) >> np.uint32(32 - bits))
    return np.concatenate(found) if found else np.zeros(0, np.uint32)
