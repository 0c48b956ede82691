from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from shipworthy.core.collector import EVERY, held_back


@pytest.fixture(autouse=True)
def threshold() -> Iterator[tuple[int, int, int]]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield (700, 10, 10)
    gc.set_threshold(*before)


def test_the_threshold_is_put_back_by_the_last_to_leave(threshold: tuple[int, int, int]) -> None:
    outer, inner = held_back(), held_back()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert gc.get_threshold() == (EVERY, 10, 10)
    inner.__exit__(None, None, None)
    assert gc.get_threshold() == threshold


def test_it_is_put_back_after_a_failure(threshold: tuple[int, int, int]) -> None:
    with pytest.raises(ZeroDivisionError), held_back():
        raise ZeroDivisionError
    assert gc.get_threshold() == threshold


@pytest.mark.parametrize("rarely", [0, EVERY + 1])
def test_what_is_off_or_rarer_already_stays(rarely: int) -> None:
    gc.set_threshold(rarely, 10, 10)
    with held_back():
        assert gc.get_threshold() == (rarely, 10, 10)
    assert gc.get_threshold() == (rarely, 10, 10)
