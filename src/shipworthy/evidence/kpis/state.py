"""The state of safety of a period, for people who decide on the programme: a document made of rows, and slides."""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.core.calendar import read_moment
from shipworthy.core.document import (
    Block,
    Callout,
    DocumentTree,
    Interval,
    Intervals,
    Paragraph,
    Section,
    Table,
    Tone,
)
from shipworthy.evidence.kpis.facts import KpiFacts
from shipworthy.evidence.kpis.kpi import kpis
from shipworthy.evidence.kpis.period import Period, before
from shipworthy.evidence.kpis.report import KpiReport, report, shown
from shipworthy.evidence.residual import register
from shipworthy.incidents.containment_time import containment_times
from shipworthy.reports import markdown

TREND = 4
"""Periods that a trend shows, this one included."""
_TONES: dict[str, Tone] = {"yes": "good", "no": "bad", "unsure": "unsure", "unknown": "plain"}
_MET = {"yes": "met", "no": "missed", "unsure": "met, not for sure", "unknown": "unknown"}


def state_of_safety(facts: KpiFacts, period: Period) -> DocumentTree:
    """Return the document of a period: numbers, risks, incidents and lessons, findings, what mitigations brought."""
    found = report(facts, kpis(), period)
    return DocumentTree(
        f"State of safety, {period.name}",
        (
            _summary(found),
            _numbers(found),
            _trends(facts, period),
            _risks(facts),
            _incidents(facts, period),
            _findings(found),
            _mitigations(facts, period),
        ),
        f"{facts.workspace.system.title} ({facts.workspace.system.id}), {period.start:%Y-%m-%d} to "
        f"{period.last_day:%Y-%m-%d}, made {facts.now:%Y-%m-%d}",
    )


def _summary(found: Sequence[KpiReport]) -> Section:
    missed = [one for one in found if one.met == "no"]
    unknown = [one for one in found if one.met == "unknown"]
    counted = {word: sum(one.met == word for one in found) for word in _MET}
    said = ", ".join(f"{count} {_MET[word]}" for word, count in counted.items() if count)
    tone: Tone = "bad" if missed else "unsure" if unknown else "good"
    rows = [
        (one.title, shown(one.measured.value, one.unit), one.target, one.measured.why or one.measured.estimates)
        for one in (*missed, *unknown)
    ]
    children: list[Block] = [Callout(f"Of the sixteen targets: {said}.", tone)]
    if rows:
        tones = tuple(_TONES[one.met] for one in (*missed, *unknown))
        children.append(Table(("number", "value", "target", "why, or what it is about"), tuple(rows), "", tones, (1,)))
    return Section("In short", tuple(children), "short")


def _numbers(found: Sequence[KpiReport]) -> Section:
    rows, tones = [], []
    for one in found:
        m = one.measured
        span = "" if m.low is None and m.high is None else f"\n{shown(m.low, one.unit)} to {shown(m.high, one.unit)}"
        of = "" if m.of is None else f"{'' if m.hits is None else f'{m.hits:,.0f} of '}{m.of:,.0f} {m.counted}"
        left = "; ".join(f"{count:,} {kind}" for kind, count in m.left_out.items())
        rows.append((
            str(one.number), f"{one.title}\n{one.formula}", f"{shown(m.value, one.unit)}{span}",
            f"{m.why or of}{f'{chr(10)}left out: {left}' if left else ''}", f"{one.target}\n{_MET[one.met]}",
        ))  # fmt: skip
        tones.append(_TONES[one.met])
    table = Table(("", "number", "value, 95 % interval", "of", "target"), tuple(rows), "", tuple(tones), (2,))
    drawn = tuple(
        Interval(one.title, one.measured.value, one.measured.low, one.measured.high, tone=_TONES[one.met])
        for one in found
        if one.unit == "share" and one.measured.low is not None
    )
    picture = (Intervals(drawn, "Shares with their 95 % intervals"),) if drawn else ()
    return Section("The sixteen numbers", (table, *picture), "numbers")


def _trends(facts: KpiFacts, period: Period) -> Section:
    periods = before(period, TREND)
    made = [report(facts, kpis(), each) for each in periods]
    rows = [
        (column[0].title, *(shown(one.measured.value, one.unit) for one in column))
        for column in zip(*made, strict=True)
        if sum(one.measured.value is not None for one in column) > 1
    ]
    if not rows:
        return Section("Trends", (Paragraph(f"No number has a value in two of the last {TREND} periods."),), "trends")
    columns = ("number", *(each.name for each in periods))
    note = "Computed again from what happened then. A difference is a change only where intervals leave no other way."
    table = Table(columns, tuple(rows), numeric=tuple(range(1, TREND + 1)))
    return Section("Trends", (table, Paragraph(note)), "trends")


def _risks(facts: KpiFacts) -> Section:
    lines = register(facts.workspace.graph, facts.standings.criteria, facts.now.date())[:10]
    rows = tuple(
        (f"{one.risk}\n{one.title}", one.severity, f"{one.inherent:,.1f}",
         f"{one.residual:,.1f}\n{one.low:,.1f} to {one.high:,.1f}", one.basis)
        for one in lines
    )  # fmt: skip
    tones: tuple[Tone, ...] = tuple("plain" if one.measured else "unsure" for one in lines)
    text = "What is left is computed from evidence that stands today; a risk without it is as large as it was."
    table = Table(("risk", "severity", "inherent", "what is left, at its bound", "basis"), rows, "", tones, (2, 3))
    children: tuple[Block, ...] = (Paragraph(text), table) if rows else (Paragraph("There is no risk."),)
    return Section("The greatest risks", children, "risks")


