"""The one source of a dossier and of all documents: the members of a pack, signed or not yet.

Whoever makes a fact goes through `fact`, `row` or `gap`, which refuse one without an id that is known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from shipworthy.core import signoff
from shipworthy.core.errors import IntegrityError
from shipworthy.core.finding_entry import FindingStanding
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.dossier.fact import Fact, FactRow, MissingFact, WrittenWords
from shipworthy.evidence.dossier.gather import SCHEMA, SOURCE
from shipworthy.evidence.finding_steps import MEMBER, read_standings
from shipworthy.evidence.residual import FailureRate, inherent, worst_rate
from shipworthy.evidence.signed_off import LOG
from shipworthy.workspace.law import clocks, dates
from shipworthy.workspace.taxonomies import ref_problem

_BARE = ("suite", "plan", "gate", "target", "policy", "facts", "tier")
"""Kinds whose ids say nothing of their kind: a fact names them with it, as in ``suite:leaks``."""

_decisions = msgspec.json.Decoder(Decision)


@dataclass(frozen=True)
class ToldEntity:
    """An entity of the workspace.

    Attributes:
        ref: the id that a fact names.
        says: its fields, by their names.
        place: file and line.
    """

    kind: str
    id: str
    ref: str
    says: Mapping[str, Any]
    digest: str
    place: str

    def __getitem__(self, field: str) -> Any:
        return self.says[field]


class RiskLeft(NamedTuple):
    """What is left of a risk by the decision: inherent value, what is left at the bound, why, and the ids behind it."""

    inherent: float
    residual: float
    measured: bool
    basis: str
    sources: tuple[str, ...]


class DossierSource:
    """What the members say, looked up by id.

    Args:
        members: of a pack; ``dossier/source.json`` must be there, and without a decision nothing else.

    Raises:
        IntegrityError: a member is not what it must be.
    """

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self.members = members
        try:
            self._said = json.loads(members[SOURCE])
            if self._said["schema"] != SCHEMA:
                raise IntegrityError(f"{SOURCE}: made by another version of shipworthy")
            self.decision = _decisions.decode(members["decision.json"]) if "decision.json" in members else None
            self.manifests = {
                name.split("/")[1]: json.loads(data)
                for name, data in sorted(members.items())
                if name.startswith("runs/") and name.endswith("/manifest.json")
            }
            self.seals = {run: json.loads(members[f"runs/{run}/seal.json"]) for run in self.manifests}
            lines = members.get("audit-log.jsonl", b"") + members.get(LOG, b"")
            self.entries = [json.loads(line)["entry"] for line in lines.splitlines()]
        except (KeyError, TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise IntegrityError(f"{SOURCE}: not what a dossier is made of ({type(error).__name__}: {error})") from None

    # ---- entities

    @cached_property
    def _entities(self) -> dict[str, dict[str, ToldEntity]]:
        return {
            kind: {
                id: ToldEntity(
                    kind, id, f"{kind}:{id}" if kind in _BARE else id, one["says"], one["digest"],
                    f"{one['file']}:{one['line']}",
                )
                for id, one in found.items()
            }
            for kind, found in self._said["entities"].items()
        }  # fmt: skip

    def all(self, kind: str) -> list[ToldEntity]:
        """Return the entities of a kind, sorted by id."""
        return [one for _, one in sorted(self._entities.get(kind, {}).items())]

    def get(self, kind: str, id: str) -> ToldEntity | None:
        """Return one entity; None where there is none."""
        return self._entities.get(kind, {}).get(id)

    def named(self, ref: str) -> ToldEntity | None:
        """Return the entity that a fact's id names; None where it names something else."""
        return self._by_ref.get(ref)

    @cached_property
    def _by_ref(self) -> dict[str, ToldEntity]:
        return {one.ref: one for entities in self._entities.values() for one in entities.values()}

    def title(self, kind: str, id: str) -> str:
        """Return an entity's id with its title behind it; the id alone where there is none."""
        one = self.get(kind, id)
        return f"{id} {one['title']}" if one is not None and one.says.get("title") else id

    @cached_property
    def system(self) -> ToldEntity:
        """What the dossier is about."""
        return self.all("system")[0]

    def to(self, kind: str, id: str, field: str, other: str) -> list[ToldEntity]:
        """Return the entities of the kind `other` that an entity links to through a field."""
        found = self._links.get((f"{kind}:{id}", field), [])
        return [one for k, name in found if k == other and (one := self.get(k, name)) is not None]

    def into(self, kind: str, id: str, field: str, other: str) -> list[ToldEntity]:
        """Return the entities of the kind `other` that link to an entity through a field."""
        return [one for one in self.all(other) if any(t.id == id for t in self.to(other, one.id, field, kind))]

    @cached_property
    def _links(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for link in self._said["links"]:
            kind, _, id = link["to"].partition(":")
            found.setdefault((link["from"], link["field"]), []).append((kind, id))
        return found

    @property
    def coverage(self) -> list[Mapping[str, Any]]:
        """The cells of the journey x risk matrix."""
        return list(self._said["coverage"])

    @property
    def files(self) -> Mapping[str, str]:
        """Files that the workspace refers to, by path, with their digests."""
        return dict(self._said["files"])

    def notes(self, section: str) -> WrittenWords | None:
        """Return what people wrote of a section into an earlier document; None where they did not."""
        note = self._said["notes"].get(section)
        return None if note is None else WrittenWords(note["text"], (note["file"],), open=True)

    # ---- what happened

    @property
    def results(self) -> Mapping[str, CriterionResult]:
        """The criteria of the decision, by id."""
        return {} if self.decision is None else {one.id: one for one in self.decision.criteria}

    def evidence(self, result: CriterionResult) -> tuple[str, ...]:
        """Return the ids that a number of a criterion comes from."""
        ids = result.id, *([self.decision.id] if self.decision else []), result.run, result.baseline_run
        return tuple(id for id in ids if id in self.known)

    def entered(self, *kinds: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield id and content of the audit log's entries of some kinds; of signed ones, the predicate."""
        for entry in self.entries:
            if entry["kind"] in kinds:
                body = entry["body"]
                said = json.loads(body["payload"]) if "payload" in body else body
                yield f"audit:{entry['number']}", said.get("predicate", said)

    @cached_property
    def findings(self) -> list[tuple[FindingStanding, str, str]]:
        """Where findings stood when it was decided, each with its title and owner; empty words where they are withheld.

        By the steps of which the pack has the rows, which are all up to the decision.
        """
        if self.decision is None or MEMBER not in self.members:
            return []
        steps = {one["entry"]: one["row"] for one in json.loads(self.members[MEMBER])["steps"]}
        entries = [entry for entry in self.entries if entry["number"] in steps]
        standing = read_standings(entries, self.decision.created, self.decision.system)
        rows = [row for _, row in sorted(steps.items()) if row is not None]

        def last(id: str, field: str) -> str:
            return next((str(row[field]) for row in reversed(rows) if row["id"] == id and row[field]), "")

        return [(one, last(one.id, "title"), last(one.id, "owner")) for one in standing]

    @cached_property
    def signed(self) -> list[tuple[str, Mapping[str, Any]]]:
        """What people decided on this decision, with the id of each entry."""
        id = "" if self.decision is None else self.decision.id
        return [(ref, said) for ref, said in self.entered(signoff.DECIDED) if said["decision"] == id]

    def left(self, risk: ToldEntity) -> RiskLeft:
        """Return what is left of a risk: the inherent value, times the worst rate of the criteria that test it."""
        whole = inherent(risk["severity"], risk["likelihood"])
        requirements = self.into("risk", risk.id, "mitigates", "requirement")
        criteria = [one.id for r in requirements for one in self.criteria_of(r)]
        rate: FailureRate | None = None
        basis = "no requirement mitigates it"
        sources: tuple[str, ...] = (risk.ref,)
        if requirements and not criteria:
            basis = "no criterion tests it"
        elif criteria:
            missing = "the decision does not have it"
            made = "" if self.decision is None else self.decision.id
            standing = {
                name: CriterionStanding(name, "stands", result=found, decision=made, run=found.run)
                if (found := self.results.get(name)) is not None and found.planned
                else CriterionStanding(name, "none", missing)
                for name in criteria
            }
            rate, worst, basis = worst_rate(criteria, standing)
            if rate is not None:
                sources = (risk.ref, *self.evidence(self.results[worst]))
        return RiskLeft(whole, whole * (rate.bound if rate else 1.0), rate is not None, basis, sources)

    def criteria_of(self, requirement: ToldEntity) -> list[ToldEntity]:
        """Return the criteria that are written inside a requirement."""
        return [one for one in self.all("criterion") if one["requirement"] == requirement.id]

    # ---- facts

    @cached_property
    def known(self) -> frozenset[str]:
        """Every id that a fact may name."""
        found = set(self._by_ref)
        found |= set(self.manifests) | set(self.members) | set(self.files)
        found |= {f"audit:{entry['number']}" for entry in self.entries}
        found |= {f"law:{one.id}" for one in dates()} | {f"law:{one.id}" for one in clocks()}
        found |= {note["file"] for note in self._said["notes"].values()}
        if self.decision is not None:
            found |= {self.decision.id, *(one.id for one in self.decision.criteria)}
        return frozenset(found)

    def _checked(self, sources: tuple[str, ...]) -> tuple[str, ...]:
        named = tuple(dict.fromkeys(sources))
        odd = [one for one in named if one not in self.known and (":" not in one or ref_problem(one) is not None)]
        if odd or not named:
            raise ValueError(f"a fact of a dossier comes from {odd[0] if odd else 'nowhere'}, which is not known here")
        return named

    def fact(self, text: str, *sources: str, open: bool = False) -> Fact:
        """Return a sentence about what is so."""
        return Fact(text, self._checked(sources), open)

    def gap(self, text: str, *sources: str, open: bool = False) -> MissingFact:
        """Return a sentence about what is missing."""
        return MissingFact(text, self._checked(sources), open)

    def row(self, cells: tuple[str, ...], *sources: str, open: bool = False) -> FactRow:
        """Return a row of a table."""
        return FactRow(cells, self._checked(sources), open)

    def words(self, text: str, *sources: str, by: str = "", open: bool = False) -> WrittenWords:
        """Return what a person wrote."""
        return WrittenWords(text, self._checked(sources), by, open)
