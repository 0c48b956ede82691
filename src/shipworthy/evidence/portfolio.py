"""Many products at once: what each covers, what was decided on it, and what is stale or expired today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core import signoff
from shipworthy.core.document import Callout, DocumentTree, Paragraph, Section, Table, Tone
from shipworthy.core.errors import ShipworthyError, UsageError, WorkspaceError
from shipworthy.evidence.covered import covered as cover
from shipworthy.evidence.residual import register
from shipworthy.evidence.standing import Standings, standings
from shipworthy.release.signing import predicate_of
from shipworthy.store.audit import AuditLog
from shipworthy.store.incidents import drilled_days
from shipworthy.store.layout import Layout
from shipworthy.workspace.dated import dated
from shipworthy.workspace.load import Workspace

DEEPEST = 6
"""Folders below an argument that are looked through for workspaces."""
_SKIPPED = {".git", ".shipworthy", "node_modules", ".venv", "__pycache__"}


class PortfolioRow(NamedTuple):
    """One product.

    Attributes:
        place: the workspace's folder, as it was found.
        problems: why its files cannot be used; all else is empty then.
        gate: verdict of the newest decision that the audit log holds; empty where there is none.
        gate_on: when; `gate_stands` whether it still is about the files and the system as they are.
        release: what people decided last, and `until` its last day; empty where nobody did.
        critical, covered: critical cells (journey x risk), and those with fresh evidence.
        inherent, residual: summed over the risks; `residual` with its interval `low` to `high`.
        unmeasured: risks whose residual is their inherent risk, as nothing stands that measured it.
        packs: policy packs, each with the beginning of its digest.
        stale: what is stale or expired, one sentence each.
    """

    place: str
    system: str = ""
    title: str = ""
    owner: str = ""
    tier: str = ""
    problems: tuple[str, ...] = ()
    gate: str = ""
    gate_on: str = ""
    gate_stands: bool = False
    release: str = ""
    until: str = ""
    critical: int = 0
    covered: int = 0
    inherent: float = 0.0
    residual: float = 0.0
    low: float = 0.0
    high: float = 0.0
    unmeasured: int = 0
    packs: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, stale or expired."""
        return not (self.problems or self.stale)


