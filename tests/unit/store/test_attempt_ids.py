"""The compact set of ids answers as a set of strings does."""

from __future__ import annotations

import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shipworthy.core.finished import PLANNED, count_made
from shipworthy.store.attempt_ids import AttemptIds, compact

# Numbers that meet in the table's first, last and neighbouring slots, and the 0 that marks a free slot.
NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 40) | st.integers(2**64 - 40, 2**64 - 1)
COMMON = NUMBERS.map(lambda n: f"AT-{n:016x}")
ODD = st.sampled_from(
    ["", "AT-", "AT-1", "AT-00000000000000FF", "AT- 00000000000000f", "AT-0000_0000_0000_0f", "AT-+00000000000000f",
     "at-00000000000000ff", "XX-00000000000000ff", "AT-00000000000000ff-2", "AT-0x000000000000ff"]
)  # fmt: skip
IDS = COMMON | ODD | st.builds("{}-{}".format, COMMON, st.integers(2, 12)) | st.text(max_size=20)


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ids, self.model = AttemptIds(), set[str]()

    @rule(id=IDS)
    def add(self, id: str) -> None:
        self.ids.add(id)
        self.model.add(id)

    @rule(first=NUMBERS, step=st.sampled_from([1, 2**32, 2**54, 0x9E3779B97F4A7C15]), count=st.integers(0, 900))
    def add_a_row(self, first: int, step: int, count: int) -> None:
        for n in range(count):
            self.add(f"AT-{(first + n * step) % 2**64:016x}")

    @rule(id=IDS)
    def ask(self, id: str) -> None:
        assert (id in self.ids) == (id in self.model)

    @invariant()
    def same(self) -> None:
        assert len(self.ids) == len(self.model)
        assert set(self.ids) == self.model


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


@given(IDS)
def test_only_the_one_spelling_of_a_number_is_compact(id: str) -> None:
    number = compact(id)
    assert number == 0 or id == f"AT-{number:016x}"


@pytest.mark.parametrize("strange", [None, 7, b"AT-00000000000000ff"])
def test_what_is_no_string_is_not_in_it(strange: object) -> None:
    assert strange not in AttemptIds(["AT-00000000000000ff"])


def test_ids_take_little_memory_also_while_the_table_grows() -> None:
    names = ["AT-" + sha256(str(n).encode()).hexdigest()[:16] for n in range(50_000)]
    tracemalloc.start()
    ids = AttemptIds(names)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ids) == 50_000
    assert peak < 50_000 * 40  # a set of these strings takes 2 MB in slots, and 3.4 MB in strings


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3))))
def test_second_tries_are_not_counted_as_made(tries: list[tuple[int, int]]) -> None:
    ids = [f"AT-{n:016x}" + (f"-{t}" if t > 1 else "") for n, t in tries]
    ids += [id[:PLANNED] for id in ids]  # a second try follows a first one
    assert AttemptIds(ids).made == count_made(ids)
