"""What depends on the day: waivers that ran out, levers that nobody has pulled for long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from shipworthy.core.errors import Problem
from shipworthy.workspace.graph import Graph, Node
from shipworthy.workspace.kinds.lever import Lever

SOON_DAYS = 14
"""Before a waiver's end that is said."""


class Dated(NamedTuple):
    """What is wrong on a day, and what soon will be or should be looked at."""

    problems: list[Problem]
    warnings: list[Problem]


def dated(graph: Graph, today: date, drilled: Mapping[str, date] = MappingProxyType({})) -> Dated:
    """Return what is wrong with a workspace on a day, with the place of each.

    It is no part of loading: the same files load on every day.

    Args:
        drilled: the last day on which each lever worked in a recorded drill; it counts beside the files' word.
    """
    found = Dated([], [])
    for node in graph.of_kind("waiver").values():
        left = (node.entity.expires - today).days
        if left < 0:
            hint = "mend what it waived, or let somebody with the right accept it anew for a time"
            message = f"the waiver {node.id} expired on {node.entity.expires}: what it waived counts again"
            found.problems.append(_problem(node, message, hint))
        elif left <= SOON_DAYS:
            message = f"the waiver {node.id} expires on {node.entity.expires}, in {left} day{'' if left == 1 else 's'}"
            found.warnings.append(_problem(node, message, "decide now what comes after it"))
    found.warnings.extend(_levers(graph, today, drilled))
    found.warnings.extend(_records(graph, today))
    return found


def live(node: Node, today: date) -> bool:
    """Say whether a waiver holds on a day."""
    return bool(node.entity.begins <= today <= node.entity.expires)


def last_drilled(lever: Lever, drilled: Mapping[str, date]) -> date | None:
    """Return the last day on which a lever was tried: by its file, or by a recorded drill."""
    days = [day for day in (lever.last_drilled, drilled.get(lever.id)) if day is not None]
    return max(days, default=None)


def _levers(graph: Graph, today: date, drilled: Mapping[str, date]) -> Iterator[Problem]:
    for node in graph.of_kind("lever").values():
        last, often = last_drilled(node.entity, drilled), node.entity.every_days
        hint = (
            f"pull it and take the time (at most {node.entity.max_minutes} min): `shipworthy incident tabletop run` "
            "records the drill, or write the day under 'last_drilled'"
        )
        if last is None:
            yield _problem(node, f"the lever {node.id} was never drilled: nobody knows whether it works", hint)
        elif last > today:
            yield _problem(node, f"the lever {node.id} was last drilled on {last}, a day that is yet to come", hint)
        elif (days := (today - last).days) > often:
            message = f"the lever {node.id} was last drilled {days} days ago, and is to be every {often} days"
            yield _problem(node, message, hint)


def _records(graph: Graph, today: date) -> Iterator[Problem]:
    for node in graph.of_kind("component").values():
        record = node.entity.record
        if record is not None and record.until < today:
            message = f"{node.id} was assessed on {record.on}, and that held until {record.until}"
            yield _problem(node, message, "assess it again: version, licence, updates, files (`shipworthy model scan`)")


def _problem(node: Node, message: str, hint: str) -> Problem:
    return Problem(node.file, node.line, message, hint)
