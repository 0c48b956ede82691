"""What a report tells of the safety files: out of the workspace, or out of a pack, which holds all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shipworthy.core import registry
from shipworthy.core.errors import IntegrityError, PluginError
from shipworthy.core.records import Decision
from shipworthy.evidence.trace import risks
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.suite import Suite


class SuiteTold(NamedTuple):
    """A suite in a report.

    Attributes:
        scorers: ids of its scorers, with where each one's agreement with people was measured; empty where it was not.
    """

    id: str
    content: str
    scorers: Mapping[str, str]


class Told(NamedTuple):
    """What a report tells of the safety files.

    Attributes:
        requirements: id -> its sentence.
        risks: as in ``trace.json``.
        others: risk -> ids of what else leads to it, such as threats.
        suites: by id.
    """

    title: str
    owner: str
    requirements: Mapping[str, str]
    risks: Sequence[Mapping[str, Any]]
    others: Mapping[str, Sequence[str]]
    suites: Mapping[str, SuiteTold]

    @classmethod
    def of(cls, workspace: Workspace, decision: Decision) -> Told:
        """Take it from a workspace."""
        graph, found = workspace.graph, risks(workspace, decision)
        others = {}
        for risk in graph.of_kind("risk").values():
            covered = graph.sources(risk, "mitigates")
            others[risk.id] = [node.id for node in graph.sources(risk) if node not in covered]
        return cls(
            title=workspace.system.title,
            owner=workspace.system.owner,
            requirements={name: one.text for name, one in workspace.requirements.items()},
            risks=found,
            others=others,
            suites={
                name: SuiteTold(name, suite.content, agreements(suite)) for name, suite in workspace.suites.items()
            },
        )

    @classmethod
    def of_pack(cls, members: Mapping[str, bytes]) -> Told:
        """Take it from the members of a pack: the trace, and what identifies each suite.

        Raises:
            IntegrityError: they do not hold it.
        """
        try:
            trace = json.loads(members["trace.json"])
            suites = [
                json.loads(data)
                for name, data in members.items()
                if name.startswith("suites/") and name.endswith("/suite.json")
            ]
            return cls(
                title=trace["title"],
                owner=trace["owner"],
                requirements=trace["requirements"],
                risks=trace["risks"],
                others={risk["id"]: _others(trace["links"], risk) for risk in trace["risks"]},
                suites={s["id"]: SuiteTold(s["id"], s["content"], s["agreement"]) for s in suites},
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise IntegrityError(f"trace.json, suites: not what a report is made of ({error!r})") from None


def _others(links: Sequence[Mapping[str, str]], risk: Mapping[str, Any]) -> list[str]:
    into = [link for link in links if link["to"] == f"risk:{risk['id']}"]
    covering = {link["from"] for link in into if link["field"] == "mitigates"}
    found = dict.fromkeys(link["from"] for link in into if link["from"] not in covering)
    return [name.partition(":")[2] for name in found]


def agreements(suite: Suite) -> dict[str, str]:
    """Return a suite's scorers, each with where its agreement with people was measured; empty where it was not."""
    return {name: measured(name) for name in sorted({use.use for use in suite.scorers})}


def measured(scorer: str) -> str:
    """Return where a scorer's agreement stands; a plug-in that cannot be had here tells of none."""
    try:
        return str(getattr(registry.factory("scorer", scorer), "agreement", ""))
    except PluginError:
        return ""
