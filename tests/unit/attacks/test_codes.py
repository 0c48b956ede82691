from __future__ import annotations

import pytest

from shipworthy.attacks._codes import CODES, READ, flat, written
from shipworthy.evals.evasion_goals import goals

TEXTS = sorted({goal.text for goal in goals()})


@pytest.mark.parametrize("code", CODES)
def test_what_is_written_can_be_read_back(code: str) -> None:
    can = [text for text in TEXTS if written(text, (code,)) is not None]
    assert can
    assert all(flat(CODES[code].read(CODES[code].write(text))) == flat(text) for text in can)


def test_a_code_that_loses_a_letter_or_changes_nothing_is_none() -> None:
    assert written("4111 1111", ("capitals",)) is None
    assert written("abc", ("key caps",)) is None
    assert written("B4TH", ("leet, vowels",)) is None  # its own digit would be read as a letter
    assert written("HERON-4471", ("base85", "capitals")) is None
    assert written("HERON-4471", ()) == "HERON-4471"


def test_those_that_the_guard_reads_are_among_them() -> None:
    assert set(READ) < set(CODES)
