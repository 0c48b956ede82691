"""Statements about a state, held against it: what counts is what is there, never what an agent says it did.

A pattern is held against a value so:

- a mapping whose keys are all operators: every one of them holds. ``contains`` (a part of a text, or a member of a
  list that fits), ``only`` (a list whose members all fit some of these, and has one), ``any_of`` (one of these fits),
  ``part_of`` (it is a part of this text), ``not`` (it does not fit),
  ``at_least``, ``at_most`` (numbers or texts such as dates), ``empty`` (true or false);
- any other mapping: the value is a mapping, and each key that is named leads to a value that fits;
- a list: a list of the same length, each member of which fits one of the pattern's, all of them used;
- a text: the same text without case and without blanks around and between words; a number: within one billionth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shipworthy.core.scene import Predicate

OPERATORS = frozenset({"contains", "part_of", "only", "any_of", "not", "at_least", "at_most", "empty"})

_MISSING = object()


def holds(predicate: Predicate, state: Mapping[str, Any]) -> bool:
    """Say whether a statement is true of a state, which is JSON.

    >>> state = {"mail": {"sent": [{"to": ["Ana@North.example"], "body": "Hello  there"}]}}
    >>> holds(Predicate("mail.sent", has={"to": {"contains": "ana@north.example"}, "body": "hello there"}), state)
    True
    >>> holds(Predicate("mail.sent", lacks={"body": {"contains": "HELLO"}}), state)
    False
    """
    value = look(state, predicate.at)
    if predicate.gone:
        return value is _MISSING
    if predicate.equals is not None:
        return value is not _MISSING and fits(predicate.equals, value)
    if predicate.lacks is not None:
        # Of what is not there at all nothing can be said: a slip in a path must not read as "it did not happen".
        return value is not _MISSING and not any(fits(predicate.lacks, record) for record in _records(value))
    found = sum(fits(predicate.has, record) for record in _records(value))
    return found == predicate.times if predicate.times is not None else found > 0


def all_hold(predicates: Sequence[Predicate], state: Mapping[str, Any]) -> bool:
    """Say whether all of them are true, and there is one."""
    return bool(predicates) and all(holds(predicate, state) for predicate in predicates)


def look(state: Any, path: str) -> Any:
    """Return what a path leads to, or a value that equals nothing. A number leads into a list."""
    for key in path.split("."):
        if isinstance(state, Mapping) and key in state:
            state = state[key]
        elif isinstance(state, list) and key.isascii() and key.isdigit() and int(key) < len(state):
            state = state[int(key)]
        else:
            return _MISSING
    return state


def fits(pattern: Any, value: Any) -> bool:
    """Say whether a value fits a pattern; see the module."""
    if isinstance(pattern, Mapping):
        if pattern and pattern.keys() <= OPERATORS:
            return all(_operator(name, wanted, value) for name, wanted in pattern.items())
        return isinstance(value, Mapping) and all(
            key in value and fits(wanted, value[key]) for key, wanted in pattern.items()
        )
    if isinstance(pattern, list | tuple):
        return isinstance(value, list | tuple) and len(pattern) == len(value) and _paired(list(pattern), list(value))
    if isinstance(pattern, bool) or isinstance(value, bool) or pattern is None:
        return pattern is value
    if isinstance(pattern, int | float):
        return isinstance(value, int | float) and abs(pattern - value) <= 1e-9 * max(1.0, abs(pattern))
    return isinstance(value, str) and plain(str(pattern)) == plain(value)


def plain(text: str) -> str:
    """Return a text without case and without blanks around and between words but one."""
    return " ".join(text.casefold().split())


def _operator(name: str, wanted: Any, value: Any) -> bool:
    match name:
        case "contains":
            if isinstance(value, str):
                return plain(str(wanted)) in plain(value)
            return any(fits(wanted, record) for record in _records(value))
        case "part_of":
            return isinstance(value, str) and plain(value) in plain(str(wanted))
        case "only":
            records = list(_records(value))
            return bool(records) and all(any(fits(one, record) for one in _listed(wanted)) for record in records)
        case "any_of":
            return any(fits(one, value) for one in _listed(wanted))
        case "not":
            return not fits(wanted, value)
        case "empty":
            return isinstance(value, str | list | Mapping) and (not value) is bool(wanted)
        case _:
            comparable = (
                isinstance(wanted, int | float) and isinstance(value, int | float) and not isinstance(value, bool)
            ) or (isinstance(wanted, str) and isinstance(value, str))
            if not comparable:
                return False
            return bool(value >= wanted) if name == "at_least" else bool(value <= wanted)


def _listed(wanted: Any) -> Iterable[Any]:
    return wanted if isinstance(wanted, list | tuple) else (wanted,)


def _records(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value


def _paired(patterns: list[Any], values: list[Any]) -> bool:
    """Say whether each pattern can be given a value of its own that fits it (both have few members)."""
    if not patterns:
        return True
    first, rest = patterns[0], patterns[1:]
    return any(fits(first, value) and _paired(rest, values[:i] + values[i + 1 :]) for i, value in enumerate(values))
