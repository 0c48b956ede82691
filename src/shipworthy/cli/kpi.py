"""Show the sixteen numbers of the safety programme, computed from what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, form_option, shown_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evidence.kpis.facts import KpiFacts
    from shipworthy.evidence.kpis.period import Period
    from shipworthy.evidence.kpis.report import KpiReport

F = TypeVar("F", bound=Callable[..., Any])


def _asked(function: F) -> F:
    kind = click.Path(path_type=Path, file_okay=False, exists=True)
    period = click.option("--period", "period", metavar="PERIOD", default="90d", show_default=True, help="2026-11, 2026-Q4, 2026, or 90d up to now; UTC.")  # fmt: skip  # noqa: E501
    store = click.option("--telemetry", metavar="DIR", type=kind, help="The store of `shipworthy serve`, for numbers of production.")  # fmt: skip  # noqa: E501
    return period(store(function))


@click.group("kpi", no_args_is_help=True)
def command() -> None:
    """Show the sixteen numbers of the safety programme, computed from what happened."""


@command.command()
@click.argument("number", metavar="[NUMBER]", required=False)
@_asked
@workspace_option
@shown_option
@allow_code_option
def show(
    *, number: str | None, period: str, telemetry: Path | None, workspace: Path, form: str, allow_code: bool
) -> None:
    """Show all numbers of a period; or NUMBER (1 to 16, or its name) with every record that it was counted from.

    A number without anything to count is "-", and says why: it is never taken for a good one. Targets and weights
    stand in programme.yaml; a target is met for sure where the limits of the number meet it, too.
    """
    import msgspec

    from shipworthy.evidence.kpis.kpi import choose, kpis

    chosen = kpis() if number is None else (choose(number),)
    with _facts(workspace, telemetry, period, allow_code=allow_code) as (facts, when):
        found = _reported(facts, chosen, when)
        weights = facts.weights_said
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found if number is None else found[0]), indent=2).decode())
    elif number is None:
        click.echo(_overview(found, form))
        click.echo(f"\nWeights: {weights}. One number with its records: `shipworthy kpi show NUMBER`")
    else:
        click.echo(_single(found[0], form))


@command.command()
@click.argument("number", metavar="NUMBER")
@click.option("--periods", default=6, show_default=True, metavar="N", type=click.IntRange(2, 60), help="How many of them, the last one included.")  # fmt: skip  # noqa: E501
@_asked
@workspace_option
@form_option
@allow_code_option
def trend(
    *, number: str, periods: int, period: str, telemetry: Path | None, workspace: Path, form: str, allow_code: bool
) -> None:
    """Show NUMBER in this period and those of the same length before it.

    It is computed again from what happened then. What cannot be, such as what the files said, is taken from what was
    kept (`shipworthy kpi keep`), and marked so.
    """
    import json

    from shipworthy.cli._tables import table
    from shipworthy.evidence.kpis.kpi import choose
    from shipworthy.evidence.kpis.period import before
    from shipworthy.evidence.kpis.report import shown
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.kept_kpis import read_kpis

    one = choose(number)
    with _facts(workspace, telemetry, period, allow_code=allow_code) as (facts, when):
        found = [_reported(facts, (one,), each)[0] for each in before(when, periods)]
        kept = {}
        if facts.layout.keeps_control:
            with AuditLog(facts.layout.control_url) as audit:
                kept = {(k.name, k.period): k for k in read_kpis(audit, facts.workspace.system.id)}
    rows = []
    for each in found:
        value, source = each.measured, "computed"
        span = value.value, value.low, value.high
        if value.value is None and (old := kept.get((one.name, each.period))) is not None:
            span, source = (old.value, old.low, old.high), f"kept on {old.at[:10]}"
        rows.append((each.period, span, source if span[0] is not None else value.why))
    if form == "json":
        names = ("value", "low", "high")
        said = [{"period": name, **dict(zip(names, span, strict=True)), "source": why} for name, span, why in rows]
        click.echo(json.dumps({"name": one.name, "unit": one.unit, "periods": said}, indent=2))
        return
    click.echo(f"{one.number} {one.title}: {one.formula}")
    cells = [(name, shown(span[0], one.unit), _span(*span[1:], one.unit), why) for name, span, why in rows]
    click.echo(table(("period", "value", "95 % interval", "source, or why there is none"), cells, right=(1, 2)))


@command.command()
@_asked
@workspace_option
@form_option
@allow_code_option
def keep(*, period: str, telemetry: Path | None, workspace: Path, form: str, allow_code: bool) -> None:
    """Enter all numbers of a period in the audit log as they are now, for `shipworthy kpi trend`."""
    import json

    from shipworthy.cli._put_back import not_put_back
    from shipworthy.core.kept_kpi import KeptKpi
    from shipworthy.evidence.kpis.kpi import kpis
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.kept_kpis import keep_kpis

    with _facts(workspace, telemetry, period, allow_code=allow_code) as (facts, when):
        found = _reported(facts, kpis(), when)
        url, system = facts.layout.control_url, facts.workspace.system.id
    numbers = [
        KeptKpi(system, one.name, one.period, one.measured.value, one.measured.low, one.measured.high,
                one.measured.hits, one.measured.of, one.target, one.met)
        for one in found
    ]  # fmt: skip
    with not_put_back(workspace), AuditLog(url) as audit:
        kept = keep_kpis(audit, numbers)
    if form == "json":
        click.echo(json.dumps([one._asdict() for one in kept], indent=2))
    else:
        has = sum(one.value is not None for one in kept)
        click.echo(
            f"kept {len(kept)} numbers of {when.name}, {has} with a value: entries {kept[0].entry} to {kept[-1].entry}"
        )


@command.command()
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Where; standard output if left out.")  # fmt: skip  # noqa: E501
@click.option("--as", "form", type=click.Choice(["csv", "json", "markdown"]), default="csv", show_default=True)
@_asked
@workspace_option
@allow_code_option
def export(
    *, out: Path | None, form: str, period: str, telemetry: Path | None, workspace: Path, allow_code: bool
) -> None:
    """Export all numbers of a period for other tools."""
    import msgspec

    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.kpis.kpi import kpis
    from shipworthy.evidence.kpis.report import as_csv

    with _facts(workspace, telemetry, period, allow_code=allow_code) as (facts, when):
        found = _reported(facts, kpis(), when)
    if form == "json":
        text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    else:
        text = as_csv(found) if form == "csv" else _overview(found, "markdown") + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from None
    click.echo(f"{len(found)} numbers of {when.name}: {out}")


@contextmanager
def _facts(
    workspace: Path, telemetry: Path | None, period: str, *, allow_code: bool
) -> Iterator[tuple[KpiFacts, Period]]:
    from shipworthy.evidence.kpis.facts import KpiFacts
    from shipworthy.evidence.kpis.period import period_of
    from shipworthy.workspace.load import Workspace

    now = datetime.now(UTC)
    when = period_of(period, now)
    facts = KpiFacts(Workspace.load(workspace, allow_code=allow_code), now, telemetry)
    try:
        yield facts, when
        for why in dict.fromkeys(facts.refused):
            click.echo(f"warning: {why}; it counts for nothing here", err=True)
    finally:
        facts.close()


def _reported(facts: KpiFacts, chosen: Any, when: Period) -> list[KpiReport]:
    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.kpis.report import report

    try:
        return report(facts, chosen, when)
    except ValueError as error:
        raise UsageError(f"programme.yaml: {error}") from None


def _span(low: float | None, high: float | None, unit: str) -> str:
    from shipworthy.evidence.kpis.report import shown

    return "" if low is None and high is None else f"{shown(low, unit)} to {shown(high, unit)}"


_MET = {"yes": "met", "no": "MISSED", "unsure": "met, not for sure", "unknown": "unknown"}


def _overview(found: list[KpiReport], form: str) -> str:
    from shipworthy.cli._tables import markdown_table, table
    from shipworthy.evidence.kpis.report import shown

    rows = [
        (
            str(one.number), one.title, shown(one.measured.value, one.unit),
            _span(one.measured.low, one.measured.high, one.unit), _counted(one), f"{one.target}: {_MET[one.met]}",
        )
        for one in found
    ]  # fmt: skip
    columns = ("no", f"number, {found[0].period}", "value", "95 % interval", "of, or why none", "target")
    return markdown_table(columns, rows, right=(2, 3)) if form == "markdown" else table(columns, rows, right=(0, 2))


def _counted(one: KpiReport) -> str:
    if one.measured.value is None and one.measured.why:
        return one.measured.why
    if one.measured.of is None:
        return ""
    hits = f"{one.measured.hits:,.0f} of " if one.measured.hits is not None else ""
    return f"{hits}{one.measured.of:,.0f} {one.measured.counted}"


def _single(one: KpiReport, form: str) -> str:
    from shipworthy.cli._tables import markdown_table, table
    from shipworthy.evidence.kpis.report import shown

    shaped = markdown_table if form == "markdown" else table
    m = one.measured
    out = "; ".join(f"{count:,} {kind}" for kind, count in m.left_out.items())
    rows = [
        ("formula", one.formula),
        ("source", one.source),
        ("period", f"{one.period}: {one.start[:19]}Z to {one.end[:19]}Z"),
        ("value", shown(m.value, one.unit) + (f", 95 % interval {_span(m.low, m.high, one.unit)}" if m.low is not None
                                              or m.high is not None else "")),
        ("counted", _counted(one)),
        ("target", f"{one.target} ({'programme.yaml' if one.own else 'ours'}): {_MET[one.met]}"),
        ("method", m.method), ("estimates", m.estimates), ("left out", out), ("why there is none", m.why),
    ]  # fmt: skip
    said = [f"{one.number} {one.title}\n", shaped(("", ""), [row for row in rows if row[1]])]
    if m.parts:
        parts = [
            (p.name, "" if p.value is None else f"{p.value:,.4g}",
             "" if p.low is None or p.high is None else f"{p.low:,.4g} to {p.high:,.4g}",
             "" if p.of is None and p.hits is None else
             f"{'' if p.hits is None else f'{p.hits:,.0f}'}{'' if p.of is None else f' of {p.of:,.0f}'}".strip(),
             p.note)
            for p in m.parts
        ]  # fmt: skip
        said += ["\nBeside it", shaped(("what", "value", "95 % interval", "of", "note"), parts)]
    if m.records:
        records = [(r.id, r.at, "" if r.value is None else f"{r.value:,.4g}", r.said) for r in m.records]
        said += ["\nRecords", shaped(("record", "when", "value", "what"), records)]
    else:
        said.append(Again().told("\nNo record stands behind it."))
    return "\n".join(said)


@command.command()
@click.option("--on", "day", metavar="DAY", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The first day with it, UTC.")  # fmt: skip  # noqa: E501
@click.option("--hit", type=click.Choice(["violation", "pii", "refusal"]), default="violation", show_default=True, help="Which rate.")  # fmt: skip  # noqa: E501
@click.option("--feature", default="", metavar="NAME", help="Of this feature; of all together if left out.")
@click.option("--control", default="", metavar="NAME", help="A feature without it, such as one that the rollout reached later.")  # fmt: skip  # noqa: E501
@click.option("--days", default=28, show_default=True, metavar="N", type=click.IntRange(8, 730), help="Before and after, at most.")  # fmt: skip  # noqa: E501
@click.option("--telemetry", metavar="DIR", required=True, type=click.Path(path_type=Path, file_okay=False, exists=True), help="The store of `shipworthy serve`.")  # fmt: skip  # noqa: E501
@form_option
def effect(*, day: datetime, hit: Any, feature: str, control: str, days: int, telemetry: Path, form: str) -> None:
    """Estimate what something that came into force on a day did to a rate of production.

    With --control: differences in differences. Without: an interrupted time series. Limits take into account that days
    hang together. What must be so for the change to be its doing is printed beside it.
    """
    import json

    from shipworthy.evidence.kpis.effect import effect as measured
    from shipworthy.telemetry.facts import FactView

    with FactView(telemetry) as view:
        found = measured(view, day.date(), hit, feature=feature, control=control, days=days)
    e = found.effect
    if form == "json":
        said = {**e._asdict(), "design": found.design, "days": [one.isoformat() for one in found.days],
                "left_out": found.left_out, "assumes": found.assumes}  # fmt: skip
        click.echo(json.dumps(said, indent=2))
        return
    click.echo(f"{hit} per 10,000 sessions, {found.design}")
    click.echo(f"change {e.change:+,.2f}, 95 % interval {e.low:+,.2f} to {e.high:+,.2f}, p {e.p_value:.3g}")
    if e.slope is not None and e.slope_low is not None and e.slope_high is not None:
        click.echo(f"trend  {e.slope:+,.3f} a day more than before, {e.slope_low:+,.3f} to {e.slope_high:+,.3f}")
    left = f", {found.left_out} days without sessions left out" if found.left_out else ""
    click.echo(f"{e.before} days before and {e.after} after, {found.days[0]} to {found.days[1]}{left}")
    click.echo(f"It is its doing if {found.assumes}.")


@command.command()
@click.option("--as", "form", type=click.Choice(["html", "pdf", "markdown", "slides"]), default="html", show_default=True, help="Slides are Markdown, one a section.")  # fmt: skip  # noqa: E501
@click.option("--out", metavar="FILE", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where.")
@_asked
@workspace_option
@allow_code_option
def state(*, form: str, out: Path, period: str, telemetry: Path | None, workspace: Path, allow_code: bool) -> None:
    """Write the state of safety of a period: numbers, trends, risks, incidents and lessons, findings, mitigations.

    For those who decide on the programme, such as each quarter: `--period 2026-Q4`. PDF needs the extra `pdf`.
    """
    from shipworthy.core.document import Section
    from shipworthy.core.errors import UsageError
    from shipworthy.evidence.kpis.state import slides, state_of_safety
    from shipworthy.reports import html, markdown

    with _facts(workspace, telemetry, period, allow_code=allow_code) as (facts, when):
        try:
            document = state_of_safety(facts, when)
        except ValueError as error:
            raise UsageError(f"programme.yaml: {error}") from None
    if form == "slides":
        data = slides(document).encode()
    elif form == "markdown":
        sections = (markdown.section(one) for one in document.children if isinstance(one, Section))
        data = "\n".join([markdown.heading(document), *sections]).encode()
    else:
        page = html.page(document, "shipworthy · state of safety", contents=True)
        if form == "pdf":
            from shipworthy.evidence.dossier.pdf import page_pdf

            data = page_pdf(page)
        else:
            data = page.encode()
    try:
        out.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from None
    click.echo(f"the state of safety, {when.name}: {out}")
