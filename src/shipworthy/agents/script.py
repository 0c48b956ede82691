"""Scripted calls of tools: what a task's solutions and an attacker's goals are written in.

A step names one tool and its arguments, ``{mail_read: {id: M-101}}``. An argument ``$2.id`` stands for what the
script's second step gave: its answer read as JSON, and the key in it; ``$2`` is the whole answer as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from shipworthy.agents.predicate import look

_REFERENCE = re.compile(r"\$(\d{1,3})(?:\.([\w.-]+))?\Z")


class Step(Struct, frozen=True):
    """One call of a script."""

    tool: str
    arguments: dict[str, Any]


class ScriptProblem(Exception):
    """A script that cannot go on: a step before it gave nothing of the name."""


def steps(written: Sequence[Mapping[str, Mapping[str, Any]]]) -> tuple[Step, ...]:
    """Return the steps that a list of single-key mappings stands for.

    Raises:
        ValueError: a member is none, or names an answer of a step that does not come before it.
    """
    found = []
    for number, row in enumerate(written, 1):
        if not isinstance(row, Mapping) or len(row) != 1:
            raise ValueError(f"step {number} must name one tool and its arguments")
        tool, arguments = next(iter(row.items()))
        if not isinstance(arguments, Mapping):
            raise ValueError(f"step {number}: the arguments of {tool!r} must be a mapping")
        for earlier in _references(arguments):
            if not 1 <= earlier < number:
                raise ValueError(f"step {number} names the answer of step {earlier}, which does not come before it")
        found.append(Step(str(tool), dict(arguments)))
    return tuple(found)


def filled(arguments: Mapping[str, Any], answers: Sequence[str]) -> dict[str, Any]:
    """Return arguments with what earlier steps gave in place of its names.

    Args:
        answers: the texts that the tools gave, one a step.

    Raises:
        ScriptProblem: an answer has no such key.

    >>> filled({"id": "$1.id", "text": "as $1"}, ['{"id": "E-7"}'])
    {'id': 'E-7', 'text': 'as $1'}
    """
    made: dict[str, Any] = _filled(arguments, answers)
    return made


def _filled(value: Any, answers: Sequence[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(inner, answers) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, answers) for inner in value]
    if not (isinstance(value, str) and (match := _REFERENCE.match(value))):
        return value
    text = answers[int(match[1]) - 1] if int(match[1]) <= len(answers) else ""
    if match[2] is None:
        return text
    try:
        # What was planted behind an answer is no part of its JSON.
        found = look(msgspec.json.decode(text.partition("\n")[0]), match[2])
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, str | int | float | list | dict):
        raise ScriptProblem(f"step {match[1]} gave no {match[2]!r}")
    return found


def _references(value: Any) -> list[int]:
    if isinstance(value, Mapping):
        return [found for inner in value.values() for found in _references(inner)]
    if isinstance(value, list | tuple):
        return [found for inner in value for found in _references(inner)]
    match = _REFERENCE.match(value) if isinstance(value, str) else None
    return [int(match[1])] if match else []
