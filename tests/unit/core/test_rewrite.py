"""Every text of a record is found by its type, and a text whose type says nothing is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import pytest

from shipworthy.core.records import Attempt, RunManifest
from shipworthy.core.rewrite import check_texts, rewrite
from shipworthy.core.text import Bytes, Content, Fingerprint, Name, Spans


class Leaf(msgspec.Struct, frozen=True, tag="leaf"):
    said: Content
    word: Name = "kept"


class Other(msgspec.Struct, frozen=True, tag="other"):
    place: Spans = ()


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    kind: Literal["a", "b"] = "a"
    count: int | None = None
    leaf: Leaf
    leaves: tuple[Leaf | Other, ...] = ()
    listed: list[Leaf] = []
    pair: tuple[int, Content] = (1, "x")
    table: dict[Name, Content] = {}
    free: dict[str, Any] = {}
    any: Any = None
    maybe: Content | None = None
    picture: Bytes = ""
    digest: Fingerprint = ""
    children: tuple[Tree, ...] = ()


def tree(**fields: Any) -> Tree:
    return Tree(leaf=Leaf("said"), **fields)


SHOUT = {"content": str.upper}


def test_every_place_of_a_text_is_found() -> None:
    made = tree(
        leaves=(Leaf("one"), Other(((1, 2),))), listed=[Leaf("two")], pair=(3, "four"), table={"k": "five"},
        maybe="six", children=(tree(maybe="seven"),), free={"eight": ["nine"]}, any="ten", picture="p", digest="d",
    )  # fmt: skip
    assert rewrite(made, SHOUT) == Tree(
        leaf=Leaf("SAID"), leaves=(Leaf("ONE"), Other(((1, 2),))), listed=[Leaf("TWO")], pair=(3, "FOUR"),
        table={"k": "FIVE"}, maybe="SIX", children=(Tree(leaf=Leaf("SAID"), maybe="SEVEN", pair=(1, "X")),),
        free={"eight": ["nine"]}, any="ten", picture="p", digest="d",
    )  # fmt: skip


def test_each_kind_has_a_rule_of_its_own() -> None:
    made = tree(
        leaves=(Other(((1, 2),)),), table={"k": "v"}, free={"a": 1}, any=[2], picture="p", digest="d", maybe="m"
    )
    rules = {
        "name": lambda text: f"n:{text}",
        "json": lambda value: ["json", value],
        "bytes": lambda text: f"b:{text}",
        "fingerprint": lambda text: f"f:{text}",
        "spans": lambda spans: (*spans, (8, 9)),
    }
    new = rewrite(made, rules)
    assert (new.leaf, new.leaves) == (Leaf("said", "n:kept"), (Other(((1, 2), (8, 9))),))
    assert (new.table, new.free, new.any) == ({"n:k": "v"}, ["json", {"a": 1}], ["json", [2]])
    assert (new.picture, new.digest, new.maybe) == ("b:p", "f:d", "m")


def test_what_does_not_change_is_the_same_object() -> None:
    made = tree(leaves=(Leaf("one"), Leaf("two")), listed=[Leaf("three")], table={"k": "v"}, free={"a": "b"})
    assert rewrite(made, {}) is made
    assert rewrite(made, {kind: lambda value: value for kind in ("content", "name", "json", "spans")}) is made
    new = rewrite(made, {"content": lambda text: "TWO" if text == "two" else text})
    assert new.leaves == (Leaf("one"), Leaf("TWO"))
    assert new.leaves[0] is made.leaves[0]
    assert new.table is made.table


class Bare(msgspec.Struct, tag="bare"):
    fine: Content
    note: str = ""


class Inside(msgspec.Struct):
    first: Leaf
    bare: tuple[Leaf | Bare, ...] = ()


class Keys(msgspec.Struct):
    counts: dict[str, int]


class Clock(msgspec.Struct):
    at: datetime


class Raw(msgspec.Struct):
    data: bytes


class Maybe(msgspec.Struct):
    note: str | None = None


@pytest.mark.parametrize(
    ("kind", "named"),
    [(Bare, "Bare.note"), (Inside, "Bare.note"), (Keys, "Keys.counts"), (Clock, "Clock.at"), (Raw, "Raw.data"),
     (Maybe, "Maybe.note")],
)  # fmt: skip
def test_a_text_field_without_a_type_is_refused_by_name(kind: type[msgspec.Struct], named: str) -> None:
    for _ in range(2):  # Being refused once does not make it known.
        with pytest.raises(TypeError, match=f"{named} may be durable"):
            check_texts(kind)


@pytest.mark.parametrize("kind", [Attempt, RunManifest])
def test_no_text_that_becomes_durable_is_without_a_type(kind: type[msgspec.Struct]) -> None:
    check_texts(kind)


def test_an_object_with_more_fields_than_declared_is_walked_by_its_own_class() -> None:
    class More(Leaf, frozen=True, tag="leaf"):
        extra: Content = ""

    class Worse(Leaf, frozen=True, tag="leaf"):
        extra: str = ""

    assert rewrite(tree(leaves=(More("a", extra="b"),)), SHOUT).leaves == (More("A", extra="B"),)
    with pytest.raises(TypeError, match=r"Worse\.extra"):
        rewrite(tree(leaves=(Worse("a", extra="b"),)), SHOUT)


def test_a_value_that_its_type_does_not_allow_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Tree\.leaves holds a str"):
        rewrite(tree(leaves=("a secret",)), SHOUT)
