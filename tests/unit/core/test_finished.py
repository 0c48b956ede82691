"""When a run is finished."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.finished import count_made, finished

RULES = st.sampled_from(["fixed", "sequential", "search"])
NUMBERS = st.integers(0, 10**6)


@pytest.mark.parametrize(
    ("rule", "planned", "made", "concluded", "yes"),
    [
        ("fixed", 20, 20, False, True),
        ("fixed", 20, 19, False, False),
        ("fixed", 20, 10, True, False),  # a fixed plan has no end of its own but the last attempt
        ("fixed", 20, 21, False, False),
        ("fixed", 0, 0, False, True),
        ("sequential", 20, 10, False, False),
        ("sequential", 20, 10, True, True),
        ("sequential", 20, 20, False, True),
        ("search", 20, 3, True, True),
        ("search", 20, 3, False, False),
        ("search", 20, 25, True, False),
    ],
)
def test_each_rule(rule: str, planned: int, made: int, concluded: bool, yes: bool) -> None:
    found = finished(rule, planned, made, concluded=concluded)
    assert found.yes is yes
    assert f"{made}" in found.why or made == planned
    assert f"{planned}" in found.why


def test_ten_of_twenty_attempts_and_ten_retries_are_not_a_finished_run() -> None:
    ids = [f"AT-{n:016x}" for n in range(10)]
    retries = [f"{id}-{n}" for id, n in zip(ids, range(2, 12), strict=True)]
    made = count_made([*ids, *retries])
    assert made == 10
    assert finished("fixed", 20, made) == (False, "10 of 20 planned attempts were made")


@given(RULES, NUMBERS, NUMBERS, st.booleans())
def test_only_attempts_or_a_conclusion_finish_a_run(rule: str, planned: int, made: int, concluded: bool) -> None:
    found = finished(rule, planned, made, concluded=concluded)
    assert found.yes is (made == planned or (made < planned and concluded and rule != "fixed"))
    assert found.why


@given(st.dictionaries(st.integers(0, 2**64 - 1), st.integers(1, 4), max_size=30))
def test_every_planned_attempt_counts_once(tries: dict[int, int]) -> None:
    ids = [f"AT-{n:016x}" + (f"-{k}" if k > 1 else "") for n, most in tries.items() for k in range(1, most + 1)]
    assert count_made(ids) == len(tries)


@pytest.mark.parametrize(("rule", "planned", "made"), [("random", 1, 1), ("fixed", -1, 0), ("fixed", 1, -1)])
def test_nonsense_is_a_value_error(rule: str, planned: int, made: int) -> None:
    with pytest.raises(ValueError):
        finished(rule, planned, made)


def test_the_file_needs_nothing_but_the_standard_library() -> None:
    from shipworthy.core import finished as module

    code = f"import runpy; runpy.run_path({module.__file__!r})"
    assert subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True).returncode == 0
