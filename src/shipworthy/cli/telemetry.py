"""Count, import, draw and delete telemetry, and look at what was said, for a reason."""

from __future__ import annotations

import getpass
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from shipworthy.cli._options import form_option
from shipworthy.cli._telemetry import config_option, open_store, read_config, reason_option, severity_of
from shipworthy.cli._telemetry_alarms import alarms


@click.group(no_args_is_help=True)
def command() -> None:
    """Count, import, draw and delete telemetry, and look at what was said, for a reason."""


command.add_command(alarms)


@command.command()
@config_option
@click.option("--hit", type=click.Choice(["violation", "pii", "refusal"]), default="violation", show_default=True, help="What is counted.")  # fmt: skip  # noqa: E501
@click.option("--by", metavar="KEYS", default="day,feature", show_default=True, help="Of day, feature and severity, with commas between; the rest is taken together.")  # fmt: skip  # noqa: E501
@click.option("--since", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]), help="First day, in UTC.")
@click.option("--until", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]), help="Last day, in UTC.")
@click.option("--feature", metavar="NAME", default="", help="Of this feature alone.")
@click.option("--confidence", type=click.FloatRange(0.5, 1, max_open=True), default=0.95, show_default=True)
@form_option
def rates(
    *, config: Path | None, hit: Any, by: str, since: Any, until: Any, feature: str, confidence: float, form: str
) -> None:
    """Show how many of 10,000 sessions had a violation, personal data or a refusal, with exact intervals."""
    import msgspec

    from shipworthy.cli._tables import table
    from shipworthy.telemetry.facts import FactView
    from shipworthy.telemetry.rates import rates as counted

    keys: Any = [key.strip() for key in by.split(",") if key.strip()]
    with FactView(read_config(config).state) as view:
        found = counted(
            view,
            hit,
            keys,
            since=since.date() if since else None,
            until=until.date() if until else None,
            feature=feature,
            confidence=confidence,
        )
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found.rates), indent=2).decode())
        return
    rows = [
        (
            *([one.day] if "day" in keys else []),
            *([one.feature] if "feature" in keys else []),
            *([severity_of(one.severity)] if "severity" in keys else []),
            f"{one.hits:,}",
            f"{one.sessions:,}",
            "no session" if one.per is None else f"{one.per:.1f} [{one.low:.1f}, {one.high:.1f}]",
        )
        for one in found.rates
    ]
    columns = (*(key for key in ("day", "feature", "severity") if key in keys), "hits", "sessions", "in 10,000")
    width = len(columns)
    nothing = f"No {hit} in {found.sessions:,} sessions." if found.sessions else "There is no session yet."
    click.echo(table(columns, rows, right=(width - 3, width - 2, width - 1)) if rows else nothing)


@command.command()
@config_option
@click.argument("id", metavar="ID")
@reason_option
def show(*, config: Path | None, id: str, reason: str) -> None:
    """Show what was said in the span or trace ID, as it was kept: redacted.

    That you looked, and why, is entered in the audit log before anything is shown. It needs the store's own key.
    """
    import msgspec

    from shipworthy.core.terminal import visible
    from shipworthy.telemetry.looks import look

    read = read_config(config)
    with open_store(read) as (keyring, audit):
        found = look(read.state, keyring, audit, id, by=getpass.getuser(), reason=reason)
    for one in found:
        told = {**one.fact, "events": one.events, **({"why": one.why} if one.why else {})}
        click.echo(visible(msgspec.json.encode(told).decode()))


@command.command("import")
@config_option
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--form", type=click.Choice(["otlp", "parquet", "traffic"]), help="Of the files; told by their names if left out.")  # fmt: skip  # noqa: E501
def import_(*, config: Path | None, paths: tuple[Path, ...], form: Any) -> None:
    """Import OTLP as lines of JSON, Parquet, or a gateway's traffic log (its folder), redacted on the way.

    The store must not be served meanwhile.
    """
    from shipworthy.telemetry.importing import import_files
    from shipworthy.telemetry.store import TelemetryStore

    read = read_config(config)
    with TelemetryStore(read.state, read.master(make=True), lambda line: click.echo(line, err=True)) as store:
        found = import_files(store, paths, form)
    left = f", {found.rejected:,} left out" if found.rejected else ""
    click.echo(f"{found.spans:,} spans imported, {found.again:,} were there before{left}")


