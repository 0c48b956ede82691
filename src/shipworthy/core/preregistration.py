"""Whether a run was registered before it was made, and what was changed since. Standard library only.

The gate's side writes pre-registrations, and the verifier of a pack reads them by these same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from shipworthy.core.signoff import UNSAID

Json = Mapping[str, Any]

_OF_CRITERION = ("must", "suite", "metric", "requirement", "severity")


class Registered(NamedTuple):
    """A pre-registration: number of its entry, and the predicate that was signed."""

    entry: int
    said: Json


def registration(run: Json, begun: int, criteria: Sequence[Json], entries: Iterable[Registered]) -> dict[str, Any]:
    """Return what was registered of a run: the entry that counts, and what differs.

    A registration counts if it was entered before the run's first entry and says what the run was made under: the same
    plan and specification. Of several the newest counts.

    Args:
        run: manifest of the run.
        begun: number of the run's first entry in the audit chain.
        criteria: results of the decision that were measured in the run.
        entries: registrations, oldest first, of whatever plan.

    Returns:
        ``run``; ``entry``, 0 where none counts; ``amended``: what was changed from one registration of the plan to the
        next, before the run; ``differs``: where none counts, how the run departs from the newest before it.
    """
    before = [
        one for one in entries
        if one.entry < begun and (one.said["system"], one.said["plan"]) == (run["system"], run["plan"])
    ]  # fmt: skip
    good = [one for one in before if one.said["spec_digest"] == run["spec_digest"]]
    amended = [f"entry {b.entry}: {line}" for a, b in pairwise(before) for line in changes(a.said, b.said)]
    differs: list[str] = []
    if not good and before:
        differs = changes(before[-1].said, as_registered(run, criteria))
    return {"run": run["id"], "entry": good[-1].entry if good else 0, "amended": amended, "differs": differs}


def as_registered(run: Json, criteria: Sequence[Json]) -> dict[str, Any]:
    """Return what a run was made under, in the shape of a registration."""
    return {
        "spec_digest": run["spec_digest"],
        "criteria": [
            {
                "id": one["id"],
                **{name: one.get(name) for name in _OF_CRITERION},
                "severity": one.get("severity", UNSAID),
            }
            for one in criteria
        ],
        "datasets": [{"id": one["id"], "digest": one["digest"]} for one in run["suites"]],
    }


def changes(old: Json, new: Json) -> list[str]:
    """Return a line for each criterion and data set that is not what was registered; one line if nothing else shows."""
    lines = []
    was, now = ({one["id"]: one for one in side["criteria"]} for side in (old, new))
    for id in sorted({*was, *now}):
        if id not in now:
            lines.append(f"the criterion {id} is gone")
        elif id not in was:
            lines.append(f"the criterion {id} is new: {now[id]['must']}")
        else:
            lines += [
                f"{id}: {name} was {was[id].get(name)!r}, and is {now[id].get(name)!r}"
                for name in _OF_CRITERION if was[id].get(name) != now[id].get(name)
            ]  # fmt: skip
    had, has = ({one["id"]: one["digest"] for one in side["datasets"]} for side in (old, new))
    for id in sorted({*had, *has}):
        if had.get(id) != has.get(id):
            lines.append(f"the data set {id} was {had.get(id, 'not there')}, and is {has.get(id, 'not there')}")
    if not lines and old["spec_digest"] != new["spec_digest"]:
        lines.append("the plan, a requirement or the gate says something else")
    return lines