def workspaces(paths: Sequence[Path]) -> list[Path]:
    """Return the workspaces among some folders and below them, each once, in the order of the arguments.

    Raises:
        UsageError: there is no such folder, or no workspace in it.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.is_dir():
            raise UsageError(f"{path}: there is no such folder")
        here = list(_below(path, DEEPEST))
        if not here:
            raise UsageError(f"{path}: no workspace in it: none of its folders has a system.yaml")
        for one in here:
            found.setdefault(one.resolve(), one)
    return list(found.values())


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / "system.yaml").is_file():
        yield folder
        return
    if depth:
        for inner in sorted(folder.iterdir()):
            if inner.is_dir() and not inner.is_symlink() and inner.name not in _SKIPPED:
                yield from _below(inner, depth - 1)


def portfolio(places: Sequence[Path], now: datetime, *, allow_code: bool = False) -> list[PortfolioRow]:
    """Return a row for each workspace. One whose files or rows are wrong is a row that says so.

    Decisions, manifests and the audit log are read, and no run log; each audit log's chain is verified.
    """
    rows = [_row(place, now, allow_code) for place in places]
    return [row._replace(stale=(*row.stale, *_behind(row, rows))) for row in rows]


def _row(place: Path, now: datetime, allow_code: bool) -> PortfolioRow:
    try:
        workspace = Workspace.load(place, allow_code=allow_code)
    except WorkspaceError as error:
        return PortfolioRow(str(place), problems=tuple(str(problem) for problem in error.problems))
    except ShipworthyError as error:
        return PortfolioRow(str(place), problems=(str(error),))
    system = workspace.system
    row = PortfolioRow(
        str(place), system.id, system.title, system.owner, system.tier,
        packs=tuple(f"{one.pack.pack.id} {one.sha256[7:15]}" for one in workspace.packs),
    )  # fmt: skip
    try:
        return _filled(row, workspace, Layout(place), now)
    except ShipworthyError as error:
        return row._replace(problems=(str(error),))


def _filled(row: PortfolioRow, workspace: Workspace, layout: Layout, now: datetime) -> PortfolioRow:
    graph, today = workspace.graph, now.date()
    if layout.keeps_control:
        with AuditLog(layout.control_url) as audit:
            audit.verify()
    found = standings(workspace, layout) if layout.keeps_control else Standings({}, ())
    criteria = found.criteria or standings_of_nothing(workspace)
    cells, risks = cover(graph, criteria, now), register(graph, criteria, today)
    row = row._replace(
        critical=cells.critical,
        covered=cells.covered,
        inherent=sum(one.inherent for one in risks),
        residual=sum(one.residual for one in risks),
        low=sum(one.low if one.measured else one.residual for one in risks),
        high=sum(one.high if one.measured else one.residual for one in risks),
        unmeasured=sum(not one.measured for one in risks),
    )
    if layout.keeps_control:
        row = _decided(row, layout, found, today.isoformat())
    lapsed = [one for one in criteria.values() if one.state != "stands"]
    aged = [cell for cell in cells.cells if cell.critical and not cell.covered and "older than" in cell.gap]
    stale = (
        [f"{len(lapsed)} of {len(criteria)} criteria without evidence that stands: {lapsed[0].why}"] if lapsed else []
    )
    stale += [f"critical evidence is too old: {cell.risk} on {cell.journey}, {cell.gap}" for cell in aged[:1]]
    dates = dated(graph, today, drilled_days(layout, workspace.system.id))
    stale += [problem.message for problem in (*dates.problems, *dates.warnings)]
    return row._replace(stale=(*row.stale, *stale))


def standings_of_nothing(workspace: Workspace) -> dict[str, Any]:
    """Return what stands for each criterion where nothing was ever decided."""
    from shipworthy.evidence.criterion_standing import CriterionStanding

    every = (one.id for requirement in workspace.requirements.values() for one in requirement.criteria)
    return {id: CriterionStanding(id, "none", "no decision was made on it yet") for id in every}


def _decided(row: PortfolioRow, layout: Layout, found: Standings, today: str) -> PortfolioRow:
    stale = [f"a decision counts for nothing: {why}" for why in found.refused[:3]]
    newest = max((one for one in found.criteria.values() if one.decision), key=lambda one: one.decided, default=None)
    if newest is not None:
        decision = layout.load_decision(newest.decision)
        of_it = [one for one in found.criteria.values() if one.decision == newest.decision]
        stands = all(one.state == "stands" for one in of_it)
        row = row._replace(gate=decision.verdict, gate_on=decision.created[:10], gate_stands=stands)
        if not stands:
            why = next(one.why for one in of_it if one.state != "stands")
            stale.append(f"the newest decision ({decision.verdict}, {row.gate_on}) is about other files: {why}")
    with AuditLog(layout.control_url) as audit:
        said = [predicate_of(one) for one in audit.of_kinds(signoff.DECIDED)]
    if said:
        last = said[-1]
        mark = ", overridden" if last.get("overridden") else ""
        row = row._replace(release=f"{last['verdict']}{mark}", until=last["expires"] or "")
        if row.until and row.until < today:
            stale.append(f"the release decision {last['verdict']} expired on {row.until}")
    return row._replace(stale=tuple(stale))


def _behind(row: PortfolioRow, rows: Sequence[PortfolioRow]) -> Iterator[str]:
    """Yield the packs that another product inherits as another version: which is newer is for people to say."""
    for pack in row.packs:
        name, _, version = pack.partition(" ")
        others = {v for r in rows for n, _, v in (one.partition(" ") for one in r.packs) if n == name} - {version}
        if others:
            yield f"the policy pack {name} is {version} here, and {', '.join(sorted(others))} elsewhere"


COLUMNS = ("product", "tier", "gate", "release", "critical cells covered", "residual risk", "packs", "stale or expired")


def cells_of(row: PortfolioRow) -> tuple[str, ...]:
    """Return a row in words, a cell a column."""
    if row.problems:
        return (
            row.system or row.place,
            row.tier,
            "",
            "",
            "",
            "",
            "",
            f"{len(row.problems)} problems: {row.problems[0]}",
        )
    gate = f"{row.gate}, {row.gate_on}" + ("" if row.gate_stands else ", stale") if row.gate else "never decided"
    share = (
        f"{row.covered} of {row.critical} ({100 * row.covered / row.critical:.0f} %)"
        if row.critical
        else "none critical"
    )
    left = f"{row.residual:.1f} of {row.inherent:.1f} [{row.low:.1f}, {row.high:.1f}]"
    left += f", {row.unmeasured} not measured" if row.unmeasured else ""
    release = (row.release + (f" until {row.until}" if row.until else "")) or "none"
    return (
        row.system,
        row.tier,
        gate,
        release,
        share,
        left,
        ", ".join(row.packs) or "none",
        "; ".join(row.stale) or "nothing",
    )


def page(rows: Sequence[PortfolioRow], now: datetime) -> DocumentTree:
    """Return the portfolio as a document."""
    wrong = sum(bool(row.problems) for row in rows)
    stale = sum(bool(row.stale) for row in rows)
    clean = len(rows) - sum(not row.clean for row in rows)
    said = f"{len(rows)} products: {clean} with nothing stale or expired, {stale} with something, {wrong} unreadable."
    critical, have = sum(row.critical for row in rows), sum(row.covered for row in rows)
    share = (
        f" Critical cells covered over all: {have} of {critical} ({100 * have / critical:.0f} %)." if critical else ""
    )
    tones: tuple[Tone, ...] = tuple(_tone(row) for row in rows)
    table = Table(
        ("Product", "Tier", "Gate", "Release", "Critical cells\ncovered", "Residual risk\nof inherent", "Packs"),
        tuple(_shown(row) for row in rows), "", tones,
    )  # fmt: skip
    wanting = [Section(row.title or row.place, tuple(_lines(row))) for row in rows if not row.clean]
    notes = Paragraph(
        "A cell is a risk on a critical journey; it is covered by evidence that stands and is at most 30 days old. "
        "Residual risk is the inherent one times the rate at which the worst criterion failed, at its bound, with the "
        "interval of that rate; what nothing measured counts whole."
    )
    tone: Tone = "good" if clean == len(rows) else "bad" if wrong else "unsure"
    children = (Callout(said + share, tone), table, notes)
    more = (Section("What is stale, expired or wrong", tuple(wanting), "stale"),) if wanting else ()
    return DocumentTree("Portfolio", (*children, *more), f"{now:%Y-%m-%d %H:%M} UTC")


def _tone(row: PortfolioRow) -> Tone:
    if row.problems or row.gate == "no-ship":
        return "bad"
    return "good" if row.clean and row.gate == "ship" else "unsure"


def _shown(row: PortfolioRow) -> tuple[str, ...]:
    name, tier, gate, release, share, left, packs, _ = cells_of(row)
    if row.problems:
        return (row.place, tier, "cannot be read", "", "", "", "")
    first, _, second = left.partition(" [")
    under = f"[{second}" if second else ""
    verdict, _, when = gate.partition(", ")
    return (f"{name}\n{row.title}", tier, f"{verdict}\n{when}", release, share, f"{first}\n{under}", packs)


def _lines(row: PortfolioRow) -> Iterator[Callout]:
    yield from (Callout(text, "bad") for text in row.problems[:10])
    if len(row.problems) > 10:
        yield Callout(f"and {len(row.problems) - 10:,} more: `shipworthy check -C {row.place}`", "bad")
    yield from (Callout(text, "unsure") for text in row.stale)