@command.command()
@config_option
@click.argument("subject", metavar="SUBJECT")
@reason_option
def delete(*, config: Path | None, subject: str, reason: str) -> None:
    """Delete what SUBJECT, a user's id as telemetry names it, said: their key is destroyed. Counts stay.

    May be done while the store is served; the server forgets the key within seconds.
    """
    from shipworthy.telemetry.looks import delete_subject

    read = read_config(config)
    with open_store(read) as (keyring, audit):
        keys = delete_subject(keyring, audit, subject, by=getpass.getuser(), reason=reason)
    click.echo(
        f"{keys} {'key' if keys == 1 else 'keys'} destroyed"
        if keys
        else "there was no key: nothing is kept of this subject"
    )


@command.command()
@config_option
@click.option("--size", type=click.IntRange(1), required=True, help="Spans to draw.")
@click.option("--by", metavar="KEYS", default="feature,severity", show_default=True, help="Strata: of day, feature, severity, model, kind, violation, refusal, pii, with commas between.")  # fmt: skip  # noqa: E501
@click.option("--least", type=click.IntRange(0), default=1, show_default=True, help="Spans of each stratum, as far as it has them.")  # fmt: skip  # noqa: E501
@click.option("--seed", type=int, required=True, help="The same seed draws the same.")
@click.option("--kind", metavar="KIND", default="", help="Spans of this kind alone, such as chat.")
@click.option("--sessions", is_flag=True, help="Draw sessions, each by its last span.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where the draw is written, a line of JSON for each span.")  # fmt: skip  # noqa: E501
def draw(
    *, config: Path | None, size: int, by: str, least: int, seed: int, kind: str, sessions: bool, out: Path
) -> None:
    """Draw spans at random within strata for a judge that costs, with the chance that each had of being drawn."""
    import msgspec

    from shipworthy.core.alarm_entry import SPANS_DRAWN
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.files import write_atomic
    from shipworthy.store.layout import Layout
    from shipworthy.telemetry.draw import draw_spans
    from shipworthy.telemetry.facts import FactView

    read = read_config(config)
    keys: Any = [key.strip() for key in by.split(",") if key.strip()]
    with FactView(read.state) as view:
        drawn = draw_spans(view, size, keys, seed=seed, least=least, kind=kind, sessions=sessions)
    strata = [{"stratum": list(name), "spans": there, "drawn": of} for name, (there, of) in drawn.strata.items()]
    body = {
        "digest": drawn.digest,
        "by": keys,
        "seed": seed,
        "least": least,
        "kind": kind,
        "strata": strata,
        "sessions": sessions,
    }
    with AuditLog(Layout(read.workspace).control_url) as audit:
        audit.append(SPANS_DRAWN, body, key="digest")  # before anybody can see what was drawn, and draw again
    write_atomic(out, b"".join(msgspec.json.encode(one) + b"\n" for one in drawn.spans))
    click.echo(f"{len(drawn.spans):,} spans of {len(strata)} strata drawn, {drawn.digest}")


