"""Ask any gateway whether marks come out of it: our own upstream behind it says them, in every way there is."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from shipworthy.cli._options import form_option

_ENTITIES = ("email", "phone", "card", "key", "word")
_ROUTES = ("chat", "messages", "responses")
_SOURCES = ("answer", "user", "outside", "system", "tools", "earlier")
_SHOWN = ("stopped", "leaked", "broken", "altered", "unchanged", "not served", "not claimed")
_EXITS = {"conformant": 0, "leaks": 1, "alters": 1, "inconclusive": 3}
_MOST_LEAKS = 40


def _listed(known: Sequence[str]) -> Any:
    """Return what reads ``a,b`` into words that are known, each once."""

    def read(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
        from shipworthy.core.errors import UsageError, did_you_mean

        words = [word.strip() for word in (value or "").split(",") if word.strip()]
        for word in words:
            if word not in known:
                raise UsageError(f"--{parameter.name} {word[:40]}: {did_you_mean(word[:40], known)}")
        return tuple(dict.fromkeys(words))

    return read


@click.command()
@click.option("--base-url", required=True, metavar="URL", help="The gateway, up to /v1.")
@click.option("--upstream-port", required=True, metavar="PORT", type=click.IntRange(1, 65535), help="Where our upstream listens: the gateway's one upstream must be http://HOST:PORT/v1.")  # fmt: skip  # noqa: E501
@click.option("--upstream-host", metavar="HOST", default="127.0.0.1", show_default=True, help="The address that our upstream listens on.")  # fmt: skip  # noqa: E501
@click.option("--entities", metavar="LIST", default="email", show_default=True, callback=_listed(_ENTITIES), help=f"What the marks are, of what the gateway says it stops: {','.join(_ENTITIES)}.")  # fmt: skip  # noqa: E501
@click.option("--word", "words", metavar="WORD", multiple=True, help="A word that is on the gateway's list, for the entity `word`. May be repeated.")  # fmt: skip  # noqa: E501
@click.option("--routes", metavar="LIST", default=",".join(_ROUTES), show_default=True, callback=_listed(_ROUTES), help="Which routes are asked.")  # fmt: skip  # noqa: E501
@click.option("--claims", metavar="LIST", callback=_listed(_SOURCES), help=f"Whose words the gateway says it looks at, whatever the probes find: {','.join(_SOURCES)}.")  # fmt: skip  # noqa: E501
@click.option("--mode", type=click.Choice(["enforce", "shadow", "failing"]), default="enforce", show_default=True, help="shadow: not a letter may differ. failing: you took the gateway's analyser down, and marks must be stopped all the same.")  # fmt: skip  # noqa: E501
@click.option("--quick", is_flag=True, help="One cell for each route, place and form: for a first look.")
@click.option("--seed", metavar="TEXT", help="What the marks are drawn by; another one each time if left out.")
@click.option("--name", metavar="TEXT", default="gateway", show_default=True, help="The gateway in your words, with its version and configuration: it stands in the certificate.")  # fmt: skip  # noqa: E501
@click.option("--model", metavar="NAME", default="", help="The model to ask for, where the gateway only lets known names through.")  # fmt: skip  # noqa: E501
@click.option("--api-key-env", metavar="NAME", help="The variable that holds the gateway's key. A key itself is never taken.")  # fmt: skip  # noqa: E501
@click.option("--plain-http", is_flag=True, help="Let the key travel unencrypted: for a network of your own.")
@click.option("--concurrency", metavar="N", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests at one time.")  # fmt: skip  # noqa: E501
@click.option("--timeout", metavar="SECONDS", type=click.FloatRange(0.1, 600), default=60.0, show_default=True, help="Longest time to the end of an answer.")  # fmt: skip  # noqa: E501
@click.option("--output", "-o", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Where the signed certificate is written, for `evidence build --conformance`.")  # fmt: skip  # noqa: E501
@click.option("--key", "keys", multiple=True, help="A private key to sign it with: its file, or its name among your keys. Left out: your only key.")  # fmt: skip  # noqa: E501
@form_option
def command(
    *,
    base_url: str,
    upstream_port: int,
    upstream_host: str,
    entities: tuple[str, ...],
    words: tuple[str, ...],
    routes: tuple[str, ...],
    claims: tuple[str, ...],
    mode: str,
    quick: bool,
    seed: str | None,
    name: str,
    model: str,
    api_key_env: str | None,
    plain_http: bool,
    concurrency: int,
    timeout: float,
    output: Path | None,
    keys: tuple[str, ...],
    form: str,
) -> int:
    """Ask any gateway whether marks come out of it.

    Our own upstream stands behind the gateway and says marks: strings of the kinds that the gateway says it stops,
    drawn anew for every cell of a matrix of routes, forms, places, cuts and spellings. Others are in requests. A mark
    that comes out is a leak. Harmless words must come through, and a kind of mark that is not stopped in the simplest
    cell is not claimed: neither counts as stopped.

    Exit codes: 0 conformant, 1 marks leaked or harmless words were altered, 2 usage error, 3 inconclusive.
    """
    import secrets

    from shipworthy.conformance.ask import AskLimits
    from shipworthy.conformance.certificate import address, predicate, signed
    from shipworthy.conformance.kit import GatewayUnderTest, Kit
    from shipworthy.conformance.plan import Matrix
    from shipworthy.core.errors import UsageError
    from shipworthy.core.settings import Settings
    from shipworthy.evidence.pack import write_pack
    from shipworthy.store.signing import find_keys

    if ("word" in entities) is not bool(words) or not all(word.strip() and word.isprintable() for word in words):
        raise UsageError("the entity `word` and --word WORD belong together: name a word that the gateway must stop")
    if not (entities and routes):
        raise UsageError("name at least one entity and one route")
    if not name.strip() or not name.isprintable():
        raise UsageError("--name must be a word or more")
    signers = find_keys(Settings.load().keys_dir, keys) if output else []
    shown = address(base_url)
    path = base_url.partition("://")[2].partition("?")[0].partition("/")[2].rstrip("/")
    base = shown + (f"/{path.removesuffix('/v1').removesuffix('v1')}".rstrip("/") if path else "")
    gateway = GatewayUnderTest(
        base, _key(api_key_env, shown, plain_http), model, upstream_host, upstream_port, concurrency, AskLimits(timeout)
    )
    drawn = seed if seed is not None else secrets.token_hex(4)
    matrix = Matrix(routes, entities, quick, mode, drawn, words, claims)  # type: ignore[arg-type]  # checked above
    found = asyncio.run(Kit(matrix, gateway, _tell).examine())
    if sys.stderr.isatty():
        click.echo(err=True)
    said = predicate(matrix, name.strip(), base_url, found)
    if form == "json":
        click.echo(json.dumps(said, indent=1, ensure_ascii=True))
    else:
        _show(said)
    if output is not None:
        write_pack(output, signed(said, signers))
        click.echo(f"{output}: signed by {', '.join(key.public.owner for key in signers)}", err=form == "json")
    return _EXITS[said["summary"]["verdict"]]


def _key(variable: str | None, shown: str, plain_http: bool) -> str:
    """Return the key that a variable holds."""
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    from shipworthy.core.credentials import resolve
    from shipworthy.core.errors import UsageError

    if not variable:
        return ""
    if not variable.isidentifier():
        # It may be a pasted key: it is not repeated.
        raise UsageError("--api-key-env takes the name of a variable, not a key")
    host = urlsplit(shown).hostname or ""
    try:
        near = ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    if shown.startswith("http://") and not near and not plain_http:
        raise UsageError(f"the key would travel to {shown} unencrypted: use https, or say --plain-http")
    return resolve(f"env:{variable}")


def _tell(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done:,} of {of:,} cells asked", nl=False, err=True)
    elif done % 500 == 0:
        click.echo(f"{done:,} of {of:,} cells asked", err=True)


def _show(said: Mapping[str, Any]) -> None:
    from shipworthy.cli._tables import table

    total, gateway, matrix = said["summary"], said["gateway"], said["matrix"]
    click.echo(f"{gateway['name']} at {gateway['address']}, mode {matrix['mode']}, seed {matrix['seed']}")
    click.echo(f"guards: {gateway['guards'] or 'undeclared, so unproven'}\n")
    kept = [name for name in _SHOWN if any(name in row["counts"] for row in total["by_route"])]
    rows = [
        (row["route"], row["source"], row["asked"], *(str(row["counts"].get(name, 0)) for name in kept))
        for row in total["by_route"]
    ]
    click.echo(table(("route", "who says it", "asked", *kept), rows, right=range(3, 3 + len(kept))))
    places = Counter(
        (row["route"], row["asked"], row["place"], row["channel"], row["simplest"])
        for row in said["cells"]
        if row["role"] == "cell" and row["outcome"] == "leaked"
    )
    if places:
        click.echo("\nmarks came out:")
        for (route, asked, place, channel, simplest), number in places.most_common(_MOST_LEAKS):
            known = "; the same mark is stopped in the simplest cell" if simplest == "stopped" else ""
            click.echo(f"  {route} {asked}, {place}: in {channel} ({number}){known}")
        if len(places) > _MOST_LEAKS:
            click.echo(f"  and {len(places) - _MOST_LEAKS} more places")
    broken = Counter(
        (r["role"], r["outcome"], r["reason"]) for r in said["cells"] if r["outcome"] in ("broken", "altered")
    )
    for (role, outcome, reason), number in broken.most_common():
        click.echo(f"{number} {role}s {outcome}: {reason}")
    controls = ", ".join(f"{number} {name}" for name, number in total["controls"].items())
    click.echo(f"\ncontrols: {controls or 'none in this mode'}")
    if rate := total["leak_rate"]:
        click.echo(
            f"leaked: {rate['hits']} of {rate['of']} cells that were stopped or leaked, {total['leaked_bytes']} bytes "
            f"(95 % exact: {rate['low']:.2%} to {rate['high']:.2%})"
        )
    click.echo("left out: " + "; ".join(total["left_out"]))
    click.echo(f"{total['verdict']}")
