"""The report behind a decision: a director reads its first page in two minutes, an auditor the rest in an hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from shipworthy.core.document import Block, DocumentTree, Section
from shipworthy.core.records import Decision
from shipworthy.evals.results import Run, several
from shipworthy.evidence.certified import Certified
from shipworthy.evidence.sections.change import before_after
from shipworthy.evidence.sections.drawings import drawings
from shipworthy.evidence.sections.gateways import gateway
from shipworthy.evidence.sections.proof import digests, how_to_verify, limits, traceability
from shipworthy.evidence.sections.samples import worst_samples
from shipworthy.evidence.sections.severe import severe
from shipworthy.evidence.sections.verdict import attacks, criteria, picture, verdict
from shipworthy.evidence.seen import Seen
from shipworthy.evidence.told import Told
from shipworthy.workspace.load import Workspace


def readout(
    workspace: Workspace,
    decision: Decision,
    runs: Run | Sequence[Run],
    baselines: Run | Sequence[Run] | None = None,
    *,
    seen: Mapping[str, Seen] | None = None,
) -> DocumentTree:
    """Return the whole report as a document tree, for any report plug-in.

    Args:
        workspace: the safety files, as they were when the runs were made.
        runs: what was decided on.
        baselines: what it is compared with: the paired before and after, in safety, helpfulness and time.
        seen: of each of them by its id, where it was gathered already.

    Raises:
        IntegrityError: a run log is not what was written.
    """
    new, old = several(runs), several(baselines)
    seen = seen or {run.id: Seen.of(run) for run in (*new, *old)}
    told = Told.of(workspace, decision)
    tree = document(told, decision, new, old, seen=seen, secrets=known_secrets(workspace))
    place = next((n for n, one in enumerate(tree.children) if isinstance(one, Section) and one.id == "limits"), None)
    children = list(tree.children)
    children[place:place] = [drawings(workspace, decision)]
    return replace(tree, children=tuple(children))


def document(
    told: Told,
    decision: Decision,
    runs: Sequence[Run],
    baselines: Sequence[Run],
    *,
    seen: Mapping[str, Seen],
    secrets: Sequence[str],
    gateways: Sequence[Certified] = (),
) -> DocumentTree:
    """Return the whole report from what is told of the safety files, which a pack holds as well as a workspace does.

    Args:
        secrets: taken out of what is shown of the records.
        gateways: certificates in a pack.
    """
    children: list[Block] = [verdict(told, decision, runs), *severe(decision), picture(decision)]
    children += [criteria(told, decision), *filter(None, [attacks(decision)])]
    children += [before_after(run, baseline, seen, alone=len(runs) == 1) for run, baseline in _pairs(runs, baselines)]
    children += [
        worst_samples(runs, seen, secrets),
        *map(gateway, gateways),
        traceability(told, decision),
        limits(told, decision, runs, baselines),
        digests(decision, runs, baselines),
        how_to_verify(),
    ]
    return DocumentTree(told.title, tuple(children), f"{decision.id} · {decision.created}")


def _pairs(runs: Sequence[Run], baselines: Sequence[Run]) -> Iterator[tuple[Run, Run]]:
    """Yield each run with the first baseline that measured one of its suites."""
    for run in runs:
        suites = {use.id for use in run.manifest.suites}
        if (found := next((b for b in baselines if suites & {u.id for u in b.manifest.suites}), None)) is not None:
            yield run, found


def known_secrets(workspace: Workspace) -> tuple[str, ...]:
    """Return every string that a sample of the workspace declares secret, longest first."""
    found = {s for suite in workspace.suites.values() for sample in suite.samples for s in sample.secrets if s}
    return tuple(sorted(found, key=lambda s: (-len(s), s)))