@command.command()
@config_option
@click.option("--draw", "drawn", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="As `draw` wrote it.")  # fmt: skip  # noqa: E501
@click.option("--metric", metavar="NAME", default="violation", show_default=True, help="What people are to say of each.")  # fmt: skip  # noqa: E501
@click.option("--judged", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What a judge called each, as for `corrected`; what the store counted if left out.")  # fmt: skip  # noqa: E501
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where the CSV is written, readable by you alone.")  # fmt: skip  # noqa: E501
@reason_option
def attempts(*, config: Path | None, drawn: Path, metric: str, judged: Path | None, out: Path, reason: str) -> None:
    """Write what was said in a draw as attempts, so that people can label it: `runs import`, then `labels queue`.

    It is entered in the audit log first that you looked, and why. The words are redacted, and lie outside of the store
    from then on: destroying a person's key does not delete them there.
    """
    from shipworthy.store.files import write_atomic
    from shipworthy.telemetry.attempts import attempts_csv
    from shipworthy.telemetry.corrected import JudgedSpan, read_lines
    from shipworthy.telemetry.draw import DrawnSpan
    from shipworthy.telemetry.facts import FactView

    read = read_config(config)
    called = read_lines(judged, JudgedSpan) if judged is not None else None
    with open_store(read) as (keyring, audit), FactView(read.state) as view:
        spans = read_lines(drawn, DrawnSpan)
        made = attempts_csv(view, keyring, audit, spans, called, metric=metric, by=getpass.getuser(), reason=reason)
    write_atomic(out, made.data, mode=0o600)
    gone = f", {made.gone:,} are gone" if made.gone else ""
    click.echo(
        f"{made.written:,} attempts written{gone}: `shipworthy runs import {out}`, then `shipworthy labels queue`"
    )


@command.command()
@click.option("--draw", "drawn", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="As `draw` wrote it.")  # fmt: skip  # noqa: E501
@click.option("--judged", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="A line of JSON for each: trace, span, called (the judge's word), label (a person's), severity.")  # fmt: skip  # noqa: E501
@click.option("--confidence", type=click.FloatRange(0.5, 1, max_open=True), default=0.95, show_default=True)
@form_option
def corrected(*, drawn: Path, judged: Path, confidence: float, form: str) -> None:
    """Show rates of a stream of which a judge saw a draw, corrected by the labels that people gave on part of it.

    What was drawn and has no word of the judge is a hit for the upper limit. Labels must have been drawn at random from
    what the judge called a hit, and from the rest, in each stratum.
    """
    import msgspec

    from shipworthy.cli._tables import table
    from shipworthy.telemetry.corrected import JudgedSpan, corrected_rates, read_lines
    from shipworthy.telemetry.draw import DrawnSpan

    found = corrected_rates(read_lines(drawn, DrawnSpan), read_lines(judged, JudgedSpan), confidence=confidence)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    rows = [
        (
            "weighted by severity" if one.weighted else f"S{one.severity}" if one.severity else "all",
            f"{one.observed:.1f}",
            f"{one.per:.1f} [{one.low:.1f}, {one.high:.1f}]",
            f"{one.judged:,} of {one.units:,}",
            f"{one.lost:,}",
            f"{one.labelled:,}",
        )
        for one in found
    ]
    columns = ("hits", "judge", "in 10,000, corrected", "judged", "lost", "labelled")
    click.echo(table(columns, rows, right=(1, 2, 3, 4, 5)))


@command.command()
@config_option
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="Up to yesterday, that are held against the days before.")  # fmt: skip  # noqa: E501
@click.option("--before", type=click.IntRange(1, 730), default=28, show_default=True, help="Days before these.")
@click.option("--feature", metavar="NAME", default="", help="Of this feature alone.")
@click.option("--words", metavar="N", type=click.IntRange(2, 5_000), help="Also hold N texts of users of either time against each other; needs --reason.")  # fmt: skip  # noqa: E501
@click.option("--reason", metavar="TEXT", default="", help="Why texts are read; kept in the audit log.")
@form_option
def drift(
    *, config: Path | None, days: int, before: int, feature: str, words: int | None, reason: str, form: str
) -> None:
    """Show how far what came in of late is from what came in before: a diagnostic, which raises no alarm."""
    import msgspec

    from shipworthy.cli._tables import table
    from shipworthy.telemetry.drift_report import drift_report
    from shipworthy.telemetry.facts import FactView

    read = read_config(config)
    with ExitStack() as stack:
        opened = stack.enter_context(open_store(read)) if words else None
        view = stack.enter_context(FactView(read.state))
        found = drift_report(
            view, days, before, feature=feature, texts=words or 0, opened=opened, by=getpass.getuser(), reason=reason
        )
    if form == "json":
        told = {"columns": found.columns, "words": found.words._asdict() if found.words is not None else None}
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
        return
    rows = [
        (one.column, f"{one.distance:.2f}", f"{one.noise:.2f}", "far" if one.far else "", one.most)
        for one in found.columns
    ]
    click.echo(table(("column", "distance", "chance", "", "moved most"), rows, right=(1, 2)))
    if found.words is not None:
        click.echo(f"words: distance {found.words.distance:.3f}; chance does as much with p = {found.words.p:.3f}")


@command.command()
@click.option("--out", metavar="FOLDER", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where the files are written; those that are there stay as they are.")  # fmt: skip  # noqa: E501
def monitoring(*, out: Path) -> None:
    """Write rules for Prometheus, examples of its and Alertmanager's configuration, and dashboards for Grafana.

    The metrics are at /metrics of `shipworthy serve` and of the gateway.
    """
    from importlib.resources import files

    from shipworthy.core.errors import StoreError
    from shipworthy.store.files import make_directory, write_atomic

    try:
        make_directory(out)
        for one in sorted((files("shipworthy") / "library" / "monitoring").iterdir(), key=lambda file: file.name):
            target = out / one.name
            if target.exists():
                click.echo(f"{target} is there already, and stays")
                continue
            write_atomic(target, one.read_bytes(), mode=0o644)
            click.echo(f"{target}")
    except OSError as error:
        raise StoreError(f"cannot write to {out}: {error.strerror or error}") from error
