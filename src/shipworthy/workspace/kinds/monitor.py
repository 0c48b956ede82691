"""What is watched while the system runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from shipworthy.workspace.fields import Entity, Id, Ref, Text, Title, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph

_MUST = re.compile(r"(<=|>=|<|>) *-?[0-9]+(\.[0-9]+)?( *%)?")
_WINDOW = re.compile(r"[1-9][0-9]{0,3}[mhd]")


def _must(value: str) -> str:
    if not _MUST.fullmatch(value):
        raise ValueError("must be a comparison with a number, such as '<= 0.5'")
    return value


def _window(value: str) -> str:
    if not _WINDOW.fullmatch(value):
        raise ValueError("must be a number of minutes, hours or days: 30m, 12h, 7d")
    return value


def _check(one: Placed[Monitor], draft: Draft, graph: Graph) -> None:
    if not one.entity.watches:
        hint = "name the requirements that it watches under 'watches'"
        draft.warnings.append(one.problem(("id",), f"the monitor {one.entity.id!r} watches no requirement", hint))


@kind("monitor", section="monitors", check=_check)
class Monitor(Entity):
    """A number that is looked at in production, and what it must be.

    Attributes:
        metric: what is measured, such as ``tool_denied_per_10k``.
        must: a comparison with a number, such as ``<= 0.5``.
        window: over which it is taken: ``30m``, ``12h``, ``7d``.
        watches: the requirements that it tells about.
        source: where the number comes from.
    """

    id: Annotated[str, Id("MON")]
    title: Title
    metric: Word
    must: Annotated[Word, AfterValidator(_must)]
    window: Annotated[Word, AfterValidator(_window)]
    watches: tuple[Annotated[str, Ref("requirement")], ...] = ()
    owner: Text = ""
    source: Text = ""
