from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum, StrEnum

import pytest
from pydantic import BaseModel

from shipworthy.adapters.values import arguments_of, plain, written


class Colour(StrEnum):
    RED = "red"


class Number(Enum):
    ONE = 1


class Said(str):
    """A framework's own kind of text."""


class Mail(BaseModel):
    to: str
    on: date


@dataclass
class Pair:
    a: int
    b: object


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Colour.RED, "red"),
        (Number.ONE, 1),
        (Said("x"), "x"),
        (Mail(to="ada", on=date(2026, 3, 1)), {"to": "ada", "on": "2026-03-01"}),
        (Pair(1, (Said("y"),)), {"a": 1, "b": ["y"]}),
        ({1: {2}}, {"1": [2]}),
        (date(2026, 3, 1), "2026-03-01"),
        (True, True),
        (None, None),
    ],
)
def test_values_are_as_json_holds_them(given, expected):
    found = plain(given)
    assert found == expected and type(found) is type(expected)


def test_what_is_no_json_is_its_text():
    assert plain({"a": object}) == {"a": str(object)}
    assert written({"a": 1}) == '{"a":1}' and written("a") == "a"


def test_arguments_share_nothing_with_what_was_given():
    given = {"to": ["ada"]}
    found = arguments_of(given)
    given["to"].append("eve")
    assert found == {"to": ["ada"]}


def test_nothing_is_no_arguments():
    assert arguments_of(None) == arguments_of("") == {}


@pytest.mark.parametrize("wrong", ["[1]", "{", 3, [("a", 1)]])
def test_what_is_no_object_is_none(wrong):
    with pytest.raises(ValueError, match=r"."):
        arguments_of(wrong)