def _incidents(facts: KpiFacts, period: Period) -> Section:
    known = [one for one in facts.incidents if (at := one.mark("aware")) is not None and period.has(at)]
    if not known:
        return Section("Incidents and lessons", (Paragraph("No incident became known in this period."),), "incidents")
    times = {one.incident: one for one in containment_times(known, severities=("S1", "S2", "S3", "S4")).points}
    rows, tones = [], list[Tone]()
    for one in known:
        point = times.get(one.id)
        contained = "-" if point is None or point.contain is None else shown(point.contain, "minutes")
        cases = ", ".join(event.about for event in one.cases)
        closed = one.last("closed")
        why = closed.text if closed is not None else ""
        learned = "; ".join([*([f"new cases: {cases}"] if cases else []), *([why] if why else [])]) or "nothing yet"
        rows.append((f"{one.id}\n{one.title}", one.severity or "unrated", one.state, contained, learned))
        tones.append("good" if one.state == "closed" else "unsure" if one.state != "open" else "bad")
    table = Table(("incident", "severity", "state", "contained in", "learned"), tuple(rows), "", tuple(tones), (3,))
    return Section("Incidents and lessons", (table,), "incidents")


def _findings(found: Sequence[KpiReport]) -> Section:
    closure = next(one for one in found if one.name == "finding-closure")
    rows = tuple((part.name, "" if part.hits is None else f"{part.hits:,.0f}") for part in closure.measured.parts)
    value = closure.measured
    head = value.why or f"Remedied in time: {value.hits:,.0f} of {value.of:,.0f} ({shown(value.value, 'share')})."
    children: list[Block] = [Paragraph(head[:1].upper() + head[1:].rstrip(".") + ".")]
    if rows:
        children.append(Table(("beside them", "findings"), rows, numeric=(1,)))
    return Section("Findings", tuple(children), "findings")


def _mitigations(facts: KpiFacts, period: Period) -> Section:
    """Return what came into force, with the rates of its criteria before and after, as decisions measured them."""
    enforced = facts.happened(period, "mitigation.enforced")
    rows = []
    for one in enforced:
        where = one.fields.get("where", "")
        rows.append((one.about, one.when[:10], where, _change(facts, one.about, one.when)))
    if not rows:
        text = "No mitigation came into force (`shipworthy record mitigation.enforced`)."
        return Section("What mitigations brought", (Paragraph(text),), "mitigations")
    note = (
        "Rates of the last decision before the day and the newest after it, on the same criterion; other things may "
        "have changed too. `shipworthy kpi effect` estimates what one did in production."
    )
    table = Table(("mitigation", "in force from", "where", "rates of its criteria, before and after"), tuple(rows))
    return Section("What mitigations brought", (table, Paragraph(note)), "mitigations")


def _change(facts: KpiFacts, control: str, when: str) -> str:
    node = facts.workspace.graph.find("control", control)
    if node is None:
        return f"{control} is no control of these files"
    wanted = {
        criterion.id
        for requirement in node.entity.implements
        for criterion in facts.workspace.graph.parts(facts.workspace.graph.node("requirement", requirement))
        if criterion.key.kind == "criterion"
    }
    day, said = read_moment(when), []
    for name in sorted(wanted):
        rates = [
            (read_moment(decision.created), result)
            for decision in facts.decisions
            for result in decision.criteria
            if result.id == name and result.rate is not None
        ]
        old = [result for at, result in rates if at < day]
        new = [result for at, result in rates if at >= day]
        if old and new:
            one, other = old[-1], new[-1]
            said.append(f"{name}: {_rate(one.rate, one.low, one.high)} -> {_rate(other.rate, other.low, other.high)}")
    return "; ".join(said) or "no decision before and after it measured the same criterion"


def _rate(rate: float | None, low: float | None, high: float | None) -> str:
    return f"{shown(rate, 'share')} ({shown(low, 'share')} to {shown(high, 'share')})"


def slides(document: DocumentTree) -> str:
    """Return a document as slides in Markdown: one a section, parted by rules, as Marp, Slidev and pandoc read them."""
    made = [markdown.heading(DocumentTree(document.title, (), document.subtitle)).rstrip()]
    sections = [child for child in document.children if isinstance(child, Section)]
    made += [markdown.section(Section(one.title, _short(one.children))).rstrip() for one in sections]
    return "---\nmarp: true\n---\n\n" + "\n\n---\n\n".join(made) + "\n"


def _short(children: Sequence[Block]) -> tuple[Block, ...]:
    """Leave out what a slide has no room for: pictures of intervals, second lines, and rows after the eighth."""
    kept: list[Block] = []
    for child in children:
        if isinstance(child, Table):
            rows = tuple(tuple(cell.partition("\n")[0] for cell in row) for row in child.rows[:8])
            more = len(child.rows) - len(rows)
            kept.append(Table(child.columns, rows, child.caption, child.tones[: len(rows)], child.numeric))
            if more:
                kept.append(Paragraph(f"and {more} more"))
        elif not isinstance(child, Intervals):
            kept.append(child)
    return tuple(kept)
